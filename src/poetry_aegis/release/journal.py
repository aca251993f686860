"""Steps run as one: all of them, or none of them, also where the process is killed in between.

A step that fails, or a Ctrl-C, undoes what was done, the last first. Once a step says that it
cannot be taken back (a push that arrived), what is behind it stays. What was begun and done is in
a `Record` on disk, so that a release that broke off can be resumed or taken back later.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from filelock import FileLock, Timeout

from poetry_aegis.errors import ReleaseError, ReleaseInProgress
from poetry_aegis.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from poetry_aegis.release.record import Record

LOCK_NAME = "poetry-aegis.lock"


class Step(ABC):
    """One change to the world that a release makes. *name* is its own within the release.

    What is not *lasting* counts only once a lasting step after it is done: until then a release
    that broke off starts over. What hooks and people have made of half a release is no ground to
    build on.

    `do` and `undo` may run again after either of them was cut short anywhere, in another process:
    they look at the world before they change it.
    """

    name: str
    lasting: ClassVar[bool] = True
    _record: Record | None = None

    @abstractmethod
    def describe(self) -> str:
        """Return what the step will do, as one line for people."""

    @abstractmethod
    def do(self) -> None:
        """Make the change, or what is missing of it. Raises `AegisError`."""

    def undo(self) -> None:  # noqa: B027 - a step that leaves nothing behind has nothing to undo
        """Take back whatever of the change was made, also where `do` stopped half-way.

        Raises `AegisError` where that would destroy what is not the release's own.
        """

    def is_done(self) -> bool | None:
        """Return whether the change was made, ``None`` where only the journal can tell."""
        return None

    def is_final(self) -> bool:
        """Return whether the change was made and others may have seen it."""
        return False

    def attach(self, record: Record) -> None:
        """Let the step remember things in *record*."""
        self._record = record

    def remember(self, **values: Any) -> None:
        """Keep *values* over a crash."""
        if self._record:
            self._record.remember(self.name, **values)

    def recall(self) -> Mapping[str, Any]:
        """Return what was remembered."""
        return self._record.recall(self.name) if self._record else {}


def run(steps: Sequence[Step], record: Record, started: Callable[[Step], None]) -> None:
    """Do *steps* in order, calling *started* before each; undo them where one fails.

    Raises what the failing step raised, with a note for each step that could not be undone. The
    journal stays open where something is left to be finished or to be taken back.
    """
    _attach(steps, record)
    _run(steps, (), record, started)


def resume(steps: Sequence[Step], record: Record, started: Callable[[Step], None]) -> None:
    """Do those of *steps* that are not done for good.

    Raises as `run` does, and what an undo raises where it has to start over.
    """
    _attach(steps, record)
    done = _count_done(steps, record)
    if not done:
        with uninterrupted():
            _take_back([step for step in steps if record.has_begun(step.name)], record)
    _run(steps[done:], steps[:done], record, started)


def take_back(steps: Sequence[Step], record: Record, undone: Callable[[Step], None]) -> None:
    """Undo all of *steps* that were begun, the last first, calling *undone* after each.

    Raises `ReleaseError` where others may have seen the release, and what an undo raises; the
    journal then stays open.
    """
    _attach(steps, record)
    begun = [step for step in steps if record.has_begun(step.name)]
    seen = next((step for step in begun if step.is_final()), None)
    if seen:
        raise ReleaseError(
            f"The release cannot be taken back: others may have seen it ({seen.describe()}).",
            hint="Finish it with: poetry aegis release --resume\n"
            "Or leave it as it is and forget what is left to do: "
            "poetry aegis release --abort --force",
        )
    with uninterrupted():
        _take_back(begun, record, undone)
        record.close()


def _take_back(
    begun: Sequence[Step], record: Record, undone: Callable[[Step], None] | None = None
) -> None:
    for step in reversed(begun):
        record.unfinish(step.name)
        step.undo()
        record.take_back(step.name)
        if undone:
            undone(step)


def _attach(steps: Sequence[Step], record: Record) -> None:
    for step in steps:
        step.attach(record)


def _count_done(steps: Sequence[Step], record: Record) -> int:
    """Return how many of *steps* need not be done again.

    They build on one another, so the last lasting one that is done tells for all before it.
    """
    for number in range(len(steps), 0, -1):
        step = steps[number - 1]
        if not step.lasting or not record.has_begun(step.name):
            continue
        done = step.is_done()
        if record.has_done(step.name) if done is None else done:
            return number
    return 0


def _run(
    steps: Sequence[Step],
    before: Sequence[Step],
    record: Record,
    started: Callable[[Step], None],
) -> None:
    begun = list(before)
    try:
        for step in steps:
            started(step)
            begun.append(step)
            record.begin(step.name)
            step.do()
            record.finish(step.name)
    except BaseException as failure:
        with uninterrupted():
            _undo(begun, record, failure)
        raise
    record.close()


def _undo(begun: Sequence[Step], record: Record, failure: BaseException) -> None:
    if any(step.is_final() for step in begun):
        return
    name = ""
    try:
        for step in reversed(begun):
            name = step.name
            with contextlib.suppress(OSError):  # A full disk: it is undone without being noted.
                record.unfinish(step.name)
            step.undo()
            with contextlib.suppress(OSError):  # An undo may well run twice.
                record.take_back(step.name)
    except Exception as error:  # noqa: BLE001 - the first failure is the one to be told
        _note(failure, f"The step {name!r} could not be undone: {error}")
    else:
        record.close()


def _note(failure: BaseException, text: str) -> None:
    """Attach *text* to *failure* as Python 3.11's ``add_note`` does, on 3.10 too."""
    notes = getattr(failure, "__notes__", [])
    failure.__notes__ = [*notes, text]  # type: ignore[attr-defined]


@contextlib.contextmanager
def exclusive(git_directory: Path) -> Iterator[None]:
    """Let one release at a time into a repository. Raises `ReleaseInProgress`."""
    lock = FileLock(git_directory / LOCK_NAME, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise ReleaseInProgress(
            "Another release of this repository is running.",
            hint="Wait for it to end and run the command again.",
        ) from None
    try:
        yield
    finally:
        lock.release()
