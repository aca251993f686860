"""The changelog file: sections put in and found, whatever people wrote around them kept.

The file is cut at its ``## `` headings; a piece that no release concerns is written back exactly as
it was read, line endings and all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.release.changelog.entries import named_commits
from poetry_aegis.release.changelog.markdown import lines_of, opaque_lines
from poetry_aegis.release.changelog.pieces import (
    UNRELEASED,
    Piece,
    cut,
    folded_versions,
    take_definitions,
    version_of,
)
from poetry_aegis.release.changelog.section import (
    Section,
    complete,
    drop_empty_headings,
    parse_section,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from poetry.core.constraints.version import Version

NEW_FILE = """\
# Changelog

All notable changes to this project are documented in this file, in the format of
[Keep a Changelog](https://keepachangelog.com/en/1.1.0/).
"""


class Changelog:
    """A changelog in memory; ``str()`` of it is the file, which is *text* until it is changed.

    An empty *text* is a new file, which gets a title.
    """

    def __init__(self, text: str) -> None:
        self.is_new = not text.strip()
        lines = lines_of(NEW_FILE if self.is_new else text)
        self.newline = _newline_of(text)
        self._pieces = cut(lines)
        self.definitions = take_definitions(self._pieces[-1])
        self._folded = {} if self.is_new else folded_versions(lines)

    def __str__(self) -> str:
        lines = [line for piece in self._pieces for line in piece.lines]
        return "".join([*lines, *self.definitions])

    @property
    def versions(self) -> set[Version]:
        """The versions that have a section, also where it is folded away in ``<details>``."""
        return {piece.version for piece in self._pieces if piece.version} | {*self._folded}

    def section(self, name: str) -> str | None:
        """Return the section of version *name* as it stands, ``None`` for no such section."""
        piece, version = self._find(name), version_of(name)
        if piece:
            return piece.text
        return self._folded.get(version) if version else None

    def insert(self, name: str, section: Section, date: str | None = None) -> None:
        """Put *section* where version *name* belongs.

        What stands there already stays, *section* adding what it lacks, so that a second time
        changes nothing.
        """
        if version_of(name) in self._folded:
            return
        piece = self._find(name) or self._place(name, date)
        body = complete(piece.body, section, newline=self.newline)
        if body != piece.body or not body:
            self._fill(piece, body)

    def release(
        self, name: str, section: Section, date: str, *, gather: Collection[str] = ()
    ) -> None:
        """Put *section* under version *name*, below what has been gathered for it.

        That is what stands under ``[Unreleased]``, which moves, and what the sections of its
        pre-releases say in their own words: written by hand, or of one of the commits *gather*.
        """
        gathered = frozenset(gather)
        unreleased = self._take_unreleased()
        piece = self._find(name)
        if piece is None:
            piece = self._place(name, date)
            body = drop_empty_headings(unreleased)
        else:
            moved = parse_section("".join(unreleased))
            body = complete(piece.body, moved, newline=self.newline, verbatim=True)
        for told in self._prereleases_of(piece, gathered):
            body = complete(body, told, newline=self.newline)
        body = complete(body, section, newline=self.newline)
        if body != piece.body or not body:
            self._fill(piece, body)

    def define(self, definitions: Sequence[str]) -> None:
        """Set the link definitions at the end of the file, an empty line before them."""
        if definitions and not self.definitions:
            _end_with_empty_line(self._pieces[-1], self.newline)
        self.definitions = [*definitions]

    def _fill(self, piece: Piece, body: Sequence[str]) -> None:
        """Set what stands under a title, one empty line on either side of the whole."""
        end = self.newline
        lines = strip(body) or lines_of(Section().render().replace("\n", end))
        if not lines[-1].endswith(("\n", "\r")):
            lines[-1] += end
        index = self._pieces.index(piece)
        before = self._pieces[index - 1]
        if before.lines:
            _end_with_empty_line(before, end)
        piece.body = [end, *lines]
        if self._pieces[index + 1 :] or self.definitions:
            piece.body.append(end)

    def _find(self, name: str) -> Piece | None:
        if name.casefold() == UNRELEASED.casefold():
            return next((piece for piece in self._pieces if piece.is_unreleased), None)
        version = version_of(name)
        return next((piece for piece in self._pieces if version and piece.version == version), None)

    def _place(self, name: str, date: str | None) -> Piece:
        """Return a new piece, put newest first and below ``[Unreleased]``."""
        piece = Piece(name, [title_of(name, date) + self.newline])
        self._pieces.insert(self._place_of(piece), piece)
        return piece

    def _place_of(self, new: Piece) -> int:
        newer = 0
        for index, piece in enumerate(self._pieces):
            if piece.version and (new.is_unreleased or piece.is_older_than(new)):
                return index
            if piece.version or piece.is_unreleased:
                newer = index + 1
        # Below the last that is newer; in a file that names no version, before its first section.
        titled = (index for index, piece in enumerate(self._pieces) if piece.name)
        return newer or next(titled, len(self._pieces))

    def _take_unreleased(self) -> list[str]:
        """Return what stands under ``[Unreleased]`` and leave the title, and a comment below it."""
        piece = self._find(UNRELEASED)
        if piece is None or not "".join(piece.body).strip():
            return []
        start = _end_of_comments(piece.body)
        taken = strip(piece.body[start:])
        if taken:
            kept = strip(piece.body[:start])
            piece.body = [self.newline, *kept, self.newline] if kept else [self.newline]
        return taken

    def _prereleases_of(self, own: Piece, gather: frozenset[str]) -> Iterator[Section]:
        """Yield what the pre-releases of a final version told, the oldest first."""
        if own.version is None or own.version.is_unstable():
            return
        for piece in reversed(self._pieces):
            if (
                piece.version
                and piece.version.is_unstable()
                and piece.version.stable == own.version
            ):
                told = parse_section("".join(piece.body))
                yield Section(
                    groups={
                        heading: [entry for entry in entries if named_commits(entry) <= gather]
                        for heading, entries in told.groups.items()
                    }
                )


def title_of(name: str, date: str | None = None) -> str:
    """Return the title line of the section for version *name*, made on *date* (ISO 8601)."""
    return f"## [{name}] - {date}" if date else f"## [{name}]"


def insert(
    text: str, name: str, section: Section, date: str | None = None, *, absorb: bool = False
) -> str:
    """Return the changelog *text* with *section* in it, where version *name* belongs.

    With *absorb* what stands under ``[Unreleased]`` moves into it: a release does that.
    See `Changelog.insert` and `Changelog.release`.
    """
    changelog = Changelog(text)
    if absorb:
        changelog.release(name, section, date or "")
    else:
        changelog.insert(name, section, date)
    return str(changelog)


def extract(text: str, name: str) -> str | None:
    """Return the section of version *name* as it stands in *text*, ``None`` for no such section."""
    return Changelog(text).section(name)


def _newline_of(text: str) -> str:
    windows = text.count("\r\n")
    counts = {"\n": text.count("\n") - windows, "\r\n": windows, "\r": text.count("\r") - windows}
    return max(counts, key=lambda ending: counts[ending])


def strip(lines: Sequence[str]) -> list[str]:
    """Return *lines* without the empty ones around them."""
    full = [number for number, line in enumerate(lines) if line.strip()]
    return list(lines[full[0] : full[-1] + 1]) if full else []


def _end_with_empty_line(piece: Piece, newline: str) -> None:
    part = piece.body if "".join(piece.body).strip() else piece.title
    if part is piece.title:
        piece.body = []
    if not part:
        return
    while not part[-1].strip():
        part.pop()
    if not part[-1].endswith(("\n", "\r")):
        part[-1] += newline
    piece.body.append(newline)


def _end_of_comments(body: Sequence[str]) -> int:
    """Return the number of the first line after the comments that *body* starts with."""
    opaque = opaque_lines(body)
    number, commented = 0, False
    while number < len(body):
        line = body[number].strip()
        commented = line.startswith("<!--") or (commented and number in opaque)
        if line and not (commented and (number in opaque or line.endswith("-->"))):
            break
        number += 1
    return number
