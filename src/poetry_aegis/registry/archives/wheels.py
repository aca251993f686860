"""Wheels: zip files with a ``.dist-info`` directory (PEP 427)."""

from __future__ import annotations

import errno
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from poetry_aegis.registry.archives.inventory import Inventory, Limits
from poetry_aegis.registry.names import normalized

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.names import DistributionName

_LOCAL_HEADER = b"PK\x03\x04"
_END = b"PK\x05\x06"
_ZIP64_END = b"PK\x06\x06"
_ENCRYPTED = 0x1
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_REQUIRED = ("METADATA", "WHEEL", "RECORD")
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression method that Python cannot undo
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
)


def read_metadata(path: Path, name: DistributionName, limits: Limits) -> bytes:
    """Return the wheel's METADATA. See `archives.read_core_metadata`."""
    size = path.stat().st_size
    inventory = Inventory(name.file_name, size, limits)
    with path.open("rb") as stream:
        if stream.read(4) != _LOCAL_HEADER:
            raise inventory.refusal("is not a wheel: it is not a zip file")
        if _directory_size(stream, size) > limits.zip_directory_size:
            raise inventory.refusal("has a table of contents larger than a wheel's may be")
        try:
            with zipfile.ZipFile(stream) as archive:
                _check_members(archive, inventory)
                info = _dist_info(archive, name, inventory)
                return _read_member(archive, f"{info}/METADATA", limits, inventory)
        except _DAMAGED as error:
            raise inventory.refusal(f"is not a wheel: {_reason(error)}") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # zipfile goes wherever an offset leads
                raise
            raise inventory.refusal("is not a wheel: it has an offset to nowhere") from error


def _check_members(archive: zipfile.ZipFile, inventory: Inventory) -> None:
    for member in archive.infolist():
        inventory.add(member.filename, member.file_size)
        if member.orig_filename != member.filename:
            raise inventory.refusal("has a member whose name hides a part of itself")
        if member.flag_bits & _ENCRYPTED:
            raise inventory.refusal("has an encrypted member")
        if member.compress_type not in _COMPRESSIONS:
            raise inventory.refusal("has a member that is neither stored nor deflated")


def _dist_info(archive: zipfile.ZipFile, name: DistributionName, inventory: Inventory) -> str:
    names = set(archive.namelist())
    tops = {member.partition("/")[0] for member in names}
    found = sorted(top for top in tops if top.endswith(".dist-info"))
    if len(found) != 1:
        raise inventory.refusal(f"has {len(found) or 'no'} .dist-info directories, not one")
    if not _agrees(found[0], name):
        raise inventory.refusal(f"has {found[0]!a}, which does not agree with its file name")
    for required in _REQUIRED:
        if f"{found[0]}/{required}" not in names:
            raise inventory.refusal(f"has no {required} in its .dist-info directory")
    return found[0]


def _agrees(directory: str, name: DistributionName) -> bool:
    project, _, version = directory[: -len(".dist-info")].partition("-")
    try:
        return normalized(project) == name.project and Version(version) == name.version
    except InvalidVersion:
        return False


def _read_member(
    archive: zipfile.ZipFile, member: str, limits: Limits, inventory: Inventory
) -> bytes:
    with archive.open(member) as stream:
        content = stream.read(limits.metadata_size + 1)
    if len(content) > limits.metadata_size:
        raise inventory.refusal(f"has a METADATA of more than {limits.metadata_size} bytes")
    return content


def _directory_size(stream: IO[bytes], size: int) -> int:
    """Return the size of the zip's central directory, which `zipfile` reads in one piece.

    The largest of what the end records say, so that one of them lying does not help.
    """
    stream.seek(max(0, size - 66_000))
    tail = stream.read()
    stream.seek(0)
    declared = [0]
    position = tail.rfind(_END)
    if 0 <= position <= len(tail) - 22:
        declared.append(_known(struct.unpack_from("<L", tail, position + 12)[0]))
    position = tail.rfind(_ZIP64_END)
    if 0 <= position <= len(tail) - 56:
        declared.append(struct.unpack_from("<Q", tail, position + 40)[0])
    return max(declared)


def _known(size: int) -> int:
    return 0 if size == 0xFFFFFFFF else size  # the zip64 record has the number


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
