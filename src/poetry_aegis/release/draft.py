"""The files of a release as they will be, gathered before any of them is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import SettingsError
from poetry_aegis.release.steps import FileChange
from poetry_aegis.release.steps.contents import read

if TYPE_CHECKING:
    from pathlib import Path


class Draft:
    """What each file holds now and will hold, by its path."""

    def __init__(self) -> None:
        self._changes: dict[Path, FileChange] = {}

    def read(self, path: Path) -> bytes | None:
        """Return the content of *path* with what is drafted, ``None`` for no such file."""
        change = self._changes.get(path)
        return change.after if change else read(path)

    def write(self, path: Path, content: bytes) -> None:
        """Let *path* hold *content*. Raises `SettingsError` where it is drafted already."""
        if path in self._changes:
            raise SettingsError(
                f"The release would change {path} for two reasons.",
                hint="Give each package a changelog of its own, and name no file in version_files "
                "that the release changes anyhow.",
            )
        self._changes[path] = FileChange(path, read(path), content)

    @property
    def changes(self) -> tuple[FileChange, ...]:
        """The files that will not be as they are."""
        return tuple(item for item in self._changes.values() if item.before != item.after)

    @property
    def directories(self) -> tuple[Path, ...]:
        """The directories that have to be made for them, the outermost first."""
        missing = {
            parent
            for change in self.changes
            for parent in change.path.parents
            if not parent.exists()
        }
        return tuple(sorted(missing))
