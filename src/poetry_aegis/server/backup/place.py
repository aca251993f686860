"""Where a restore happens: the data, and the folders beside them."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.atomic import LEFTOVERS, fsync_directory
from poetry_aegis.errors import BackupError
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.locks import locked

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def alone(home: ServerHome) -> Iterator[None]:
    """Be the only one who restores into *home*. Raises `BackupError`."""
    from poetry_aegis.registry.locks import exclusive_if_free

    lock = _lock_of(home)
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive_if_free(lock) as free:
        if not free:
            raise BackupError(
                f"Another restore of {home.root} is under way.", hint="Wait for it to end."
            )
        yield


def is_restoring(home: ServerHome) -> bool:
    """Return whether a command is at work on a restore of *home*: none that was cut off."""
    from poetry_aegis.registry.locks import exclusive_if_free

    lock = _lock_of(home)
    if not lock.exists():
        return False
    with exclusive_if_free(lock) as free:
        return not free


def place_of(home: ServerHome) -> Path:
    """Return where the data really are: a link to another disk stays a link."""
    return Path(os.path.realpath(home.data))


@contextlib.contextmanager
def stage_beside(data: Path) -> Iterator[ServerHome]:
    """Make a home beside *data* for what comes; gone after the block unless it ended well."""
    stage = ServerHome(data.with_name(f"{data.name}.restoring-{uuid.uuid4().hex[:8]}"))
    stage.root.mkdir(mode=0o700)
    try:
        yield stage
    except BaseException:
        shutil.rmtree(stage.root, ignore_errors=True)
        raise


def name_for_old(data: Path) -> str:
    """Return a vacant name for the folder of the data that go."""
    stem, number = f"{data.name}.before-{time.strftime('%Y%m%d-%H%M%S')}", 1
    name = stem
    while data.with_name(name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def remove_leftovers(home: ServerHome, data: Path) -> None:
    """Remove what killed restores have left, which may hold secrets."""
    with locked(home):
        kept = [path for pattern in ("", "/tls") for path in home.root.glob(f"settings.*{pattern}")]
        for folder in (home.root, home.tls, *kept):
            for file in folder.glob(LEFTOVERS):
                file.unlink(missing_ok=True)
    for leftover in data.parent.glob(f"{data.name}.restoring-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _lock_of(home: ServerHome) -> Path:
    return home.lock_file.with_name("restoring.lock")


def rename(source: Path, target: Path) -> None:
    """Rename *source*, durably. Raises ``OSError``."""
    source.rename(target)
    fsync_directory(target.parent)
