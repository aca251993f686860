"""The speed of reading a history, beside peers and beside git itself, all in one run.

Each tool is installed into a virtual environment of its own, as its users install it. In each of
several histories every command runs once to warm up, then in rounds of random order, so that a
machine whose speed drifts slows all of them. A tool's own start-up is reported apart and taken off;
what is left is compared with the floor, the ``git log`` that reads all messages.

    python -m benchmarks.release [--rounds 7] [--bound 120] [--clone URL] [--quick] [--check]

``--quick`` measures the Poetry that it runs in, without the peers and the long histories.
``--check`` exits with 1 where a promise of the documentation is broken by far: ratios and memory,
which depend little on the machine.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from subprocess import DEVNULL
from typing import IO, TYPE_CHECKING

from benchmarks.history import Shape, environment, git, make_history
from benchmarks.processes import run
from benchmarks.real import real_history
from benchmarks.tools import (
    FLOOR,
    OURS,
    PEERS,
    TASKS,
    Row,
    answer,
    git_rows,
    install_ours,
    our_rows,
    peer_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.history import History
    from benchmarks.processes import Run
    from benchmarks.tools import Task

SIZES = (20_000, 200_000)
WELL_KNOWN = "https://github.com/python-poetry/poetry.git"
TIMES_FLOOR: dict[Task, float] = {"next version": 1.0, "whole changelog": 3.0}
MEGABYTES = 150
GIT_MARGIN = 1.1  # The largest process may be git, which in a long history holds more by itself.
ENOUGH = 30  # seconds for the rounds of one command
MARGIN = 2.0  # Only what is broken by more than this fails the check: machines are noisy.


@dataclass(frozen=True)
class Measured:
    """The runs of a command and what it said."""

    row: Row
    says: str
    runs: tuple[Run, ...]

    @property
    def seconds(self) -> float:
        """The shortest run: noise only ever adds time."""
        return min(run.seconds for run in self.runs)

    @property
    def megabytes(self) -> float:
        """The peak of all runs."""
        return max(run.megabytes for run in self.runs)

    @property
    def late(self) -> bool:
        """Whether it took longer than it was given."""
        return any(run.late for run in self.runs)


@dataclass(frozen=True)
class Result:
    """What was measured in one history of *commits*, *synthetic* or a real one."""

    title: str
    commits: int
    synthetic: bool
    measured: tuple[Measured, ...]

    def of(self, tool: str, task: Task) -> Measured:
        """Return what was measured of a tool."""
        return next(m for m in self.measured if (m.row.tool, m.row.task) == (tool, task))

    @property
    def floor(self) -> float:
        """The seconds that git itself takes to tell all messages."""
        return self.of(FLOOR, "whole changelog").seconds

    def beyond(self, measured: Measured) -> float:
        """Return the seconds beyond the start-up of the tool; git's is nothing."""
        starts = [m for m in self.measured if m.row.task == "start-up"]
        tool = measured.row.tool.partition(",")[0]
        own = [m.seconds for m in starts if m.row.tool == tool]
        return measured.seconds - min(own, default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bound", type=float, default=120, help="seconds for one run")
    parser.add_argument("--clone", default=WELL_KNOWN, help="the real history")
    parser.add_argument("--quick", action="store_true", help="20,000 commits only, no peers")
    parser.add_argument("--check", action="store_true", help="exit with 1 for a broken promise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="release-") as directory:
        root = Path(directory)
        beside = Path(sys.executable).parent
        tools = our_rows(beside if options.quick else install_ours(root))
        for peer in () if options.quick else PEERS:
            tools += peer_rows(root, peer)
        python = sys.version.split()[0]
        print(f"Python {python}, Poetry {version('poetry')}, {git(root, '--version')}")
        results = []
        for history in histories(root, options):
            rows = [*git_rows(history.since), *tools]
            measured = measure(rows, history.root, options.rounds, options.bound)
            results.append(Result(history.title, history.commits, history.synthetic, measured))
            report(results[-1])
    broken = list(broken_promises(results))
    for promise in broken:
        print(f"BROKEN: {promise}")
    sys.exit(1 if broken and options.check else 0)


def histories(root: Path, options: argparse.Namespace) -> Iterator[History]:
    """Make one history after the other."""
    for commits in SIZES[: 1 if options.quick else None]:
        yield make_history(root / f"history-{commits}", Shape(commits))
    if not options.quick:
        yield real_history(root / "real", options.clone)


def measure(rows: Sequence[Row], root: Path, rounds: int, bound: float) -> tuple[Measured, ...]:
    """Return the runs of each row, none longer than *bound*, and few of a slow one."""
    first = {row: try_out(row, root, bound) for row in rows}
    runs: dict[Row, list[Run]] = {row: [run] if run.late else [] for row, (run, _) in first.items()}
    for _ in range(rounds):
        for row in random.sample(rows, len(rows)):
            if sum(run.seconds for run in runs[row]) + first[row][0].seconds < ENOUGH:
                runs[row].append(run_once(row, root, bound))
    return tuple(Measured(row, first[row][1], tuple(runs[row] or [first[row][0]])) for row in rows)


def try_out(row: Row, root: Path, bound: float) -> tuple[Run, str]:
    """Return the first run of *row* and what it said. Ends the benchmark where it fails."""
    with tempfile.TemporaryFile() as printed:
        outcome = run_once(row, root, bound, printed)
        printed.seek(0)
        if outcome.status and not outcome.late:
            sys.exit(f"{' '.join(row.command)} failed: {printed.read(1000).decode()}")
        return outcome, "" if outcome.late else answer(row, printed)


def run_once(row: Row, root: Path, bound: float, output: IO[bytes] | int = DEVNULL) -> Run:
    """Run *row*, telling *output* what it prints or writes, and leave the repository as it was."""
    outcome = run(row.command, cwd=root, env=settings(root), bound=bound, output=output)
    written = root / "CHANGELOG.md"
    if written.exists():
        if not isinstance(output, int):
            with written.open("rb") as text:
                shutil.copyfileobj(text, output)
        written.unlink()
    return outcome


def settings(root: Path) -> dict[str, str]:
    """Return an environment in which neither git nor Poetry has settings of this machine."""
    empty = root.parent / "empty"
    homes = {f"POETRY_{kind}_DIR": str(empty) for kind in ("CONFIG", "DATA", "CACHE")}
    return environment() | homes | {"NO_COLOR": "1"}


def report(result: Result) -> None:
    """Print a table per task."""
    print(f"\n{result.title}: wall seconds; the floor is {FLOOR}, {result.floor:.2f} s")
    print(f"  {'':34}{'min / median':>16}{'beyond start-up':>17}{'x floor':>9}{'MB':>6}")
    for task in TASKS:
        print(f"  {task}")
        for measured in result.measured:
            if measured.row.task == task:
                print(f"    {line(result, measured)}".rstrip())


def line(result: Result, measured: Measured) -> str:
    """Return the figures of one command."""
    median = statistics.median(run.seconds for run in measured.runs)
    figures = f"{measured.row.tool:32}{measured.seconds:>8.2f} / {median:5.2f}"
    if measured.late:
        return f"{measured.row.tool:32}  more than {measured.seconds:.0f}"
    if measured.row.task == "start-up":
        return f"{figures}{'':26}{measured.megabytes:>6.0f}"
    beyond = result.beyond(measured)
    ratio = beyond / result.floor
    return f"{figures}{beyond:>17.2f}{ratio:>9.1f}{measured.megabytes:>6.0f}  {measured.says}"


def broken_promises(results: Sequence[Result]) -> Iterator[str]:
    """Yield a sentence for each promise that the results break by far."""
    for result in results:
        for task, most in TIMES_FLOOR.items():
            ours = result.of(OURS, task)
            memory = max(MEGABYTES, result.of(FLOOR, "whole changelog").megabytes * GIT_MARGIN)
            if ours.megabytes > memory:
                yield f"{task}: {ours.megabytes:.0f} MB for {result.title}; promised: {memory:.0f}"
            times = result.beyond(ours) / result.floor
            if result.synthetic and times > most * MARGIN:
                yield f"{task}: {times:.1f} x the floor for {result.title}; promised: {most:.0f}"
    short, *longer = [result for result in results if result.synthetic]
    for long in longer:
        for task in TIMES_FLOOR:
            growth = long.beyond(long.of(OURS, task)) / short.beyond(short.of(OURS, task))
            if growth > MARGIN * long.commits / short.commits:
                yield f"{task}: {growth:.1f} x the time for {long.title}; promised: linear"


if __name__ == "__main__":
    main()
