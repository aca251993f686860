"""Commit messages read by Conventional Commits 1.0.0.

https://www.conventionalcommits.org/en/v1.0.0/ ; footers are git trailers in the last paragraphs,
so a line of prose that looks like a commit changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER = re.compile(
    r"(?P<type>[^\W\d_][\w-]*)(?:\((?P<scope>[^()]+)\))?(?P<breaking>!)?: +(?P<description>\S.*)"
)
# The text of a breaking change may start on the next line; other footers have theirs beside them.
FOOTER = re.compile(
    r"(?P<breaking>BREAKING[ -]CHANGE):(?P<note>.*)"
    r"|(?P<token>[A-Za-z][A-Za-z0-9-]*)(?:: | #)(?P<value>.*\S.*)"
)
BREAKING_TOKENS = ("BREAKING CHANGE", "BREAKING-CHANGE")


@dataclass(frozen=True)
class Commit:
    """A commit as git tells of it. *date* is ISO 8601, *message* the whole of it."""

    sha: str
    author: str
    date: str
    message: str

    @property
    def short_sha(self) -> str:
        """The first seven digits of the id."""
        return self.sha[:7]


@dataclass(frozen=True)
class Change:
    """A conventional commit, taken apart.

    *note* is what a ``BREAKING CHANGE:`` footer says; *footers* are (token, value) pairs.
    """

    commit: Commit
    type: str
    scope: str | None
    description: str
    breaking: bool = False
    note: str | None = None
    footers: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the change as ``--json`` prints it."""
        return {
            "sha": self.commit.sha,
            "type": self.type,
            "scope": self.scope,
            "description": self.description,
            "breaking": self.breaking,
            "author": self.commit.author,
            "date": self.commit.date,
        }


def parse(commit: Commit) -> Change | None:
    """Return *commit* as a change, ``None`` where its message is not a conventional one."""
    paragraphs = _paragraphs(commit.message)
    if not paragraphs:
        return None
    header = HEADER.fullmatch(" ".join(paragraphs[0]))
    if header is None:
        return None
    footers = _footers(paragraphs[1:])
    notes = [value for token, value in footers if token in BREAKING_TOKENS]
    return Change(
        commit=commit,
        type=header["type"].lower(),
        scope=header["scope"].strip() if header["scope"] else None,
        description=header["description"].strip(),
        breaking=bool(header["breaking"] or notes),
        note=notes[0] if notes else None,
        footers=tuple(footers),
    )


def _paragraphs(message: str) -> list[list[str]]:
    """Return the paragraphs of *message*, each a list of its lines, of any line ending."""
    lines = [
        line.rstrip() for line in message.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ]
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return [paragraph for paragraph in paragraphs if paragraph]


def _footers(paragraphs: list[list[str]]) -> list[tuple[str, str]]:
    """Return the footers at the end of *paragraphs*; a value may run over several lines."""
    footers: list[tuple[str, list[str]]] = []
    for line in _footer_lines(paragraphs):
        match = FOOTER.fullmatch(line)
        if match:
            token, value = match["breaking"] or match["token"], match["note"] or match["value"]
            footers.append((token, [(value or "").strip()]))
        elif footers:
            footers[-1][1].append(line.strip())
    return [(token, " ".join(value).strip()) for token, value in footers]


def _footer_lines(paragraphs: list[list[str]]) -> list[str]:
    """Return the lines from the first footer on.

    Footers begin where every paragraph that follows starts with one, or at a paragraph that starts
    with ``BREAKING CHANGE:``, whose text may itself have paragraphs (rule 10 of the specification).
    """
    start = len(paragraphs)
    while start and FOOTER.fullmatch(paragraphs[start - 1][0]):
        start -= 1
    for index, paragraph in enumerate(paragraphs[:start]):
        if FOOTER.fullmatch(paragraph[0]) and paragraph[0].startswith(BREAKING_TOKENS):
            start = index
            break
    return [line for paragraph in paragraphs[start:] for line in paragraph]
