"""A lock between the commands about one server, let go by the system when its holder dies."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from poetry_aegis.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.server.home import ServerHome

PATIENCE = 90.0  # seconds; longer than a start that waits in vain for readiness


@contextlib.contextmanager
def locked(home: ServerHome, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of *home*, waiting up to *patience* seconds for another command.

    Raises `ServerError` when the other one does not end, or the lock file cannot be opened.
    """
    lock = FileLock(home.lock_file, timeout=patience)
    try:
        home.lock_file.parent.mkdir(mode=0o700, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ServerError(
            f"Another command is at work on the server in {home.root}.",
            hint="Wait for it to end, then try again.",
        ) from None
    except OSError as error:
        raise ServerError(f"{home.lock_file} cannot be opened: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()
