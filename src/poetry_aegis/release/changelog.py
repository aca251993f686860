"""A version's section of the changelog, written from its changes.

The headings are Keep a Changelog's (https://keepachangelog.com/en/1.1.0/), with breaking changes
under one of their own before them. `changelog_file` knows the file around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from poetry_aegis.release.commits import Change
    from poetry_aegis.settings import Settings

BREAKING = "Breaking"
NOTHING = "No notable changes."

HEADING = re.compile(r"###[ \t]+(?P<heading>.+?)[ \t]*")
FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")
CODE_SPAN = re.compile(r"(`+[^`]*`+)")


@dataclass
class Section:
    """The entries of one version: prose first, then lists under headings, in Markdown."""

    prose: list[str] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)

    def add(self, heading: str, entry: str) -> None:
        """Append *entry*, a list item, under *heading*, unless it stands there already."""
        entries = self.groups.setdefault(heading, [])
        if entry not in entries:
            entries.append(entry)

    def render(self) -> str:
        """Return the section without its title line, ending in one line break."""
        prose = "\n".join(self.prose).strip("\n")
        blocks = [prose] if prose else []
        for heading, entries in self.groups.items():
            if entries:
                blocks.append(f"### {heading}\n\n" + "\n".join(entries))
        return "\n\n".join(blocks or [NOTHING]) + "\n"


def write_section(changes: Iterable[Change], settings: Settings) -> Section:
    """Return the section that tells of *changes*: breaking ones first, within each oldest first.

    *changes* come newest first, as git logs them.
    """
    section = Section()
    oldest_first = list(changes)[::-1]
    for heading in dict.fromkeys([BREAKING, *filter(None, settings.sections.values())]):
        for change in oldest_first:
            if _heading_of(change, settings) == heading:
                section.add(heading, _entry(change))
    return section


def parse_section(body: str) -> Section:
    """Return what people wrote under a title; an entry keeps the lines that belong to it."""
    section = Section()
    entries: list[str] | None = None
    lines = body.split("\n")
    code = lines_of_code(lines)
    for number, line in enumerate(lines):
        match = HEADING.fullmatch(line)
        if match and number not in code:
            entries = section.groups.setdefault(match["heading"], [])
        elif entries is None:
            section.prose += [line] if line != NOTHING else []
        elif entries and (number in code or not line.startswith(("- ", "* ", "+ "))):
            entries[-1] += f"\n{line}"
        elif line.strip():
            entries.append(line)
    for group in section.groups.values():
        group[:] = [entry.rstrip("\n") for entry in group]
    return section


def merge(first: Section, second: Section) -> Section:
    """Return both sections' entries as one, each entry once; *first* decides the order."""
    merged = Section(prose=[*first.prose, *second.prose])
    headings = dict.fromkeys([*first.groups, *second.groups])
    if BREAKING in headings:
        headings = {BREAKING: None} | headings
    for heading in headings:
        for section in (first, second):
            for entry in section.groups.get(heading, []):
                merged.add(heading, entry)
    return merged


def lines_of_code(lines: Sequence[str]) -> set[int]:
    """Return the numbers of the lines in fenced code; a fence that nothing closes is none."""
    code: set[int] = set()
    opened, fence = 0, ""
    for number, line in enumerate(lines):
        match = FENCE.match(line)
        if match and not fence:
            opened, fence = number, match["fence"]
        elif match and match["fence"].startswith(fence):
            code.update(range(opened, number + 1))
            fence = ""
    return code


def _heading_of(change: Change, settings: Settings) -> str:
    return BREAKING if change.breaking else settings.sections.get(change.type, "")


def _entry(change: Change) -> str:
    scope = f"**{_escape(change.scope)}:** " if change.scope else ""
    entry = f"- {scope}{_escape(change.description)} ({change.commit.short_sha})"
    return f"{entry}\n  {_escape(change.note)}" if change.note else entry


def _escape(text: str) -> str:
    """Return *text* with no HTML in it: a commit message must not become markup in a page."""
    parts = CODE_SPAN.split(text)
    return "".join(part if part.startswith("`") else part.replace("<", r"\<") for part in parts)
