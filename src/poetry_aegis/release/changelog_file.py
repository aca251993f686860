"""The changelog file: sections put in and found, whatever people wrote around them kept.

The file is cut at its ``## `` headings; a piece that no release concerns is written back exactly as
it was read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import InvalidVersion
from poetry_aegis.release.changelog import Section, merge, opaque_lines, parse_section
from poetry_aegis.release.version import parse_version

if TYPE_CHECKING:
    from collections.abc import Sequence

UNRELEASED = "Unreleased"

NEW_FILE = """\
# Changelog

All notable changes to this project are documented in this file, in the format of
[Keep a Changelog](https://keepachangelog.com/en/1.1.0/).
"""

TITLE = re.compile(r"##[ \t]+\[?(?P<name>[^\]\s]+)")
FOREIGN_TITLE = re.compile(r"(?P<marker>#[ \t]+)?\[?(?P<name>v?\d+\.\d+[^\]\s]*)")
UNDERLINE = re.compile(r"-{3,}|={3,}")
LINK_DEFINITION = re.compile(r"\[[^\]]+\]:[ \t]*\S+")


@dataclass
class _Piece:
    """A stretch of the file: from one ``## `` heading to the next, or what is before or after.

    *name* is the version of a section, ``None`` for text that is no section.
    """

    name: str | None
    text: str

    def is_of(self, name: str) -> bool:
        return self.name is not None and _normalise(self.name) == _normalise(name)

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def body(self) -> str:
        return self.text.partition("\n")[2]


def title_of(name: str, date: str | None = None) -> str:
    """Return the title line of the section for version *name*, made on *date* (ISO 8601)."""
    return f"## [{name}] - {date}" if date else f"## [{name}]"


def insert(
    text: str, name: str, section: Section, date: str | None = None, *, absorb: bool = False
) -> str:
    """Return the changelog *text* with *section* in it, where version *name* belongs.

    What stands in that section already stays, *section* adding what it lacks, so that a second
    time changes nothing. With *absorb* the entries under ``[Unreleased]`` move into it: a release
    does that. Line endings stay those of *text*.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    pieces = _cut(text.replace("\r\n", "\n"))
    if absorb:
        section = merge(_take_unreleased(pieces), section)
    own = next((piece for piece in pieces if piece.is_of(name)), None)
    if own:
        own.text = f"{own.title}\n\n{merge(parse_section(own.body), section).render()}"
        _separate(pieces, pieces.index(own))
    else:
        written = f"{title_of(name, date)}\n\n{section.render()}"
        index = _place_of(name, pieces)
        pieces.insert(index, _Piece(name, written))
        _separate(pieces, index)
    return "".join(piece.text for piece in pieces).replace("\n", newline)


def extract(text: str, name: str) -> str | None:
    """Return the section of version *name* as it stands in *text*, ``None`` for no such section."""
    for piece in _cut(text.replace("\r\n", "\n")):
        if piece.is_of(name):
            return piece.text.rstrip("\n") + "\n"
    return None


def _cut(text: str) -> list[_Piece]:
    """Return the pieces of *text*; joined they are *text* again, but for an empty file's title."""
    pieces = [_Piece(None, "")]
    lines = (text if text.strip() else NEW_FILE).splitlines(keepends=True)
    opaque = opaque_lines(lines)
    for number, line in enumerate(lines):
        name = None if number in opaque else _title_at(lines, number)
        if name:
            pieces.append(_Piece(name, line))
        else:
            pieces[-1].text += line
    return [*pieces, _cut_link_definitions(pieces[-1])]


def _title_at(lines: Sequence[str], number: int) -> str | None:
    """Return the version whose section begins at line *number*, ``None`` for any other line.

    Beside ``## `` headings those are headings of the first level and underlined ones, as other
    tools write them, where they start with a version.
    """
    line = lines[number]
    title = TITLE.match(line)
    if title:
        return title["name"]
    below = lines[number + 1] if number + 1 < len(lines) else ""
    foreign = FOREIGN_TITLE.match(line)
    if foreign and (foreign["marker"] or UNDERLINE.fullmatch(below.rstrip())):
        return foreign["name"]
    return None


def _cut_link_definitions(last: _Piece) -> _Piece:
    """Take the link definitions that end the file out of its *last* piece."""
    lines = last.text.splitlines(keepends=True)
    start = len(lines)
    while start and (not lines[start - 1].strip() or LINK_DEFINITION.match(lines[start - 1])):
        start -= 1
    while start < len(lines) and not lines[start].strip():
        start += 1
    last.text, definitions = "".join(lines[:start]), "".join(lines[start:])
    return _Piece(None, definitions)


def _take_unreleased(pieces: list[_Piece]) -> Section:
    """Empty the unreleased section and return what was in it."""
    for piece in pieces:
        if piece.is_of(UNRELEASED):
            section = parse_section(piece.body)
            piece.text = f"{piece.title}\n\n"
            return section
    return Section()


def _place_of(name: str, pieces: list[_Piece]) -> int:
    """Return the index for a new section: newest first, and below ``[Unreleased]``."""
    for index, piece in enumerate(pieces):
        if piece.name and not piece.is_of(UNRELEASED) and _is_older(piece.name, name):
            return index
    return len(pieces) - 1


def _is_older(name: str, other: str) -> bool:
    """Return whether *name* is an older version than *other*; what is no version is old."""
    try:
        return other == UNRELEASED or parse_version(name) < parse_version(other)
    except InvalidVersion:
        return True


def _separate(pieces: list[_Piece], index: int) -> None:
    """Leave one empty line on either side of the piece at *index*."""
    before, piece = pieces[index - 1], pieces[index]
    if before.text.strip():
        before.text = before.text.rstrip("\n") + "\n\n"
    if any(later.text for later in pieces[index + 1 :]):
        piece.text = piece.text.rstrip("\n") + "\n\n"


def _normalise(name: str) -> str:
    """Return *name* in one spelling: v1.3.0-rc.1 and 1.3.0rc1 are the same version."""
    try:
        return parse_version(name).text
    except InvalidVersion:
        return name.casefold()
