"""The version inside ``pyproject.toml``, changed without touching anything around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from poetry_aegis.errors import CorruptProject, InvalidVersion, NoVersion
from poetry_aegis.release.version.numbers import parse_version

if TYPE_CHECKING:
    from pathlib import Path

# Where a version may stand: PEP 621's table and Poetry's own, which may both have one.
TABLES = (("project",), ("tool", "poetry"))


def read_version(path: Path) -> str:
    """Return the version that the file *path* names. Raises `CorruptProject`, `NoVersion`."""
    versions = [table["version"] for table in _tables(_parse(path)) if "version" in table]
    if not versions:
        raise NoVersion(
            f"{path} names no version.",
            hint='Add version = "0.1.0" to its [project] table (dynamic versions have no '
            "place to be written to).",
        )
    if not isinstance(versions[0], str):
        raise CorruptProject(f"The version in {path} is not a string.")
    return str(versions[0])


def version_in(content: bytes) -> str | None:
    """Return the version that a ``pyproject.toml`` of *content* names, as PEP 440 spells it.

    ``None`` where it names none, or is none.
    """
    try:
        document = tomlkit.parse(content.decode("utf-8"))
        versions = [table["version"] for table in _tables(document) if "version" in table]
        return parse_version(str(versions[0])).text if versions else None
    except (TOMLKitError, UnicodeDecodeError, InvalidVersion):
        return None


def with_version(path: Path, version: str) -> bytes:
    """Return the content of *path* with *version* wherever it names one.

    Comments, order, quotes and line endings stay as they are.
    """
    document = _parse(path)
    for table in _tables(document):
        if "version" in table:
            table["version"] = version
    return tomlkit.dumps(document).encode("utf-8")


def _parse(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_bytes().decode("utf-8"))
    except (TOMLKitError, UnicodeDecodeError, OSError) as error:
        raise CorruptProject(f"{path} cannot be read: {error}") from error


def _tables(document: tomlkit.TOMLDocument) -> list[Any]:
    tables = []
    for keys in TABLES:
        table: Any = document
        for key in keys:
            table = table.get(key) if hasattr(table, "get") else None
        if hasattr(table, "get"):
            tables.append(table)
    return tables
