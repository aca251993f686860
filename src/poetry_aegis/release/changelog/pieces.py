"""A changelog taken apart: the pieces that its titles cut it into, each line as it was read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from poetry_aegis.errors import InvalidVersion
from poetry_aegis.release.changelog.markdown import lines_of, opaque_lines
from poetry_aegis.release.version.numbers import parse_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry.core.constraints.version import Version

UNRELEASED = "Unreleased"

TITLE = re.compile(r"##[ \t]+\[?(?P<name>[^\]\s]+)")
# A name before the version, as others write it: "## Release 1.2.0" or "## demo 1.2.0 (2026-01-31)".
NAMED_TITLE = re.compile(
    r"##[ \t]+[^\W\d][\w.-]*[ \t]+\[?(?P<name>v?\d+\.\d+[^\]\s]*)\]?\s*(?:$|[(\u2013\u2014-])"
)
FOREIGN_TITLE = re.compile(r"(?P<marker>#[ \t]+)?\[?(?P<name>v?\d+\.\d+[^\]\s]*)")
UNDERLINE = re.compile(r"-{3,}|={3,}")
LINK_DEFINITION = re.compile(r"\[[^\]]+\]:[ \t]*\S+")


@dataclass
class Piece:
    """A stretch of the file: from one title to the next, or what is before the first.

    *name* is what the title names, mostly a version; ``None`` for text that is no section. Where
    the title is underlined the line is part of it.
    """

    name: str | None = None
    title: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """All of it, as it stands."""
        return [*self.title, *self.body]

    @cached_property
    def version(self) -> Version | None:
        """The version whose section it is."""
        return version_of(self.name) if self.name else None

    def is_older_than(self, other: Piece) -> bool:
        """Return whether both are sections of versions, this one's before the other's."""
        return bool(self.version and other.version and self.version < other.version)

    @property
    def is_unreleased(self) -> bool:
        """Whether it is the section of what is not released yet."""
        return self.name is not None and self.name.casefold() == UNRELEASED.casefold()

    @property
    def text(self) -> str:
        """The section as it stands, with line feeds, ending in one."""
        return "".join(line.rstrip("\r\n") + "\n" for line in self.lines).rstrip("\n") + "\n"


def has_titles(text: str) -> bool:
    """Return whether there is a title in *text* that would start a section."""
    return len(cut(lines_of(text))) > 1


def cut(lines: Sequence[str], *, details: bool = True) -> list[Piece]:
    """Return the pieces of a file; joined they are *lines* again."""
    pieces = [Piece()]
    opaque = opaque_lines(lines, details=details)
    for number, line in enumerate(lines):
        name = None if number in opaque else _title_at(lines, number)
        if name:
            pieces.append(Piece(name, [line]))
        elif number and not pieces[-1].body and _is_underline(lines, number):
            pieces[-1].title.append(line)
        else:
            pieces[-1].body.append(line)
    return pieces


def _title_at(lines: Sequence[str], number: int) -> str | None:
    """Return what the title at line *number* names, ``None`` for any other line.

    Beside ``## `` headings those are headings of the first level and underlined ones, as other
    tools write them, where they start with a version.
    """
    line = lines[number].rstrip("\r\n")
    title = NAMED_TITLE.match(line) or TITLE.match(line)
    if title:
        return title["name"]
    foreign = FOREIGN_TITLE.match(line)
    below = lines[number + 1].rstrip() if foreign and number + 1 < len(lines) else ""
    if foreign and (foreign["marker"] or UNDERLINE.fullmatch(below)):
        return foreign["name"]
    return None


def _is_underline(lines: Sequence[str], number: int) -> bool:
    above = lines[number - 1]
    return bool(UNDERLINE.fullmatch(lines[number].rstrip())) and not above.startswith("#")


def take_definitions(last: Piece) -> list[str]:
    """Take the link definitions that end the file out of its *last* piece."""
    start = len(last.body)
    while start and (
        not last.body[start - 1].strip() or LINK_DEFINITION.match(last.body[start - 1])
    ):
        start -= 1
    while start < len(last.body) and not last.body[start].strip():
        start += 1
    definitions = last.body[start:]
    del last.body[start:]
    return definitions


def folded_versions(lines: Sequence[str]) -> dict[Version, str]:
    """Return the sections that stand in a ``<details>`` block."""
    opaque = opaque_lines(lines, details=False)
    if len(opaque) == len(opaque_lines(lines)):
        return {}
    open_sections = {piece.version for piece in cut(lines)}
    return {
        piece.version: piece.text
        for piece in cut(lines, details=False)
        if piece.version and piece.version not in open_sections
    }


def version_of(name: str) -> Version | None:
    """Return the version that *name* spells in any way: v1.3.0-rc.1 and 1.3.0rc1 are the same."""
    try:
        return parse_version(name)
    except InvalidVersion:
        return None
