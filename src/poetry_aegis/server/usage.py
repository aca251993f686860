"""What an index holds, counted from its data directory."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DISTRIBUTIONS = (".whl", ".tar.gz", ".zip", ".egg", ".tar.bz2", ".tgz")


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
                distributions += _is_distribution(name)
        if distributions and _is_inside(directory, packages):
            projects.add(directory)
            files += distributions
    return Usage(projects=len(projects), files=files, disk_bytes=disk_bytes)


def _is_distribution(name: str) -> bool:
    return name.endswith(DISTRIBUTIONS) and not name.startswith(".")


def _is_inside(directory: str, parent: str) -> bool:
    return directory == parent or directory.startswith(parent + os.sep)
