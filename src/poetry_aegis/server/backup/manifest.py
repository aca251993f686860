"""What a backup holds: each file with its digest, and the archive that it is stored in."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from poetry_aegis.errors import BackupError
from poetry_aegis.server.extra import updating
from poetry_aegis.server.home import TRUST
from poetry_aegis.tables import InvalidTable, read_table

FORMAT = 1
SETTINGS = "server.toml"
SUFFIX = ".tar.gz"

_ARCHIVE = re.compile(r"[^./\\\0][^/\\\0]*\.tar\.gz")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILES = {SETTINGS, ".env", TRUST, "data/state.db"}
_FOLDERS = ("data/packages/", "data/simple/", "data/auth/", "tls/")


@dataclass(frozen=True)
class Entry:
    """A file of a backup. *path* is relative to the home, with slashes.

    *inode* is what the file had where the backup was taken. *held_in* names the other archive, of
    the same folder, that the content is stored in.
    """

    path: str
    sha256: str
    size: int
    mode: int
    mtime_ns: int
    inode: int = 0
    held_in: str | None = None

    def __post_init__(self) -> None:
        if not _is_safe(self.path):
            raise InvalidTable(f"{self.path!r} is no path of a backup.")
        if not _DIGEST.fullmatch(self.sha256) or self.size < 0 or not 0 <= self.mode <= 0o777:
            raise InvalidTable(f"{self.path!r} is not described as a file is.")
        if self.held_in is not None and not _ARCHIVE.fullmatch(self.held_in):
            raise InvalidTable(f"{self.held_in!r} is no name of a backup.")


@dataclass(frozen=True)
class Manifest:
    """The files of a backup, in the order they are stored; *created* is in UTC, as ISO 8601."""

    created: str
    version: str
    entries: tuple[Entry, ...]
    format: int = FORMAT

    def __post_init__(self) -> None:
        paths = {entry.path for entry in self.entries}
        if len(paths) != len(self.entries):
            raise InvalidTable("A file is there twice.")
        if SETTINGS not in paths:
            raise InvalidTable(f"There is no {SETTINGS}.")
        for path in paths:
            if any(above in paths for above in _folders_above(path)):
                raise InvalidTable(f"{path!r} lies below a file.")

    @property
    def taken(self) -> str:
        """When the backup was taken, as people read it."""
        return readable_moment(self.created)

    @property
    def stored(self) -> tuple[Entry, ...]:
        """The files whose content this very archive holds."""
        return tuple(entry for entry in self.entries if entry.held_in is None)

    @property
    def others(self) -> list[str]:
        """The names of the other archives that are needed, sorted."""
        return sorted({entry.held_in for entry in self.entries if entry.held_in})

    @property
    def size(self) -> int:
        """The bytes of all files, wherever they are stored."""
        return sum(entry.size for entry in self.entries)

    def to_bytes(self) -> bytes:
        """Return the manifest as `parse_manifest` reads it."""
        entries = [
            {key: value for key, value in asdict(entry).items() if value is not None}
            for entry in self.entries
        ]
        head = {"format": self.format, "version": self.version, "created": self.created}
        # ASCII: a name that is no UTF-8 survives as an escaped surrogate.
        return json.dumps(head | {"entries": entries}, separators=(",", ":")).encode("ascii")


def parse_manifest(content: bytes, *, where: str) -> Manifest:
    """Return the manifest that *content* is, every path of it safe to write below a home.

    Raises `BackupError` for what is none, and for one of a newer format.
    """
    try:
        table = json.loads(content)
        _refuse_newer(table, where)
        return read_table(Manifest, table, where=where)
    except InvalidTable as error:
        raise BackupError(f"The manifest of {where} cannot be used: {error}") from error
    except (ValueError, RecursionError) as error:
        raise BackupError(f"The manifest of {where} cannot be read.") from error


def _refuse_newer(table: Any, where: str) -> None:
    found = table.get("format") if isinstance(table, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise BackupError(
            f"{where} was written by poetry-aegis {table.get('version')}, in a newer format.",
            hint=f"Update with: {updating()}",
        )


def _is_safe(path: str) -> bool:
    """Tell whether *path* is of the files that are backed up, and leads nowhere else."""
    parts = path.split("/")
    if {"", ".", ".."}.intersection(parts) or "\\" in path or "\0" in path:
        return False
    return path in _FILES or path.startswith(_FOLDERS)


def readable_moment(created: str) -> str:
    """Return *created* without its seconds, in UTC; text that is no moment as it is."""
    try:
        moment = datetime.fromisoformat(created).astimezone(timezone.utc)
    except (ValueError, OverflowError, OSError):  # It is only what the backup says.
        return created
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _folders_above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]
