"""Source distributions: gzip-compressed tar files with a ``PKG-INFO`` (PEP 625)."""

from __future__ import annotations

import gzip
import posixpath
import tarfile
import zlib
from typing import TYPE_CHECKING

from poetry_aegis.registry.archives.inventory import MIB, Inventory, Limits

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.names import DistributionName

_PIECE = 256 * 1024  # bytes; tarfile reads an extended header in one piece, into memory
_DAMAGED = (
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    UnicodeDecodeError,
    ValueError,
    OverflowError,
    RecursionError,  # tarfile follows chains of extended headers
)


def read_pkg_info(path: Path, name: DistributionName, limits: Limits) -> bytes:
    """Return the sdist's PKG-INFO. See `archives.read_core_metadata`."""
    size = path.stat().st_size
    inventory = Inventory(name.file_name, size, limits)
    most = limits.most_unpacked(size) + _overhead(limits)
    try:
        with (
            _BoundedGzip(path, most, inventory) as stream,
            tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as archive,
        ):
            content = _walk(archive, limits, inventory)
            stream.read_to_end()
    except _DAMAGED as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise inventory.refusal(f"is not an sdist: {reason}") from error
    return content


class _BoundedGzip(gzip.GzipFile):
    """Uncompresses no further than a limit, and gives no larger piece than a header's."""

    def __init__(self, path: Path, most: int, inventory: Inventory) -> None:
        super().__init__(path, "rb")
        self._most = most
        self._inventory = inventory

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _PIECE:
            raise self._inventory.refusal("has a header larger than an sdist's may be")
        data = super().read(size)
        self._check(self.tell())
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self._check(offset)
        return super().seek(offset, whence)

    def read_to_end(self) -> None:
        """Read what is left, which also verifies the checksum at the end."""
        while self.read(_PIECE):
            pass

    def _check(self, position: int) -> None:
        if position > self._most:
            raise self._inventory.refusal("unpacks to more than an archive of its size may")


def _overhead(limits: Limits) -> int:
    """Return the bytes that headers and padding may add to the members themselves."""
    return min(limits.members * 1024, limits.total_size) + MIB


def _walk(archive: tarfile.TarFile, limits: Limits, inventory: Inventory) -> bytes:
    roots: set[str] = set()
    pkg_info: bytes | None = None
    for member in archive:
        # tarfile would keep them all, with their extended headers.
        archive.members.clear()  # type: ignore[attr-defined]
        if sum(map(len, archive.pax_headers.values())) > _PIECE:
            raise inventory.refusal("has more global headers than an sdist needs")
        path = member.name.removeprefix("./")
        inventory.add(path, member.size)
        if path in {"", "."}:
            continue
        _check_type(member, path, inventory)
        root, _, rest = path.partition("/")
        roots.add(root)
        if rest == "PKG-INFO" and member.isreg():
            pkg_info = _read_member(archive, member, limits, inventory)
    if len(roots) != 1:
        raise inventory.refusal(f"has {len(roots) or 'no'} top-level directories, not one")
    if pkg_info is None:
        raise inventory.refusal("has no PKG-INFO in its top-level directory")
    return pkg_info


def _check_type(member: tarfile.TarInfo, path: str, inventory: Inventory) -> None:
    if member.issym() or member.islnk():
        base = posixpath.dirname(path) if member.issym() else ""
        target = posixpath.normpath(posixpath.join(base, member.linkname))
        if target.startswith(("/", "../")) or target == "..":
            raise inventory.refusal(f"has a link that leads outside: {path[:200]!a}")
    elif not (member.isreg() or member.isdir()):
        raise inventory.refusal(f"has a member that is no file or directory: {path[:200]!a}")


def _read_member(
    archive: tarfile.TarFile, member: tarfile.TarInfo, limits: Limits, inventory: Inventory
) -> bytes:
    if member.size > limits.metadata_size:
        raise inventory.refusal(f"has a PKG-INFO of more than {limits.metadata_size} bytes")
    stream = archive.extractfile(member)
    if stream is None:
        raise inventory.refusal("has a PKG-INFO that cannot be read")
    with stream:
        return b"".join(iter(lambda: stream.read(_PIECE), b""))
