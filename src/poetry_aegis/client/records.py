"""Records of what was set up: one file per profile and tool, in the user's data folder."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.client import reversal as ways
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.client.reversal import Reversal

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class FileRecord:
    """What was done to the file at *path*, and the permission bits it had before."""

    path: Path
    mode: int | None
    reversal: Reversal


@dataclass(frozen=True)
class Record:
    """What was set up for a *tool* in a *profile*.

    *subject* is what cannot be set up twice in one file: a host, or the name of a repository.
    *keyring* are the entries that were made there: service and user; *kept* are those that had
    another password before, which is kept. *below* is what was set up before, and has come to
    stand below this, because a login of another user was in it.
    """

    profile: str
    tool: str
    subject: str
    files: tuple[FileRecord, ...]
    keyring: tuple[tuple[str, str], ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    below: tuple[Record, ...] = ()

    def for_file(self, path: Path) -> FileRecord | None:
        """Return what was done to the file at *path*."""
        return next((item for item in self.files if item.path == path), None)


def folder() -> Path:
    """Return where the records are."""
    import platformdirs

    return platformdirs.user_data_path("poetry-aegis", appauthor=False) / "clients"


def load(profile: str, tool: str) -> Record | None:
    """Return the record, ``None`` where nothing was set up. Raises `AegisError`."""
    path = _path(profile, tool)
    try:
        return _from_table(profile, tool, json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise AegisError(
            f"{path} cannot be read: it is no record of a setup.",
            hint="Take back by hand what was set up, and remove that file.",
        ) from error


def load_all(tool: str) -> Iterator[Record]:
    """Yield the records of *tool*, of every profile. Raises `AegisError`."""
    for path in sorted(folder().glob(f"*/{tool}.json")):
        if record := load(path.parent.name, tool):
            yield record


def profiles() -> list[str]:
    """Return the profiles in which anything is set up, sorted."""
    return sorted({path.parent.name for path in folder().glob("*/*.json")})


def save(record: Record) -> None:
    """Keep *record*, for its user's eyes alone. Raises ``OSError``."""
    path = _path(record.profile, record.tool)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    atomic.write_text(path, json.dumps(_to_table(record), indent=1), mode=0o600)


def forget(profile: str, tool: str) -> None:
    """Drop the record, if there is one. Raises ``OSError``."""
    _path(profile, tool).unlink(missing_ok=True)


def _path(profile: str, tool: str) -> Path:
    return folder() / profile / f"{tool}.json"


def _to_table(record: Record) -> dict[str, object]:
    return {
        "version": 1,
        "subject": record.subject,
        "keyring": [list(entry) for entry in record.keyring],
        "kept": [list(entry) for entry in record.kept],
        "files": [
            {"path": str(item.path), "mode": item.mode, **item.reversal.to_table()}
            for item in record.files
        ],
        "below": [{"profile": item.profile, **_to_table(item)} for item in record.below],
    }


def _from_table(profile: str, tool: str, table: dict[str, object]) -> Record:
    files: list[dict[str, object]] = table["files"]  # type: ignore[assignment]  # checked by use
    entries: list[list[str]] = table["keyring"]  # type: ignore[assignment]
    # Records of older versions have none of these two.
    kept: list[list[str]] = table.get("kept", [])  # type: ignore[assignment]
    below: list[dict[str, object]] = table.get("below", [])  # type: ignore[assignment]
    return Record(
        profile,
        tool,
        str(table["subject"]),
        tuple(
            FileRecord(Path(str(item["path"])), item["mode"], ways.from_table(item))  # type: ignore[arg-type]
            for item in files
        ),
        tuple((service, user) for service, user in entries),
        tuple((service, user) for service, user in kept),
        tuple(_from_table(_profile(item), tool, item) for item in below),
    )


def _profile(table: dict[str, object]) -> str:
    """Return the profile of a record in a record: it becomes the name of a folder again."""
    found = NAME.fullmatch(str(table["profile"]))
    if found is None:
        raise ValueError("no name of a profile")
    return found[0]
