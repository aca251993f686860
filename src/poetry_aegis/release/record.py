"""The journal of a release on disk: what it is to do, how far it has come, what to remember.

Two files in a directory of its own inside the git directory. ``plan.json`` is written once and
makes the release exist; ``progress.json`` is replaced, atomically, before and after each step. A
process that is killed at any moment leaves both readable.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from poetry_aegis import atomic
from poetry_aegis.errors import NoUnfinishedRelease, ReleaseError, UnfinishedRelease

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DIRECTORY = "poetry-aegis"
FORMAT = 1
WAYS_OUT = (
    "Finish it with: poetry aegis release --resume\n"
    "Or take it back with: poetry aegis release --abort"
)


class Record:
    """The journal in *directory*. Only one process may have it open: see `journal.exclusive`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._plan = directory / "plan.json"
        self._progress = directory / "progress.json"
        self._begun: list[str] = []
        self._done: list[str] = []
        self._memory: dict[str, dict[str, Any]] = {}

    @classmethod
    def of(cls, git_directory: Path) -> Record:
        """Return the journal of the repository with *git_directory*, be there one or not."""
        return cls(git_directory / DIRECTORY)

    @property
    def exists(self) -> bool:
        """Whether there is an unfinished release."""
        return self._plan.exists()

    @property
    def distributions(self) -> Path:
        """Where what is built for the release is kept until it is finished."""
        return self.directory / "dist"

    def require_none(self) -> None:
        """Raise `UnfinishedRelease` where a release has not been finished."""
        if self.exists:
            raise UnfinishedRelease(
                f"{self._describe()} broke off and is not finished.", hint=WAYS_OUT
            )

    def _describe(self) -> str:
        """Return which release it is, as far as that can be read."""
        try:
            packages = self.load()["packages"]
            return "The release of " + ", ".join(
                f"{package['name']} {package['version']}" for package in packages
            )
        except (ReleaseError, KeyError, TypeError):
            return "A release of this repository"

    def open(self, plan: Mapping[str, Any]) -> None:
        """Begin the journal of *plan*, JSON values all. Raises `UnfinishedRelease`, ``OSError``."""
        self.require_none()
        self._sweep()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write_progress()
        content = json.dumps({"format": FORMAT, "plan": plan}, ensure_ascii=False)
        atomic.write_text(self._plan, content, mode=0o600)

    def load(self) -> dict[str, Any]:
        """Return the plan, with the progress read. Raises `NoUnfinishedRelease`, `ReleaseError`."""
        try:
            document = json.loads(self._plan.read_bytes())
            progress = json.loads(self._progress.read_bytes())
        except FileNotFoundError:
            raise NoUnfinishedRelease(
                "There is no unfinished release in this repository.",
                hint="Begin one with: poetry aegis release auto",
            ) from None
        except ValueError as error:
            raise _unreadable(self.directory, str(error)) from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise _unreadable(self.directory, "another version of poetry-aegis wrote it")
        self._begun, self._done = progress["begun"], progress["done"]
        self._memory = progress["memory"]
        plan: dict[str, Any] = document["plan"]
        return plan

    def has_begun(self, step: str) -> bool:
        """Return whether *step* was begun and not taken back since."""
        return step in self._begun

    def has_done(self, step: str) -> bool:
        """Return whether *step* came to its end and was not taken back since."""
        return step in self._done

    def begin(self, step: str) -> None:
        """Note, durably, that *step* is about to change something."""
        if step not in self._begun:
            self._begun.append(step)
            self._write_progress()

    def finish(self, step: str) -> None:
        """Note, durably, that *step* is done."""
        if step not in self._done:
            self._done.append(step)
            self._write_progress()

    def unfinish(self, step: str) -> None:
        """Note, durably, that *step* is about to be taken back: it is not done any more."""
        if step in self._done:
            self._done.remove(step)
            self._write_progress()

    def take_back(self, step: str) -> None:
        """Note, durably, that nothing is left of *step*."""
        self._begun = [name for name in self._begun if name != step]
        self._done = [name for name in self._done if name != step]
        self._memory.pop(step, None)
        self._write_progress()

    def recall(self, step: str) -> Mapping[str, Any]:
        """Return what *step* has remembered."""
        return self._memory.get(step, {})

    def remember(self, step: str, **values: Any) -> None:
        """Keep *values*, JSON all, for *step*, also over a crash."""
        self._memory.setdefault(step, {}).update(values)
        self._write_progress()

    def close(self) -> None:
        """Forget the release: it is finished, or nothing is left of it."""
        self._plan.unlink(missing_ok=True)
        atomic.fsync_directory(self.directory)
        self._sweep()

    def _sweep(self) -> None:
        """Remove the directory and what has been left in it beside the plan."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write_progress(self) -> None:
        progress = {"begun": self._begun, "done": self._done, "memory": self._memory}
        atomic.write_text(self._progress, json.dumps(progress, ensure_ascii=False), mode=0o600)


def _unreadable(directory: Path, reason: str) -> ReleaseError:
    return ReleaseError(
        f"The journal of the unfinished release in {directory} cannot be read: {reason}.",
        hint="Look at git status and git log, put things right by hand, and remove the directory.",
    )
