"""Headers of a tar archive, as POSIX has them: the same for the same file, on every Python."""

from __future__ import annotations

import os

BLOCK = 512
END = bytes(2 * BLOCK)

_LARGEST_NUMBER = 8**11 - 1


def head_of(path: str, size: int, mode: int, mtime_ns: int) -> bytes:
    """Return the header of a file, extended (pax) where the old fields are too narrow."""
    name, seconds = os.fsencode(path), max(0, min(mtime_ns // 10**9, _LARGEST_NUMBER))
    extended = b""
    if len(name) > 100 or not name.isascii():
        extended += _record(b"path", name)
    if size > _LARGEST_NUMBER:
        extended += _record(b"size", b"%d" % size)
    head = _block(name[:100], min(size, _LARGEST_NUMBER), mode, seconds, b"0")
    if not extended:
        return head
    before = _block(b"pax", len(extended), 0o600, 0, b"x")
    return before + extended + padding_of(len(extended)) + head


def padding_of(size: int) -> bytes:
    """Return what fills the last block of *size* bytes."""
    return bytes(-size % BLOCK)


def _record(key: bytes, value: bytes) -> bytes:
    """Return a pax record, which begins with its own length."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d%s" % (length, rest)


def _block(name: bytes, size: int, mode: int, mtime: int, kind: bytes) -> bytes:
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, 0, 0, size, mtime)
    before, after = name.ljust(100, b"\0") + numbers, kind + bytes(100) + b"ustar\x0000"
    after = after.ljust(BLOCK - len(before) - 8, b"\0")
    checksum = sum(before) + sum(after) + 8 * ord(" ")
    return before + b"%06o\0 " % checksum + after
