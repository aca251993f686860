"""Source distributions: gzip-compressed tar files with a ``PKG-INFO`` (PEP 625)."""

from __future__ import annotations

import gzip
import posixpath
import re
import tarfile
import zlib
from itertools import dropwhile
from typing import TYPE_CHECKING

from poetry_aegis.registry.archives.agreement import agrees
from poetry_aegis.registry.archives.inventory import MIB, Inventory, Limits, shown

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.names import DistributionName

_PIECE = 256 * 1024  # bytes; tarfile reads an extended header in one piece, into memory
_FOREIGN = re.compile(r"\\|^[A-Za-z]:")  # a path of Windows
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
            content = _walk(archive, name, limits, inventory)
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


def _walk(
    archive: tarfile.TarFile, name: DistributionName, limits: Limits, inventory: Inventory
) -> bytes:
    roots: set[str] = set()
    links: set[str] = set()
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
        path = posixpath.normpath(path)
        root, _, rest = path.partition("/")
        roots.add(root)
        if member.issym() or member.islnk():
            links.add(path)
        _check_type(member, path, inventory)
        if rest == "PKG-INFO" and member.isreg():
            pkg_info = _read_member(archive, member, limits, inventory)
    _check_root(roots, name, inventory)
    _check_nothing_below(links, inventory)
    if pkg_info is None:
        raise inventory.refusal("has no PKG-INFO in its top-level directory")
    return pkg_info


def _check_root(roots: set[str], name: DistributionName, inventory: Inventory) -> None:
    if len(roots) != 1:
        raise inventory.refusal(f"has {len(roots) or 'no'} top-level directories, not one")
    (root,) = roots
    project, _, version = root.rpartition("-")
    if not agrees(project, version, name):
        raise inventory.refusal(
            f"has the top-level directory {shown(root)}, which does not agree with its file name"
        )


def _check_type(member: tarfile.TarInfo, path: str, inventory: Inventory) -> None:
    if member.issym() or member.islnk():
        if not _stays_inside(member, path):
            raise inventory.refusal(f"has a link that leads outside: {shown(path)}")
    elif not (member.isreg() or member.isdir()):
        raise inventory.refusal(f"has a member that is no file or directory: {shown(path)}")


def _stays_inside(link: tarfile.TarInfo, path: str) -> bool:
    """Tell whether *link* leads to something in the top-level directory.

    Its way goes up first and then only down. So no other link on it can lead outside, as long as
    nothing lies below a link.
    """
    base, steps = "", link.linkname.split("/")
    if link.issym():
        base, steps = posixpath.dirname(path), list(dropwhile("..".__eq__, steps))
    target = posixpath.normpath(posixpath.join(base, link.linkname))
    inside = target.partition("/")[0] == path.partition("/")[0]
    return inside and ".." not in steps and not _FOREIGN.search(link.linkname)


def _check_nothing_below(links: set[str], inventory: Inventory) -> None:
    for member in inventory.members if links else ():
        parent = posixpath.dirname(member)
        while parent:
            if parent in links:
                raise inventory.refusal(f"has a member below a link: {shown(member)}")
            parent = posixpath.dirname(parent)


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
