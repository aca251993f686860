"""Directories and globs of packages, and which of two paths holds the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import SettingsError
from poetry_aegis.release.git import GitRepository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def discover(directory: Path, globs: Sequence[str]) -> list[Path]:
    """Return the directories below *directory* that *globs* name and git tracks a project in."""
    found: dict[Path, None] = {}
    for pattern in globs:
        if pattern.startswith("/") or ".." in pattern.split("/"):
            raise SettingsError(f"{pattern!r} in discover leaves the directory of its project.")
        spec = f":(glob){pattern.strip('/')}/pyproject.toml"
        names = GitRepository(directory).run("ls-files", "-z", "--", spec).split("\0")
        projects = sorted(directory / name for name in names if name)
        if not projects:
            raise SettingsError(
                f"{pattern!r} in discover names no directory with a pyproject.toml in git.",
                hint='A glob is relative to its pyproject.toml: discover = ["libs/*"].',
            )
        found |= dict.fromkeys(project.parent for project in projects)
    return list(found)


def inside(directory: Path, path: str, top: Path) -> Path:
    """Return *path* from *directory*, resolved. Raises `SettingsError` outside of *top*."""
    resolved = (directory / path).resolve()
    if not resolved.is_relative_to(top):
        raise SettingsError(f"The path {path!r} of a package leaves the repository.")
    return resolved


def relative(path: Path, top: Path) -> str:
    """Return *path* as git writes it, "" for the repository itself."""
    return "" if path == top else path.relative_to(top).as_posix()


def nested_in(paths: Sequence[str], directories: Sequence[str]) -> tuple[str, ...]:
    """Return those of *directories* that lie below one of *paths*, and are none of them."""
    return tuple(
        item for item in directories if item and item not in paths and depth(item, paths or ("",))
    )


def depth(path: str, holders: Sequence[str]) -> int:
    """Return how many parts the longest of *holders* has that *path* is at or under.

    The repository itself counts as one part, so that 0 means that there is none.
    """
    holding = (item for item in holders if not item or f"{path}/".startswith(f"{item}/"))
    return max((item.count("/") + 2 if item else 1 for item in holding), default=0)
