"""Wheels: zip files with a ``.dist-info`` directory (PEP 427)."""

from __future__ import annotations

import errno
import io
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

from poetry_aegis.registry.archives.agreement import agrees
from poetry_aegis.registry.archives.inventory import Inventory, Limits, shown
from poetry_aegis.registry.archives.record import check_record

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.names import DistributionName

_LOCAL_HEADER = b"PK\x03\x04"
_DIRECTORY_HEADER = b"PK\x01\x02"
_DIRECTORY_ENTRY = 46  # bytes, of the smallest
_ENCRYPTED = 0x1
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_REQUIRED = ("METADATA", "WHEEL", "RECORD")
_DIST_INFO = ".dist-info"
_WHEEL_SIZE = 256 * 1024  # bytes of WHEEL: a line per tag
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
    with _BoundedFile(path, limits, inventory) as stream:
        if stream.read(4) != _LOCAL_HEADER:
            raise inventory.refusal("is not a wheel: it is not a zip file")
        try:
            with zipfile.ZipFile(stream) as archive:
                _check_members(archive, inventory)
                info = _dist_info(archive, name, inventory)
                wheel = _read_member(archive, f"{info}/WHEEL", _WHEEL_SIZE, inventory)
                _check_wheel(wheel, name, inventory)
                record = _read_member(archive, f"{info}/RECORD", limits.record_size, inventory)
                check_record(archive, info, record, inventory)
                return _read_member(archive, f"{info}/METADATA", limits.metadata_size, inventory)
        except _DAMAGED as error:
            raise inventory.refusal(f"is not a wheel: {_reason(error)}") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # zipfile goes wherever an offset leads
                raise
            raise inventory.refusal("is not a wheel: it has an offset to nowhere") from error


class _BoundedFile(io.BufferedReader):
    """Gives no larger table of contents than a wheel's may be.

    `zipfile` reads it in one piece and makes an object of each entry before anybody can count them;
    where it begins, several records may say. So it is looked at when it is read.
    """

    def __init__(self, path: Path, limits: Limits, inventory: Inventory) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size
        self._limits = limits
        self._inventory = inventory

    def read(self, size: int | None = -1) -> bytes:
        rest = max(0, self._size - self.tell())
        wanted = rest if size is None or size < 0 else min(size, rest)
        if wanted > self._limits.zip_directory_size:
            raise self._inventory.refusal("has a table of contents larger than a wheel's may be")
        data = super().read(wanted)
        most = self._limits.members
        # What is too small for so many entries, as the pieces of the members are, is not searched.
        if len(data) > most * _DIRECTORY_ENTRY and data.count(_DIRECTORY_HEADER) > most:
            raise self._inventory.refusal(f"has more than {most} members")
        return data


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
    names = archive.namelist()
    tops = {member.partition("/")[0] for member in names}
    found = sorted(top for top in tops if top.lower().endswith(_DIST_INFO))
    if len(found) != 1:
        raise inventory.refusal(f"has {len(found) or 'no'} .dist-info directories, not one")
    project, _, version = found[0].removesuffix(_DIST_INFO).partition("-")
    if not agrees(project, version, name):
        raise inventory.refusal(f"has {shown(found[0])}, which does not agree with its file name")
    members = [member for member in names if member.startswith(f"{found[0]}/")]
    for required in _REQUIRED:
        if f"{found[0]}/{required}" not in members:
            raise inventory.refusal(f"has no {required} in its .dist-info directory")
    if len({member.lower() for member in members}) < len(members):
        # Where case does not count, one would be installed in the place of the other.
        raise inventory.refusal("has files in its .dist-info directory that differ by case only")
    return found[0]


def _check_wheel(content: bytes, name: DistributionName, inventory: Inventory) -> None:
    """Check what WHEEL says: a version that installers know, and tags of the file's name.

    One tag in common will do: tools that add a platform to a wheel change but its name.
    """
    fields = [line.partition(":") for line in content.decode("utf-8").splitlines()]
    versions = [value.strip() for key, _, value in fields if key.lower() == "wheel-version"]
    if len(versions) != 1 or not versions[0].startswith("1."):
        raise inventory.refusal("has a WHEEL that does not give one Wheel-Version 1.x")
    tags = [value.strip().lower() for key, _, value in fields if key.lower() == "tag"]
    named = _parts_of(name)
    if not any(_intersect(named, tag.split("-")) for tag in tags):
        raise inventory.refusal("has a WHEEL with none of the tags that are in its file name")


def _parts_of(name: DistributionName) -> tuple[set[str], ...]:
    """Return the interpreters, ABIs and platforms of a wheel's name."""
    return (
        {tag.interpreter for tag in name.tags},
        {tag.abi for tag in name.tags},
        {tag.platform for tag in name.tags},
    )


def _intersect(named: tuple[set[str], ...], parts: list[str]) -> bool:
    """Tell whether two compressed tag sets (PEP 425) have a tag in common.

    They are compared part by part: all the tags of a hostile set would fill the memory.
    """
    return len(parts) == len(named) and all(
        own.intersection(part.split(".")) for own, part in zip(named, parts, strict=True)
    )


def _read_member(archive: zipfile.ZipFile, member: str, most: int, inventory: Inventory) -> bytes:
    with archive.open(member) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise inventory.refusal(f"has a {member.rpartition('/')[2]} of more than {most} bytes")
    return content


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
