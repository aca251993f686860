"""Steps run as one: all of them, or none of them.

A step that fails, or a Ctrl-C, undoes what was done, the last first. Once a step says that it
cannot be taken back (a push that arrived), what is behind it stays.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from filelock import FileLock, Timeout

from poetry_aegis.errors import ReleaseInProgress
from poetry_aegis.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

LOCK_NAME = "poetry-aegis.lock"


class Step(ABC):
    """One change to the world that a release makes."""

    name: ClassVar[str]

    @abstractmethod
    def describe(self) -> str:
        """Return what the step will do, as one line for people."""

    @abstractmethod
    def do(self) -> None:
        """Make the change. Raises `AegisError`."""

    def undo(self) -> None:  # noqa: B027 - a step that leaves nothing behind has nothing to undo
        """Take back whatever of the change was made, also where `do` stopped half-way."""

    def is_final(self) -> bool:
        """Return whether the change was made and others may have seen it."""
        return False


def run(steps: Sequence[Step], started: Callable[[Step], None]) -> None:
    """Do *steps* in order, calling *started* before each; undo them where one fails.

    Raises what the failing step raised, with a note for each step that could not be undone.
    """
    begun: list[Step] = []
    try:
        for step in steps:
            started(step)
            begun.append(step)
            step.do()
    except BaseException as failure:
        with uninterrupted():
            _undo(begun, failure)
        raise


def _undo(begun: Sequence[Step], failure: BaseException) -> None:
    if any(step.is_final() for step in begun):
        return
    for step in reversed(begun):
        _undo_step(step, failure)


def _undo_step(step: Step, failure: BaseException) -> None:
    try:
        step.undo()
    except Exception as error:  # noqa: BLE001 - the steps before it must be undone all the same
        _note(failure, f"The step {step.name!r} could not be undone: {error}")


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
