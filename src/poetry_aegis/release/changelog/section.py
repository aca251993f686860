"""A version's section of the changelog: written from changes, and completed where one stands.

The headings are Keep a Changelog's (https://keepachangelog.com/en/1.1.0/), with breaking changes
under one of their own before them. `changelog_file` knows the file around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.release.changelog.entries import (
    heading_of,
    headings_of,
    make_entry,
    named_commits,
)
from poetry_aegis.release.changelog.markdown import lines_of, opaque_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from poetry_aegis.forge.links import Links
    from poetry_aegis.release.changelog.entries import Entry
    from poetry_aegis.release.history.commits import Change
    from poetry_aegis.settings import Settings

NOTHING = "No notable changes."


@dataclass
class Section:
    """The entries of one version: prose first, then lists under headings, in Markdown.

    A heading without entries is not shown; it says where the heading would stand.
    """

    prose: list[str] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool("".join(self.prose).strip() or any(self.groups.values()))

    def render(self) -> str:
        """Return the section without its title line, ending in one line break."""
        prose = "\n".join(self.prose).strip("\n")
        blocks = [prose] if prose else []
        for heading, entries in self.groups.items():
            if entries:
                blocks.append(f"### {heading}\n\n" + "\n".join(entries))
        return "\n\n".join(blocks or [NOTHING]) + "\n"


def group_entries(
    changes: Iterable[Change], settings: Settings, links: Links | None
) -> dict[str, list[Entry]]:
    """Return the entries of *changes* by heading, breaking ones first, within each oldest first.

    *changes* come newest first, as git logs them. All headings are there, in their order.
    """
    groups: dict[str, list[Entry]] = {heading: [] for heading in headings_of(settings)}
    for change in reversed(list(changes)):
        heading = heading_of(change, settings)
        if heading:
            groups[heading].append(make_entry(change, settings, links))
    return groups


def write_section(
    changes: Iterable[Change], settings: Settings, links: Links | None = None
) -> Section:
    """Return the section that tells of *changes*, newest first; *links* leads to their sources."""
    groups = group_entries(changes, settings, links)
    return Section(
        groups={
            heading: list(dict.fromkeys(map(str, entries))) for heading, entries in groups.items()
        }
    )


def parse_section(body: str) -> Section:
    """Return what people wrote under a title; an entry keeps the lines that belong to it."""
    section = Section()
    entries: list[str] | None = None
    lines = [line.rstrip("\r\n") for line in lines_of(body)]
    opaque = opaque_lines(lines)
    for number, line in enumerate(lines):
        heading = "" if number in opaque else heading_at(line)
        if heading:
            entries = section.groups.setdefault(heading, [])
        elif entries is None:
            section.prose += [line] if line != NOTHING else []
        elif entries and (number in opaque or not line.startswith(("- ", "* ", "+ "))):
            entries[-1] += f"\n{line}"
        elif line.strip():
            entries.append(line)
    for group in section.groups.values():
        group[-1:] = [entry.rstrip("\n") for entry in group[-1:]]
    return section


def heading_at(line: str) -> str:
    """Return the heading of a group of entries that *line* is, nothing for any other line."""
    return line[4:].strip() if line.startswith(("### ", "###\t")) else ""


def new_to(present: Section, section: Section, *, verbatim: bool = False) -> Section:
    """Return what *section* says and *present* does not.

    A commit that *present* names is told already, in whichever words and under whichever heading,
    unless every word of *section* counts (*verbatim*).
    """
    told = set() if verbatim else named_commits(present.render())
    prose = "\n".join(section.prose).strip("\n")
    known = prose in "\n".join(present.prose)
    own = {heading.casefold(): entries for heading, entries in present.groups.items()}
    groups: dict[str, list[str]] = {}
    for heading, entries in section.groups.items():
        same = {entry.strip() for entry in own.get(heading.casefold(), ())}
        groups[heading] = [
            entry for entry in entries if entry.strip() not in same and not _is_told(entry, told)
        ]
    return Section([] if known else prose.split("\n"), groups)


def _is_told(entry: str, told: set[str]) -> bool:
    named = named_commits(entry)
    return bool(named) and named <= told


def complete(
    body: Sequence[str], section: Section, *, newline: str = "\n", verbatim: bool = False
) -> list[str]:
    """Return the lines *body*, which stand under a title, with what *section* adds to them.

    No line of *body* is lost or changed, but for the one that said there was nothing to say.
    """
    adding = new_to(parse_section("".join(body)), section, verbatim=verbatim)
    lines = [*body]
    if not adding:
        return lines
    lines = [line for line in lines if line.rstrip("\r\n") != NOTHING]
    # From the last to the first, so that a new heading finds those that come after it.
    for heading in reversed(list(adding.groups)):
        if adding.groups[heading]:
            entries = [line + newline for line in "\n".join(adding.groups[heading]).split("\n")]
            _add_entries(lines, heading, entries, list(adding.groups), newline)
    if "".join(adding.prose).strip():
        _put(lines, _first_heading(lines), [line + newline for line in adding.prose], newline)
    return lines


def drop_empty_headings(lines: Sequence[str]) -> list[str]:
    """Return *lines* without the headings under which nothing stands."""
    kept = [*lines]
    end = len(kept)
    for start, _ in reversed(_headings(lines)):
        if not "".join(lines[start + 1 : end]).strip():
            del kept[start:end]
        end = start
    return kept


def _headings(lines: Sequence[str]) -> list[tuple[int, str]]:
    opaque = opaque_lines(lines)
    found = ((number, heading_at(line)) for number, line in enumerate(lines))
    return [(number, heading) for number, heading in found if heading and number not in opaque]


def _first_heading(lines: Sequence[str]) -> int:
    return next((number for number, _ in _headings(lines)), len(lines))


def _add_entries(
    lines: list[str], heading: str, entries: list[str], order: Sequence[str], newline: str
) -> None:
    """Put *entries* at the end of the group *heading*, or that group where *order* wants it."""
    headings = _headings(lines)
    for index, (number, name) in enumerate(headings):
        if name.casefold() == heading.casefold():
            end = headings[index + 1][0] if headings[index + 1 :] else len(lines)
            _append(lines, number, end, entries, newline)
            return
    later = {name.casefold() for name in order[order.index(heading) + 1 :]}
    place = next((at for at, name in headings if name.casefold() in later), len(lines))
    _put(lines, place, [f"### {heading}{newline}", newline, *entries], newline)


def _append(lines: list[str], start: int, end: int, entries: list[str], newline: str) -> None:
    """Put *entries* below the last line of the group that goes from *start* to *end*."""
    while not lines[end - 1].strip():
        end -= 1
    # After HTML only an empty line brings Markdown back.
    apart = end - 1 == start or end - 1 in opaque_lines(lines)
    _end_line(lines, end - 1, newline)
    lines[end:end] = [newline, *entries] if apart else entries


def _put(lines: list[str], place: int, block: list[str], newline: str) -> None:
    """Put the paragraphs *block* into *lines* before *place*, an empty line on either side."""
    before = [newline] if place and lines[place - 1].strip() else []
    after = [newline] if place < len(lines) else []
    if place:
        _end_line(lines, place - 1, newline)
    lines[place:place] = [*before, *block, *after]


def _end_line(lines: list[str], number: int, newline: str) -> None:
    if not lines[number].endswith(("\n", "\r")):
        lines[number] += newline
