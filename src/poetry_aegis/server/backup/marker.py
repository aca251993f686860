"""A restore that is under way, written down: what a kill cuts off is known from it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from poetry_aegis.atomic import write_text
from poetry_aegis.errors import BackupError
from poetry_aegis.tables import InvalidTable, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome

_NAME = "restore.json"


@dataclass(frozen=True)
class Marker:
    """What is being done: *stage* is the folder with what comes, *before* the one of what goes.

    Both stand beside the data directory and are named without a path.
    """

    archive: str
    stage: str
    before: str
    replace_settings: bool = False
    keep_old: bool = False
    was_running: bool = False

    def __post_init__(self) -> None:
        for name in (self.stage, self.before):
            if not name or name in {".", ".."} or "/" in name or "\\" in name:
                raise InvalidTable(f"{name!r} is no name of a folder.")


def path_of(home: ServerHome) -> Path:
    """Return where the marker of *home* is."""
    return home.root / _NAME


def write(home: ServerHome, marker: Marker) -> None:
    """Write *marker* down, durable."""
    write_text(path_of(home), json.dumps(asdict(marker)), mode=0o600)


def read(home: ServerHome) -> Marker | None:
    """Return the restore that was begun in *home* and not ended. Raises `BackupError`."""
    path = path_of(home)
    try:
        return read_table(Marker, json.loads(path.read_bytes()), where=str(path))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise BackupError(f"{path}, which tells of a restore, cannot be read.") from error


def require_no_restore(home: ServerHome) -> None:
    """Raise `BackupError` where a restore of *home* was cut off: data may be the old or the new."""
    if path_of(home).exists():
        raise BackupError(
            f"A restore of {home.root} was interrupted.",
            hint=f"Finish it, or take it back, with: poetry aegis server restore{home.option}",
        )
