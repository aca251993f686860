"""The folder of the user's keys: closed to others, and changed by one command at a time."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from poetry_aegis.errors import SigningError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE = 30.0  # seconds, for another command to end


@contextlib.contextmanager
def holding(root: Path, failed: str, *, writes: bool = True) -> Iterator[None]:
    """Hold the folder *root*, which is made if need be.

    Who *writes* a key there wants it closed to others. Raises `SigningError`, which begins with
    *failed* where the system refuses something, also within.
    """
    from filelock import FileLock, Timeout

    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        root.mkdir(mode=0o700, exist_ok=True)
        if writes:
            _require_closed(root)
        with FileLock(root / ".lock", timeout=_PATIENCE, mode=0o600):
            yield
    except Timeout:
        raise SigningError(f"Another command is at work on the keys in {root}.") from None
    except OSError as error:
        raise SigningError(
            f"{failed} {root}: {error.strerror or error}.",
            hint="Name another folder with AEGIS_KEYS_HOME.",
        ) from error


def _require_closed(root: Path) -> None:
    others = stat.S_IWGRP | stat.S_IWOTH
    if os.name == "posix" and root.stat().st_mode & others:
        raise SigningError(
            f"Others may write to {root}, and could put their keys in the place of yours.",
            hint=f"Close it with: chmod 700 {root}",
        )
