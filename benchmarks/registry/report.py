"""What was measured, as a table, and what was promised of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.registry.clients import TASKS
from benchmarks.registry.load import HTML_PAGE, JSON_PAGE, LARGE_FILE, LIST, MEASURES, METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.registry.clients import Client
    from benchmarks.registry.load import Load
    from benchmarks.registry.uploading import Uploaded

OURS, BEHIND, FLOOR = "poetry-aegis", "poetry-aegis behind nginx", "nginx, static files"
OF_FLOOR = 0.9
TIMES_PEERS = 10.0
PEERS = ("devpi-server", "peryx")
SLOWEST = 10.0  # ms, of 99 % of the answers
MEGABYTES = 100.0
COLD_START = 0.5  # seconds
NONE = "-"
MARGIN = 1.25  # Only what is missed by more than this fails the check: machines are noisy.


@dataclass
class Result:
    """What was measured of a server. *users* is how it knows them; *cold_starts* are seconds."""

    name: str
    users: str
    cold_starts: list[float] = field(default_factory=list)
    megabytes: float = 0.0
    loads: dict[str, Load] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    uploaded: Uploaded | None = None

    @property
    def cold_start(self) -> float:
        """The shortest: noise only ever adds time."""
        return min(self.cold_starts, default=math.nan)

    def rate(self, measure: str) -> float:
        """Return answers a second, for large files megabytes; not a number where it has none."""
        load = self.loads.get(measure)
        if load is None:
            return math.nan
        return load.megabytes if measure == LARGE_FILE else load.rate


def markdown(results: Sequence[Result], packages: int) -> str:
    """Return the tables of all *results*."""
    tables = [
        "Requests a second (p50 / p99 in ms), `!` with answers that failed; the large file in MB/s",
        _table(
            ["server", "users", *MEASURES, "cold start, ms", "MB"],
            ([r.name, r.users, *(_load(r, m) for m in MEASURES), *_process(r)] for r in results),
        ),
        *_ratios(results),
    ]
    if any(result.clients for result in results):
        tables += [
            f"{packages} packages that need one another: seconds (MB served)",
            _table(
                ["server", *TASKS],
                ([r.name, *(_client(r.clients.get(task)) for task in TASKS)] for r in results),
            ),
        ]
    if any(result.uploaded for result in results):
        tables += [
            "Uploads at the same time",
            _table(
                ["server", "seconds", "uploads", "failed"],
                (
                    [r.name, f"{u.seconds:.2f}", str(u.count), str(u.failed)]
                    for r in results
                    if (u := r.uploaded)
                ),
            ),
        ]
    return "\n\n".join(tables)


def as_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return *results* as what JSON can say."""
    from dataclasses import asdict

    return [asdict(result) for result in results]


def missed(results: Sequence[Result], *, margin: float = MARGIN) -> Iterator[str]:
    """Yield a sentence for each goal that was missed by more than *margin*."""
    by_name = {result.name: result for result in results}
    if OURS in by_name:
        for peer in results:
            if peer.name.startswith(PEERS):
                yield from _too_close(by_name[OURS], peer, margin)
    if FLOOR in by_name and BEHIND in by_name:
        yield from _below(by_name[BEHIND], by_name[FLOOR], margin)
    for name in by_name.keys() & {OURS, BEHIND}:
        yield from _beyond(by_name[name], margin)


def _below(behind: Result, floor: Result, margin: float) -> Iterator[str]:
    for measure in MEASURES:
        ratio = behind.rate(measure) / floor.rate(measure)
        if ratio < OF_FLOOR / margin:
            yield f"{measure} behind nginx: {ratio:.2f} of the floor; the goal is {OF_FLOOR}"


def _too_close(ours: Result, peer: Result, margin: float) -> Iterator[str]:
    ratio = ours.rate(JSON_PAGE) / peer.rate(JSON_PAGE)
    if ratio < TIMES_PEERS / margin:
        yield f"{JSON_PAGE}: {ratio:.1f} x {peer.name}; the goal is {TIMES_PEERS:.0f} x"


def _beyond(result: Result, margin: float) -> Iterator[str]:
    for measure in (LIST, HTML_PAGE, JSON_PAGE, METADATA):
        load = result.loads.get(measure)
        if load and (load.failed or load.p99 > SLOWEST * margin):
            yield (
                f"{measure} of {result.name}: p99 {load.p99:.1f} ms, {load.failed} failed; "
                f"the goal is {SLOWEST:.0f} ms and none"
            )
    if result.megabytes > MEGABYTES:
        yield f"{result.name} holds {result.megabytes:.0f} MB; the goal is {MEGABYTES:.0f}"
    if result.cold_start > COLD_START * margin:
        yield f"{result.name} starts in {result.cold_start:.2f} s; the goal is {COLD_START} s"
    if result.uploaded and result.uploaded.failed:
        yield f"{result.name} failed {result.uploaded.failed} uploads"


def _ratios(results: Sequence[Result]) -> Iterator[str]:
    """Yield how the rates of this registry compare with those of each server."""
    for result in results:
        if result.name in (OURS, BEHIND):
            yield f"{result.name}, times the rate of"
            yield _table(
                ["", *MEASURES],
                (
                    [other.name, *(_ratio(result, other, measure) for measure in MEASURES)]
                    for other in results
                    if other is not result
                ),
            )


def _ratio(result: Result, other: Result, measure: str) -> str:
    if not other.rate(measure) > 0:
        return NONE
    ratio = result.rate(measure) / other.rate(measure)
    return NONE if math.isnan(ratio) else f"{ratio:.3g}"


def _load(result: Result, measure: str) -> str:
    load = result.loads.get(measure)
    if load is None:
        return NONE
    if measure == LARGE_FILE:
        return f"{load.megabytes:,.0f} MB/s"
    mark = " !" if load.failed else ""
    return f"{load.rate:,.{0 if load.rate >= 100 else 1}f} ({load.p50:.1f} / {load.p99:.1f}){mark}"


def _process(result: Result) -> list[str]:
    start = result.cold_start * 1000
    return [NONE if math.isnan(start) else f"{start:.0f}", f"{result.megabytes:.0f}"]


def _client(client: Client | None) -> str:
    if client is None:
        return NONE
    if client.failed:
        return f"failed ({'too late' if client.late else f'exit {client.status}'})"
    return f"{client.seconds:.1f} ({client.megabytes:,.2f})"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
