"""The swap of a restore: two renames, while nobody works on the data."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from poetry_aegis.atomic import fsync_directory
from poetry_aegis.errors import BackupError
from poetry_aegis.server.backup import marker as markers
from poetry_aegis.server.backup.lending import lend
from poetry_aegis.server.backup.place import rename
from poetry_aegis.server.config import load_settings
from poetry_aegis.server.drivers import driver_of
from poetry_aegis.server.drivers.interface import SILENCE
from poetry_aegis.server.locks import locked
from poetry_aegis.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.server.backup.marker import Marker
    from poetry_aegis.server.drivers.interface import Listener
    from poetry_aegis.server.home import ServerHome

_PAUSE = 30.0  # seconds that what still writes to the old data may take to end


def swap_stopped(
    home: ServerHome, data: Path, marker: Marker, listener: Listener = SILENCE
) -> Marker:
    """Stop the server and swap the data; return *marker* with whether it ran.

    Where that fails, the old data are in place and the server runs again.
    """
    driver = driver_of(home, load_settings(home)) if home.exists else None
    marker = replace(marker, was_running=bool(driver and driver.status().state != "stopped"))
    if driver and marker.was_running:
        listener.step("stopping the server")
        driver.stop()
    listener.step("swapping the data")
    try:
        with locked(home), _unused(data), uninterrupted():
            markers.write(home, marker)
            _swap(home, data, marker)
    except BaseException:
        if driver and marker.was_running:
            listener.step("starting the server again, with the old data")
            driver.start()
        raise
    return marker


def start_again(home: ServerHome, marker: Marker, listener: Listener = SILENCE) -> None:
    """Start the server where it ran before the restore. Raises what the driver does."""
    if marker.was_running:
        listener.step("starting the server")
        driver_of(home, load_settings(home)).start()


def forget(home: ServerHome) -> None:
    """Remove the marker of the restore."""
    markers.path_of(home).unlink(missing_ok=True)
    fsync_directory(home.root)


def _swap(home: ServerHome, data: Path, marker: Marker) -> None:
    stage, before = data.with_name(marker.stage), data.with_name(marker.before)
    try:
        if data.exists():
            rename(data, before)
        rename(stage / "data", data)
    except OSError:
        if before.exists() and not data.exists():
            rename(before, data)
        forget(home)
        raise


@contextlib.contextmanager
def _unused(data: Path) -> Iterator[None]:
    """Keep the old data from being written to. Raises `BackupError` where they are."""
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.locks import exclusive_if_free

    old = DataDirectory(data)
    with contextlib.ExitStack() as held:
        locks = (old.in_use, old.locks / ".backup") if old.locks.is_dir() else ()
        if locks:
            lend(data, locks)
        for lock in locks:
            _wait_for(lock, data)
            if not held.enter_context(exclusive_if_free(lock)):
                raise _busy(data)
        yield


def _wait_for(lock: Path, data: Path) -> None:
    """Return when nobody holds *lock*: a server that was stopped just now is about to end."""
    from poetry_aegis.registry.locks import exclusive_if_free

    deadline = time.monotonic() + _PAUSE
    while True:
        with exclusive_if_free(lock) as free:
            if free:
                return
        if time.monotonic() > deadline:
            raise _busy(data)
        time.sleep(0.05)


def _busy(data: Path) -> BackupError:
    return BackupError(
        f"Another program is at work on {data}.",
        hint="Wait for the backup, import or reindex to end, or stop that server.",
    )
