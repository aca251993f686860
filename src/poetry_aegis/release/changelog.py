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
CODE_SPAN = re.compile(r"((?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))")


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
    opaque = opaque_lines(lines)
    for number, line in enumerate(lines):
        match = HEADING.fullmatch(line)
        if match and number not in opaque:
            entries = section.groups.setdefault(match["heading"], [])
        elif entries is None:
            section.prose += [line] if line != NOTHING else []
        elif entries and (number in opaque or not line.startswith(("- ", "* ", "+ "))):
            entries[-1] += f"\n{line}"
        elif line.strip():
            entries.append(line)
    for group in section.groups.values():
        group[-1:] = [entry.rstrip("\n") for entry in group[-1:]]
    return section


def merge(first: Section, second: Section) -> Section:
    """Return *first* as it is, with those entries of *second* that it lacks."""
    headings = dict.fromkeys([*first.groups, *second.groups])
    if BREAKING in headings:
        headings = {BREAKING: None} | headings
    groups = {heading: list(first.groups.get(heading, [])) for heading in headings}
    merged = Section([*first.prose, *second.prose], groups)
    for heading, entries in second.groups.items():
        for entry in entries:
            merged.add(heading, entry)
    return merged


def opaque_lines(lines: Sequence[str]) -> set[int]:
    """Return the numbers of the lines in fenced code and HTML comments, which hold no Markdown.

    What nothing closes is not open.
    """
    opaque: set[int] = set()
    opened, end = 0, ""
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if end:
            closed = end in line if end == "-->" else fence and fence["fence"].startswith(end)
            if closed:
                opaque.update(range(opened, number + 1))
                end = ""
        elif fence:
            opened, end = number, fence["fence"]
        elif "<!--" in line and "-->" not in line.partition("<!--")[2]:
            opened, end = number, "-->"
    return opaque


def _heading_of(change: Change, settings: Settings) -> str:
    return BREAKING if change.breaking else settings.sections.get(change.type, "")


def _entry(change: Change) -> str:
    scope = f"**{_escape(change.scope)}:** " if change.scope else ""
    entry = f"- {scope}{_escape(change.description)} ({change.commit.short_sha})"
    return f"{entry}\n  {_escape(change.note)}" if change.note else entry


def _escape(text: str) -> str:
    """Return *text* with no HTML in it: a commit message must not become markup in a page."""
    escaped, end = "", 0
    for span in CODE_SPAN.finditer(text):
        escaped += text[end : span.start()].replace("<", "&lt;") + span.group()
        end = span.end()
    return escaped + text[end:].replace("<", "&lt;")
