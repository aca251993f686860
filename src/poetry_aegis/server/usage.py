"""What an index holds and when it was backed up, as its data directory tells."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.names import is_file_name, is_normalized

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """How many projects and distributions there are, and the bytes of all files."""

    projects: int
    files: int
    disk_bytes: int


def measure(data: Path) -> Usage:
    """Return what the data directory *data* holds; nothing where it does not exist.

    Files that come and go meanwhile are counted or not.
    """
    projects: set[str] = set()
    files = disk_bytes = 0
    packages = str(data / "packages")
    for directory, _, names in os.walk(data):
        distributions = 0
        for name in names:
            path = os.path.join(directory, name)  # noqa: PTH118  a Path for each file is slow
            with contextlib.suppress(FileNotFoundError):
                disk_bytes += os.lstat(path).st_size
                distributions += is_file_name(name)
        if distributions and _is_project(directory, packages):
            projects.add(directory)
            files += distributions
    return Usage(projects=len(projects), files=files, disk_bytes=disk_bytes)


def last_backup(data: Path) -> float | None:
    """Return when *data* was last backed up, in seconds since 1970; ``None`` for never."""
    with contextlib.suppress(OSError):
        return DataDirectory(data).last_backup.stat().st_mtime
    return None


def _is_project(directory: str, packages: str) -> bool:
    """Tell whether it is a folder that the index looks into."""
    parent, name = os.path.split(directory)
    return parent == packages and is_normalized(name)
