"""Core metadata: read from a wheel or an sdist, and spelt as the legacy upload form wants it."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from packaging.metadata import RawMetadata, parse_email

from poetry_aegis.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Far more than any README; a limit, because an archive can claim to hold anything.
_LARGEST = 16 << 20  # bytes
_LARGEST_SDIST = 16 << 30  # bytes, unpacked
_PIECE = 1 << 20

# What the standard library raises for archives that are cut off, altered, encrypted or foreign.
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    ValueError,
    RuntimeError,
)

# The form names these in the singular, the parser in the plural.
_FORM_NAMES = {
    "platforms": "platform",
    "supported_platforms": "supported_platform",
    "license_files": "license_file",
}


def read_core_metadata(path: Path) -> RawMetadata:
    """Return the core metadata inside the wheel or sdist at *path*.

    Raises `BuildFailed` for an archive that is broken or holds none, ``OSError`` for a file that
    cannot be read.
    """
    read = _from_wheel if path.name.endswith(".whl") else _from_sdist
    try:
        text = read(path).decode("utf-8")
    except KeyError as error:
        raise BuildFailed(f"{path.name} holds no core metadata.") from error
    except _BROKEN as error:
        raise BuildFailed(f"{path.name} is not a readable archive: {error}.") from error
    raw, _ = parse_email(text)
    return raw


def is_whole(path: Path) -> bool:
    """Return whether the wheel or sdist at *path*, whose metadata could be read, has its end.

    Of a wheel that is known: what is read first stands there. Raises ``OSError``.
    """
    if path.name.endswith(".whl"):
        return True
    size = 0
    try:
        with gzip.open(path) as stream:
            while piece := stream.read(_PIECE):
                size += len(piece)
                if size > _LARGEST_SDIST:
                    return False
    except _BROKEN:
        return False
    return True


def form_fields(raw: RawMetadata) -> tuple[tuple[str, str], ...]:
    """Return *raw* as fields of the legacy upload form, one per value."""
    return tuple(
        (_FORM_NAMES.get(key, key), value)
        for key, values in raw.items()
        for value in _spelt(key, values)
    )


def _spelt(key: str, values: object) -> Iterator[str]:
    if isinstance(values, dict):  # project_urls
        yield from (f"{label}, {url}" for label, url in values.items())
    elif key == "keywords" and isinstance(values, list):
        yield ", ".join(map(str, values))
    elif isinstance(values, list):
        yield from map(str, values)
    else:
        yield str(values)


def _from_wheel(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            folder, name = _folder_and_name(member.filename)
            if name == "METADATA" and folder.endswith(".dist-info"):
                with archive.open(member) as stream:
                    return _read_bounded(stream)
    raise KeyError("METADATA")


def _from_sdist(path: Path) -> bytes:
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            folder, name = _folder_and_name(member.name)
            if name == "PKG-INFO" and folder and (stream := archive.extractfile(member)):
                return _read_bounded(stream)
    raise KeyError("PKG-INFO")


def _folder_and_name(member: str) -> tuple[str, str]:
    """Return the top folder and the name of a file right inside it, or two empty strings."""
    parts = PurePosixPath(member).parts
    return (parts[0], parts[1]) if len(parts) == 2 else ("", "")


def _read_bounded(stream: IO[bytes]) -> bytes:
    content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("its core metadata are larger than 16 MiB")
    return content
