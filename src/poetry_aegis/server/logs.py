"""The log file of a background process: rotated, read from its end, followed."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST = 10 * 1024 * 1024  # bytes; past that a start begins a new file
BLOCK = 8192


def rotate(log: Path, *, largest: int = LARGEST) -> None:
    """Put *log* aside as ``NAME.1`` where it has grown past *largest* bytes."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > largest:
            log.replace(log.with_name(f"{log.name}.1"))


def size_of(log: Path) -> int:
    """Return the size of *log* in bytes; 0 where there is none."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def read_tail(log: Path, count: int, *, after: int = 0) -> list[str]:
    """Return the last *count* lines of *log*, of those past *after* bytes.

    Reads from the end, so that a large file costs no more than a small one.
    """
    try:
        stream = log.open("rb")
    except FileNotFoundError:
        return []
    with stream:
        start = stream.seek(0, 2)
        content = b""
        # One line break more than lines: the first one read may be the end of a longer line.
        while start > after and content.count(b"\n") <= count:
            step = min(BLOCK, start - after)
            start = stream.seek(start - step)
            content = stream.read(step) + content
    return _lines(content)[-count:] if count else []


def follow(log: Path, *, after: int) -> Iterator[str]:
    """Yield the lines of *log* past *after* bytes as they come, for ever.

    A file that was rotated or cut is read from its beginning.
    """
    position, rest = after, b""
    while True:
        size = size_of(log)
        if size < position:
            position, rest = 0, b""
        if size > position:
            with log.open("rb") as stream:
                stream.seek(position)
                content = rest + stream.read(size - position)
            position = size
            whole, _, rest = content.rpartition(b"\n")
            if whole:
                yield from _lines(whole)
        else:
            time.sleep(0.1)


def _lines(content: bytes) -> list[str]:
    """Return the lines of *content* without what would steer a terminal."""
    text = content.decode("utf-8", errors="replace")
    return ["".join(map(_harmless, line)) for line in text.rstrip("\n").split("\n") if text]


def _harmless(character: str) -> str:
    if character.isprintable() or character == "\t":
        return character
    return "" if character == "\r" else character.encode("unicode_escape").decode("ascii")
