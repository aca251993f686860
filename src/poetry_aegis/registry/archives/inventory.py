"""What an uploaded archive may hold, and the count of what it does hold."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from poetry_aegis.registry.errors import BadUpload

MIB = 1024 * 1024

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]|^/|^[A-Za-z]:|(?:^|/)\.\.(?:/|$)")


@dataclass(frozen=True)
class Limits:
    """What an archive may hold. Sizes are in bytes, uncompressed."""

    members: int = 100_000
    member_size: int = 4096 * MIB
    total_size: int = 8192 * MIB
    metadata_size: int = 4 * MIB
    record_size: int = 32 * MIB
    zip_directory_size: int = 32 * MIB
    name_length: int = 1_000  # characters of a member's path
    depth: int = 50  # directories within each other
    ratio: int = 50  # uncompressed to compressed …
    ratio_applies_from: int = 64 * MIB  # … where it could hurt

    def most_unpacked(self, archive_size: int) -> int:
        """Return the most bytes that an archive of *archive_size* bytes may unpack to."""
        return min(self.total_size, max(self.ratio_applies_from, archive_size * self.ratio))


class Inventory:
    """Counts an archive's members, and refuses the one that goes too far.

    Names that differ by case only are two members, as they are to the tools that make archives.
    """

    def __init__(self, file_name: str, archive_size: int, limits: Limits) -> None:
        self._file_name = file_name
        self._limits = limits
        self._room = limits.most_unpacked(archive_size)
        self.members: set[str] = set()

    def add(self, member: str, size: int) -> None:
        """Take a member in. Raises `BadUpload`."""
        self._check_name(member)
        key = posixpath.normpath(member)
        if key in self.members:
            raise self.refusal(f"has the member {shown(member)} twice")
        self.members.add(key)
        self._room -= size
        if len(self.members) > self._limits.members:
            raise self.refusal(f"has more than {self._limits.members} members")
        if size > self._limits.member_size or self._room < 0:
            raise self.refusal("unpacks to more than an archive of its size may")

    def refusal(self, reason: str) -> BadUpload:
        """Return the error to raise for *reason*."""
        return BadUpload(f"The file {self._file_name} {reason}.")

    def _check_name(self, member: str) -> None:
        if len(member) > self._limits.name_length:
            raise self.refusal(
                f"has a member whose name is longer than {self._limits.name_length} characters"
            )
        if _UNSAFE.search(member):
            raise self.refusal(f"has a member whose name leads outside: {shown(member)}")
        if member.count("/") > self._limits.depth:
            raise self.refusal(f"has a member more than {self._limits.depth} directories deep")


def shown(name: str) -> str:
    """Return *name* as an error message may show it: quoted, in ASCII, not too long."""
    return ascii(name if len(name) <= 200 else f"{name[:200]}…")
