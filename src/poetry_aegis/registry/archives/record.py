"""RECORD: the list of a wheel's files with the digest and size of each (PEP 376, PEP 427)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from typing import TYPE_CHECKING, NamedTuple

from poetry_aegis.registry.archives.inventory import MIB, Inventory, shown

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable

_ALGORITHMS = {"sha256", "sha384", "sha512"}  # "sha256 or better", says PEP 427
# These sign the list, and so cannot be on it with a digest.
_UNLISTED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_MORE_ROWS = 100  # than the archive has members: signatures and blank lines


class _Entry(NamedTuple):
    digest: str
    size: str


def check_record(
    archive: zipfile.ZipFile, directory: str, content: bytes, inventory: Inventory
) -> None:
    """Check that RECORD, *content* of it in *directory*, lists the files of *archive* as they are.

    Reads every file once, in pieces; `zipfile` verifies its checksum on the way. Raises
    `BadUpload`, and what `zipfile` raises for a damaged archive.
    """
    listed = _parse(content, len(inventory.members) + _MORE_ROWS, inventory)
    unlisted = {f"{directory}/{name}" for name in _UNLISTED}
    for member in archive.infolist():
        if member.is_dir():
            continue
        entry = listed.pop(member.filename, None)
        if member.filename in unlisted:
            _read_through(archive, member)
        elif entry is None:
            raise inventory.refusal(f"has {shown(member.filename)}, which its RECORD does not list")
        else:
            _check_member(archive, member, entry, inventory)
    for missing in listed.keys() - unlisted:
        raise inventory.refusal(f"has a RECORD that lists {shown(missing)}, which it does not have")


def _parse(content: bytes, most: int, inventory: Inventory) -> dict[str, _Entry]:
    """Return the entries by member. No more than *most* rows are looked at.

    A small archive unpacks to a list of millions that it does not have.
    """
    listed: dict[str, _Entry] = {}
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline=""))
    try:
        for number, row in enumerate(rows):
            if number >= most:
                raise inventory.refusal("has a RECORD of more lines than it has members")
            if not row:
                continue
            if len(row) != 3:
                raise inventory.refusal(f"has a RECORD whose line {rows.line_num} is malformed")
            if row[0] in listed:
                raise inventory.refusal(f"has a RECORD that lists {shown(row[0])} twice")
            listed[row[0]] = _Entry(row[1], row[2])
    except csv.Error as error:
        raise inventory.refusal(f"has a RECORD that cannot be read: {error}") from error
    return listed


def _check_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, entry: _Entry, inventory: Inventory
) -> None:
    algorithm, _, declared = entry.digest.partition("=")
    if algorithm not in _ALGORITHMS:
        raise inventory.refusal(f"has a RECORD without a sha256 digest of {shown(member.filename)}")
    digest = hashlib.new(algorithm)
    _read_through(archive, member, digest.update)
    found = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=")
    # The size may be left out: the digest says more.
    right_size = entry.size in ("", str(member.file_size))
    if not right_size or found != declared.rstrip("=").encode():
        raise inventory.refusal(f"has {shown(member.filename)}, which is not what RECORD lists")


def _read_through(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, take: Callable[[bytes], None] | None = None
) -> None:
    with archive.open(member) as stream:
        while piece := stream.read(MIB):
            if take is not None:
                take(piece)
