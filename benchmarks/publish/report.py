"""What was measured, as a table, and what was promised of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TIMES = 4.0
MEGABYTES = 100.0
# The form, the handshakes and what TLS adds are far less than this of a file.
ONCE = 1.05
NONE = "-"


@dataclass(frozen=True)
class Publication:
    """One run of a client. *received* are the bytes that came to the server over the link.

    *complete*: the index shows every file with its hash, and the client ended well.
    """

    seconds: float
    megabytes: float
    connections: int
    received: int
    requests: tuple[str, ...]
    complete: bool

    @property
    def uploads(self) -> int:
        """How many requests there were that may carry a file."""
        return sum(request.startswith("POST ") for request in self.requests)


@dataclass
class Result:
    """The runs of a client, of files that are *payload* bytes together."""

    name: str
    ours: bool
    payload: int
    runs: list[Publication] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether it did not publish everything each time. Then its times mean nothing."""
        return not self.runs or not all(run.complete for run in self.runs)

    @property
    def seconds(self) -> float:
        """The median."""
        return median(run.seconds for run in self.runs)

    @property
    def received(self) -> float:
        """The most that came to the server, as a multiple of the payload."""
        return max(run.received for run in self.runs) / self.payload

    @property
    def megabytes(self) -> float:
        """The most memory that it held."""
        return max(run.megabytes for run in self.runs)


def as_json(results: Sequence[Result], huge: Result | None) -> dict[str, Any]:
    """Return what was measured as what JSON can say."""
    return {"clients": [asdict(result) for result in results], "huge": huge and asdict(huge)}


def table(results: Sequence[Result]) -> str:
    """Return the table of all *results*."""
    head = ("client", "s, median (min-max)", "times ours", "connections", "requests")
    lines = [[*head, "MB received", "of the files", "MB held"], ["---"] * 8]
    ours = next((result for result in results if result.ours and not result.failed), None)
    lines += [_row(result, ours) for result in results]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def huge_line(huge: Result) -> str:
    """Return the sentence about the one huge wheel."""
    if huge.failed:
        return "The huge wheel was not published."
    return (
        f"One wheel of {huge.payload / 2**20:,.0f} MiB by {huge.name}: {huge.seconds:.1f} s, "
        f"{huge.megabytes:.0f} MB held, {huge.received:.3f} of it received."
    )


def missed(results: Sequence[Result], huge: Result | None) -> Iterator[str]:
    """Yield a sentence for each goal that was missed."""
    for result in results:
        if result.ours:
            yield from _missed_by(result)
            if not result.failed:
                yield from _too_close(result, results)
    if huge is not None:
        yield from _missed_by(huge)
        if not huge.failed and huge.megabytes > MEGABYTES:
            yield f"{huge.megabytes:.0f} MB held for a huge wheel; the goal is {MEGABYTES:.0f}"


def _missed_by(ours: Result) -> Iterator[str]:
    if ours.failed:
        yield f"{ours.name} did not publish everything"
    elif ours.received > ONCE:
        yield f"{ours.name} sent {ours.received:.2f} times what the files hold; the goal is once"


def _too_close(ours: Result, results: Sequence[Result]) -> Iterator[str]:
    for peer in results:
        if peer.ours or peer.failed:
            continue
        times = peer.seconds / ours.seconds
        if times < TIMES:
            yield f"{times:.2f} times as fast as {peer.name}; the goal is {TIMES:.0f}"


def _row(result: Result, ours: Result | None) -> list[str]:
    if result.failed:
        return [result.name, "failed", *[NONE] * 6]
    seconds = [run.seconds for run in result.runs]
    last = result.runs[-1]
    return [
        result.name,
        f"{result.seconds:.2f} ({min(seconds):.2f}-{max(seconds):.2f})",
        f"{result.seconds / ours.seconds:.2f}" if ours else NONE,
        str(last.connections),
        f"{len(last.requests)}, {last.uploads} of them POST",
        f"{last.received / 1e6:.1f}",
        f"{result.received:.3f}",
        f"{result.megabytes:.0f}",
    ]
