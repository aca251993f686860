"""The files that a release changes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.errors import ReleaseError
from poetry_aegis.release.journal import Step
from poetry_aegis.release.steps.contents import digest, read

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.release.steps.contents import KeptCopies


@dataclass(frozen=True)
class FileChange:
    """The content of a file before (``None`` where there is no such file) and after a release."""

    path: Path
    before: bytes | None
    after: bytes

    def name_in(self, root: Path) -> str:
        """Return the path relative to *root*, with forward slashes."""
        return self.path.relative_to(root).as_posix()


@dataclass
class WriteFiles(Step):
    """Writes the files that the release changes, each atomically.

    *directories* are those that did not exist before, the outermost first; *copies* keeps other
    people's edits.
    """

    root: Path
    changes: tuple[FileChange, ...]
    copies: KeptCopies
    directories: tuple[Path, ...] = ()
    name: str = "files"
    lasting = False

    def describe(self) -> str:
        """Name the files, relative to the repository."""
        return f"write {', '.join(self.paths)}"

    @property
    def paths(self) -> list[str]:
        """The files, relative to the repository."""
        return [change.name_in(self.root) for change in self.changes]

    def do(self) -> None:
        """Write the new contents. Raises `ReleaseError` for a file that is not as it was planned.

        Once they were written, another content is somebody's edit since: a copy of it is kept.
        """
        self._sweep()
        again = bool(self.recall().get("written"))
        for change in self.changes:
            if not self._is_ours(change):
                if not again:
                    raise self._edited(change)
                self.copies.keep(change.path)
        for directory in self.directories:
            directory.mkdir(exist_ok=True)
        self.remember(written=True)
        for change in self.changes:
            if read(change.path) != change.after:
                atomic.write_bytes(change.path, change.after)

    def undo(self) -> None:
        """Put the old contents back, byte for byte. A copy of what others have edited is kept."""
        self._sweep()
        for change in self.changes:
            if self.recall().get("written"):
                self._put_back(change)
        for directory in reversed(self.directories):
            with contextlib.suppress(OSError):  # Something else may have come to be in it.
                directory.rmdir()

    def is_done(self) -> bool:
        """Return whether all files have their new contents."""
        return all(read(change.path) == change.after for change in self.changes)

    def accept(self) -> None:
        """Take note that what the files hold now was made by hooks of the release."""
        if self.recall().get("written") and not self.is_done():
            made = {change.name_in(self.root): digest(read(change.path)) for change in self.changes}
            self.remember(made=made)

    def _put_back(self, change: FileChange) -> None:
        if not self._is_ours(change):
            self.copies.keep(change.path)
        if change.before is None:
            change.path.unlink(missing_ok=True)
        elif read(change.path) != change.before:
            atomic.write_bytes(change.path, change.before)

    def _is_ours(self, change: FileChange) -> bool:
        content = read(change.path)
        made = self.recall().get("made", {}).get(change.name_in(self.root))
        return content in {change.before, change.after} or made == digest(content)

    def _edited(self, change: FileChange) -> ReleaseError:
        return ReleaseError(
            f"{change.name_in(self.root)} was edited while the release was planned.",
            hint="Look at the edit and run the command again.",
        )

    def _sweep(self) -> None:
        """Remove what a write that was killed has left beside the files."""
        for directory in {change.path.parent for change in self.changes}:
            for leftover in directory.glob(atomic.LEFTOVERS):
                leftover.unlink(missing_ok=True)
