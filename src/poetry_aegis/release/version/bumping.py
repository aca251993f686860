"""A version written into the files that name it, and nothing else: no commit, no tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.errors import GitMissing, NoRepository
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.pyproject import read_version, with_version
from poetry_aegis.release.record import Record
from poetry_aegis.release.version.numbers import parse_version, step
from poetry_aegis.release.version_files import VersionFileChange, version_file_changes

if TYPE_CHECKING:
    from pathlib import Path

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.version.numbers import PrereleaseType
    from poetry_aegis.settings import Settings


@dataclass(frozen=True)
class Bump:
    """The step from *current* to *version* in *pyproject*, and in *others* that name it."""

    current: Version
    version: Version
    pyproject: VersionFileChange
    others: tuple[VersionFileChange, ...]

    def write(self) -> None:
        """Write the files, all of them or none. Raises ``OSError``."""
        changes = (self.pyproject, *self.others)
        try:
            for change in changes:
                atomic.write_bytes(change.path, change.after)
        except BaseException:
            for change in changes:
                if change.path.read_bytes() == change.after:
                    atomic.write_bytes(change.path, change.before)
            raise


def plan_bump(pyproject: Path, settings: Settings, level: str, kind: PrereleaseType | None) -> Bump:
    """Return what ``bump LEVEL`` does to the project of *pyproject*. Nothing is written.

    Raises `UsageError`, `VersionNotNewer`, `ProjectError`, and `UnfinishedRelease` where a release
    of the repository has still to finish, or to put back, the same files.
    """
    repository = _repository_around(pyproject.parent)
    if repository:
        Record.of(repository.git_directory()).require_none()
    current = parse_version(read_version(pyproject))
    version = step(current, level, kind)
    changes = version_file_changes(
        pyproject.parent,
        settings.version_files,
        current.text,
        version.text,
        within=repository.root if repository else pyproject.parent,
    )
    own = VersionFileChange(
        pyproject, pyproject.read_bytes(), with_version(pyproject, version.text)
    )
    return Bump(current, version, own, tuple(changes))


def _repository_around(directory: Path) -> GitRepository | None:
    try:
        return GitRepository.around(directory)
    except (GitMissing, NoRepository):
        return None
