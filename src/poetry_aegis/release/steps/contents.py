"""What files hold, and copies of it where it is not the release's own to throw away."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from poetry_aegis import atomic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class KeptCopies:
    """Copies in *directory* of files below *root*, which *say* tells of."""

    directory: Path
    root: Path
    say: Callable[[str], None]

    def keep(self, path: Path) -> None:
        """Copy *path*, if it is there. A second copy of the same is the first one."""
        content = read(path)
        if content is None:
            return
        copy = self.directory / f"{digest(content)[:8]}-{path.name}"
        self.directory.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(copy, content)
        name = path.relative_to(self.root).as_posix()
        self.say(f"{name} had other contents; a copy of them is {copy}")


def read(path: Path) -> bytes | None:
    """Return what *path* holds, ``None`` where there is no such file."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return None


def digest(content: bytes | None) -> str:
    """Return the SHA-256 of *content*; no file counts as an empty one."""
    return sha256(content or b"").hexdigest()


def remove(path: Path, root: Path) -> None:
    """Remove the file *path*, and the directories below *root* that are empty without it."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # Not empty, which ends it.
        for parent in path.relative_to(root).parents[:-1]:
            (root / parent).rmdir()
