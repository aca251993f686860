"""What a setup has changed in a file, kept so that it can be taken back to the byte.

Kept are the lines that were replaced, and of the lines that are there now only a hash: what was
written holds a password at times, and needs no second place.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING

from poetry_aegis.client import shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from poetry_aegis.client.edits import Kind

NOTHING = "none"  # the digest of a file that is not there


@dataclass(frozen=True)
class Hunk:
    """Lines *start* to *stop* of the file that was written; *before* was there in their place."""

    start: int
    stop: int
    before: tuple[bytes, ...]


@dataclass(frozen=True)
class Reversal:
    """The way back to what a file was before.

    *before* and *after* are digests of its contents, *lines* hashes of the lines that were
    written, *ours* the paths of the values that were set.
    """

    kind: Kind
    before: str
    after: str
    lines: tuple[str, ...]
    hunks: tuple[Hunk, ...]
    ours: tuple[str, ...]

    def to_table(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return {
            "kind": self.kind,
            "before": self.before,
            "after": self.after,
            "lines": list(self.lines),
            "hunks": [
                [hunk.start, hunk.stop, [base64.b64encode(line).decode() for line in hunk.before]]
                for hunk in self.hunks
            ],
            "ours": list(self.ours),
        }


@dataclass(frozen=True)
class Restored:
    """A file's *content* without what was ours, ``None`` for no file.

    It is *exact* where that is what was there before, to the byte. Something of ours that others
    have built upon is *left* in it.
    """

    content: bytes | None
    exact: bool
    left: bool = False


def from_table(table: Mapping[str, object]) -> Reversal:
    """Return what `Reversal.to_table` has written. Raises ``ValueError`` and its like."""
    hunks: list[list[object]] = table["hunks"]  # type: ignore[assignment]  # checked by its use
    return Reversal(
        kind=table["kind"],  # type: ignore[arg-type]  # a name of ours
        before=str(table["before"]),
        after=str(table["after"]),
        lines=tuple(table["lines"]),  # type: ignore[arg-type]
        hunks=tuple(
            Hunk(int(start), int(stop), tuple(map(base64.b64decode, before)))  # type: ignore[call-overload]
            for start, stop, before in hunks
        ),
        ours=tuple(table["ours"]),  # type: ignore[arg-type]
    )


def remember(kind: Kind, before: bytes | None, after: bytes) -> Reversal:
    """Return the way back from *after* to *before*."""
    old, new = _lines(before), _lines(after)
    changes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    values = shape.values(kind, before), shape.values(kind, after)
    return Reversal(
        kind=kind,
        before=digest(before),
        after=digest(after),
        lines=tuple(map(_hash, new)),
        hunks=tuple(
            Hunk(start, stop, tuple(old[i:j]))
            for tag, i, j, start, stop in changes
            if tag != "equal"
        ),
        ours=tuple(sorted(shape.differing(*values))),
    )


def restore(reversal: Reversal, current: bytes | None) -> Restored:
    """Return *current* with what was set taken back.

    Of a file that others have changed since, only the lines of ours that are still there go; where
    not even that can be done without harm, it stays as it is.
    """
    if current is None or digest(current) == reversal.before:
        return Restored(current, exact=digest(current) == reversal.before)
    found = _lines(current)
    if digest(current) == reversal.after:
        unmoved = {number: number for number in range(len(found))}
        content = _reversed(reversal, found, unmoved, _any)
        return Restored(None if reversal.before == NOTHING else content, exact=True)
    return _from_altered(reversal, found)


def _from_altered(reversal: Reversal, found: list[bytes]) -> Restored:
    """Return what is left of *found* without our lines, or without all of them but the headers."""
    places, current = _places(reversal, found), b"".join(found)
    whole = all(_is_whole(hunk, places) for hunk in reversal.hunks)
    for may_go in (_any, _is_no_header):
        content = _reversed(reversal, found, places, may_go)
        if shape.keeps_others(reversal.kind, current, content, reversal.ours):
            left = may_go is _is_no_header or not whole
            is_empty = not content.strip() and reversal.before == NOTHING
            return Restored(None if is_empty else content, exact=False, left=left)
    return Restored(current, exact=False, left=True)


def _places(reversal: Reversal, found: list[bytes]) -> dict[int, int]:
    """Return which line of *found* each line that was written is now."""
    hashes = tuple(map(_hash, found))
    blocks = SequenceMatcher(None, reversal.lines, hashes, autojunk=False).get_matching_blocks()
    return {a + i: b + i for a, b, size in blocks for i in range(size)}


def _reversed(
    reversal: Reversal,
    found: Sequence[bytes],
    places: Mapping[int, int],
    may_go: Callable[[bytes], bool],
) -> bytes:
    """Return *found* with each hunk's lines replaced by those that were there before."""
    gone: set[int] = set()
    put: dict[int, tuple[bytes, ...]] = {}
    for hunk in reversal.hunks:
        now = _now(hunk, places)
        gone |= {place for place in now if may_go(found[place])}
        if hunk.before and _is_whole(hunk, places):
            put[now[0] if now else _beside(hunk, places, len(found))] = hunk.before
    lines: list[bytes] = []
    for number, line in enumerate([*found, b""]):
        lines += put.get(number, ())
        lines += [line] if number not in gone else []
    return _joined(lines)


def _now(hunk: Hunk, places: Mapping[int, int]) -> list[int]:
    return [places[number] for number in range(hunk.start, hunk.stop) if number in places]


def _is_whole(hunk: Hunk, places: Mapping[int, int]) -> bool:
    """Tell whether all lines of *hunk* are there still, one after the other."""
    now = _now(hunk, places)
    return len(now) == hunk.stop - hunk.start and all(b - a == 1 for a, b in pairwise(now))


def _joined(lines: Sequence[bytes]) -> bytes:
    """Return *lines* as one: what was the last of a file, without an end, may not be it now."""
    filled = [line for line in lines if line]
    whole = [line if line.endswith((b"\n", b"\r")) else line + b"\n" for line in filled[:-1]]
    return b"".join([*whole, *filled[-1:]])


def _beside(hunk: Hunk, places: Mapping[int, int], end: int) -> int:
    """Return where lines belong that were taken out: before what followed them, or after."""
    if hunk.start in places:
        return places[hunk.start]
    return places[hunk.start - 1] + 1 if hunk.start - 1 in places else end


def _any(line: bytes) -> bool:
    return bool(line)


def _is_no_header(line: bytes) -> bool:
    return not line.strip().startswith(b"[")


def _lines(content: bytes | None) -> list[bytes]:
    return (content or b"").splitlines(keepends=True)


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:32]


def digest(content: bytes | None) -> str:
    """Return what a file's content is compared by."""
    return NOTHING if content is None else hashlib.sha256(content).hexdigest()
