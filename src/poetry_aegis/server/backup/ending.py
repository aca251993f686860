"""The end of a restore, also of one that was cut off."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from poetry_aegis.atomic import write_bytes
from poetry_aegis.errors import AegisError, BackupError
from poetry_aegis.server.backup import marker as markers
from poetry_aegis.server.backup.place import alone, place_of, remove_leftovers, rename
from poetry_aegis.server.backup.swap import forget, start_again
from poetry_aegis.server.drivers.interface import SILENCE

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.backup.marker import Marker
    from poetry_aegis.server.drivers.interface import Listener
    from poetry_aegis.server.home import ServerHome


def recover(home: ServerHome) -> str | None:
    """End a restore that was cut off, and return what was done; ``None`` where there is none.

    Raises `BackupError` where nobody but the operator can tell which data are the right ones.
    """
    if not markers.path_of(home).exists():
        return None
    with alone(home):
        marker, data = markers.read(home), place_of(home)
        if marker is None:
            return None
        stage, before = data.with_name(marker.stage), data.with_name(marker.before)
        is_waiting = (stage / "data").is_dir()
        if is_waiting and data.exists() and before.exists():
            raise BackupError(
                f"{data} came into being while the restore of {marker.archive} was cut off.",
                hint=f"Move {data} away, then run again: poetry aegis server restore{home.option}",
            )
        if is_waiting and data.exists():
            forget(home)  # What is then left of the stage means nothing.
            shutil.rmtree(stage, ignore_errors=True)
            start_again(home, marker)
            return f"The restore of {marker.archive} is taken back; the index is as it was."
        if is_waiting:
            rename(stage / "data", data)
        finish(home, data, marker)
        remove_leftovers(home, data)
        return f"The restore of {marker.archive} is finished."


def finish(home: ServerHome, data: Path, marker: Marker, listener: Listener = SILENCE) -> None:
    """Bring the settings, start the server again, and remove what is no longer needed."""
    stage, before = data.with_name(marker.stage), data.with_name(marker.before)
    for file in sorted(stage.rglob("*")):
        if file.is_file():
            _bring(home, file, file.relative_to(stage), marker)
    try:
        start_again(home, marker, listener)
    except AegisError as error:
        _clear(home, stage, None)
        kept = f" The old ones are in {before}." if before.exists() else ""
        error.hint = "\n".join(filter(None, [f"The restored data are in place.{kept}", error.hint]))
        raise
    _clear(home, stage, None if marker.keep_old else before)


def _bring(home: ServerHome, file: Path, name: Path, marker: Marker) -> None:
    """Put a file of the settings in its place; one that it replaces is kept in a folder."""
    content, target = file.read_bytes(), home.root / name
    if target.exists():
        old = target.read_bytes()
        if not marker.replace_settings or old == content:
            return
        folder = home.root / f"settings.{marker.before.rpartition('.')[2]}"
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = folder / name
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        write_bytes(kept, old, mode=0o600)
    target.parent.mkdir(mode=0o700, exist_ok=True)
    write_bytes(target, content, mode=file.stat().st_mode & 0o777)


def _clear(home: ServerHome, stage: Path, before: Path | None) -> None:
    if before is not None:
        shutil.rmtree(before, ignore_errors=True)
    shutil.rmtree(stage, ignore_errors=True)
    forget(home)
