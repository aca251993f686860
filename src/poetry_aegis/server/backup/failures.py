"""The registry's errors, as those of this command line."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING

from poetry_aegis.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def registry_errors() -> Iterator[None]:
    """Raise `BackupError` for what the registry's code raises, `MissingExtra` without it."""
    from poetry_aegis.registry.errors import RegistryError
    from poetry_aegis.server.extra import missing

    try:
        yield
    except RegistryError as error:
        raise BackupError(str(error)) from error
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("poetry_aegis"):
            raise
        raise missing(error.name or "a package") from error


@contextlib.contextmanager
def room_in(folder: Path) -> Iterator[None]:
    """Raise `BackupError` where the disk of *folder* becomes full."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise no_room(folder) from error


def no_room(folder: Path, needed: int | None = None) -> BackupError:
    """Return the error for a disk without the room, of *needed* bytes where that is known."""
    from poetry_aegis.server.units import format_size

    size = f" for {format_size(needed)}" if needed else ""
    return BackupError(
        f"There is no space left in {folder}{size}.", hint="Make room there, then try again."
    )
