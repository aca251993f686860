"""The changelog as it lies on the disk: where it is, in which encoding, and the date of today."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from poetry_aegis.errors import ReleaseError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.settings import Settings

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True)
class TextFile:
    """A text file: its *text* with its own line endings, and what the text is on the disk.

    *content* is what was read, ``None`` where there is no such file. *mark* is the byte order mark.
    """

    text: str = ""
    content: bytes | None = None
    mark: bytes = b""

    def encode(self, text: str) -> bytes:
        """Return *text* as this file would hold it."""
        return self.mark + text.encode(BYTE_ORDER_MARKS.get(self.mark, "utf-8"))


def read_text_file(path: Path) -> TextFile:
    """Return the file at *path*: UTF-8 with or without a byte order mark, or UTF-16 with one.

    One that is not there is an empty one. Raises `ReleaseError` for what cannot be read as text.
    """
    try:
        return text_file(path.read_bytes())
    except FileNotFoundError:
        return TextFile()
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(
            f"The changelog {path} cannot be read: {reason_of(error)}",
            hint="It has to be a text file in UTF-8, or in UTF-16 with a byte order mark.",
        ) from error


def reason_of(error: OSError | UnicodeDecodeError) -> str:
    """Return why a file could not be read, in the system's words without its numbers."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def text_file(content: bytes) -> TextFile:
    """Return the text file that *content* is. Raises ``UnicodeDecodeError`` where it is none."""
    mark = next((mark for mark in BYTE_ORDER_MARKS if content.startswith(mark)), b"")
    text = content[len(mark) :].decode(BYTE_ORDER_MARKS.get(mark, "utf-8"))
    return TextFile(text, content, mark)


def changelog_path(repository: GitRepository, pyproject: Path, settings: Settings) -> Path:
    """Return where the changelog is. Raises `SettingsError` for a place outside the repository."""
    return inside_repository(repository.root, pyproject, settings.changelog, key="changelog")


def inside_repository(root: Path, pyproject: Path, name: str, *, key: str) -> Path:
    """Return the path that the setting *key* names, relative to *pyproject*.

    Raises `SettingsError` where that leaves the repository at *root*.
    """
    path = (pyproject.parent / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise SettingsError(
            f"{key} = {name!r} in [tool.poetry-aegis] leaves the repository.",
            hint="Name a file inside it, relative to pyproject.toml.",
        )
    return path


def today() -> str:
    """Return the date of a release made now, in the time zone of the machine, ISO 8601."""
    return datetime.now(timezone.utc).astimezone().date().isoformat()
