"""An index file of the release's own, beside the one in which the user stages."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from poetry_aegis.release.git import GitRepository


@dataclass(frozen=True)
class OwnIndex:
    """An index in *directory* that begins as the tree of *parent*, and what the user's was then."""

    repository: GitRepository
    directory: Path
    parent: str

    @property
    def path(self) -> Path:
        """The index file. It is not there, or whole."""
        return self.directory / "index"

    @property
    def _before(self) -> Path:
        return self.directory / "index.before"

    def begin(self) -> None:
        """Make it anew out of the user's: what that knows of the files saves git to read them."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for leftover in self.directory.glob("index*"):
            leftover.unlink()
        (theirs,) = self.repository.paths_of("index")
        part = self.directory / "index.part"
        if theirs.exists():
            shutil.copy2(theirs, part)
            part.replace(self._before)
            shutil.copy2(self._before, part)
        self.repository.run("read-tree", "--reset", self.parent, environment=_using(part))
        part.replace(self.path)

    def git(self, *arguments: str) -> str:
        """Return what ``git ARGUMENTS`` prints with this index. Raises `GitError`."""
        return self.repository.run(*arguments, environment=self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """What tells git to use it."""
        return _using(self.path)

    def staged(self) -> frozenset[str]:
        """Return the paths that are not as in *parent*."""
        if not self.path.exists():
            return frozenset()
        options = ("--cached", "--name-only", "--no-renames", "-z")
        names = self.git("diff-index", *options, self.parent, "--")
        return frozenset(filter(None, names.split("\0")))

    def object_of(self, path: str) -> str | None:
        """Return the id of what is staged as *path*."""
        entry = self.repository.entries([path], self.path).get(path)
        return entry.split()[1] if entry else None

    def restore_theirs(self, paths: Iterable[str]) -> None:
        """Put the entries for *paths* back that the user's index had when this one began."""
        names: Sequence[str] = sorted(paths)
        if not names or not self._before.exists():
            return
        before = self.repository.entries(names, self._before)
        if before == self.repository.entries(names):
            return
        missing = f"0 {'0' * len(self.parent)}"  # As long as this repository's ids are.
        lines = [f"{before.get(name, missing)}\t{name}\0" for name in names]
        self.repository.run("update-index", "-z", "--index-info", text="".join(lines))


def _using(path: Path) -> dict[str, str]:
    return {"GIT_INDEX_FILE": str(path)}
