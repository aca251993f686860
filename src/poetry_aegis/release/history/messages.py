"""The grammar of a commit message: its paragraphs, its header, its footers, its squashed parts.

Conventional Commits 1.0.0, https://www.conventionalcommits.org/en/v1.0.0/ ; footers are git
trailers in the last paragraphs, so a line of prose that looks like a commit changes nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

HEADER = re.compile(
    r"(?P<type>[^\W\d_][\w-]*)(?:\((?P<scope>[^()]+)\))?(?P<breaking>!)?: +(?P<description>\S.*)"
)
# The text of a breaking change may start on the next line; other footers have theirs beside them.
FOOTER = re.compile(
    r"(?P<breaking>BREAKING[ -]CHANGE)(?::| #)(?P<note>.*)"
    r"|(?P<token>[A-Za-z][A-Za-z0-9-]*)(?:: | #)(?P<value>.*\S.*)"
)
BREAKING_TOKENS = ("BREAKING CHANGE", "BREAKING-CHANGE")
BULLET = re.compile(r"[ \t]{0,3}[*+-][ \t]+")


def paragraphs_of(message: str) -> list[list[str]]:
    """Return the paragraphs of *message*, each a list of its lines, of any line ending."""
    message = message.strip()
    if "\n" not in message and "\r" not in message:
        return [[message]] if message else []
    paragraphs: list[list[str]] = []
    current: list[str] = []
    for line in _lines(message):
        if line:
            current.append(line)
        elif current:
            paragraphs.append(current)
            current = []
    return [*paragraphs, current] if current else paragraphs


def subject_of(message: str) -> str:
    """Return the first paragraph of *message* in one line, as git shows it."""
    return " ".join(next(iter(paragraphs_of(message)), []))


def footers_of(paragraphs: Sequence[list[str]]) -> tuple[tuple[str, str], ...]:
    """Return the footers that end *paragraphs* as (token, value) pairs.

    A value may run over several lines, here in one.
    """
    footers: list[tuple[str, list[str]]] = []
    for line in _footer_lines(paragraphs):
        match = FOOTER.fullmatch(line)
        if match:
            token, value = match["breaking"] or match["token"], match["note"] or match["value"]
            footers.append((token, [(value or "").strip()]))
        elif footers:
            footers[-1][1].append(line.strip())
    return tuple((token, " ".join(value).strip()) for token, value in footers)


def unsquash(message: str, types: Collection[str]) -> list[str]:
    """Return the messages that the squashed commit *message* is made of, its own subject first.

    Each starts at a bullet (``* feat: x``) or at a line of its own; only one of the known *types*
    starts one, and a line in the middle of prose never does. A bullet of another kind (``* typo``)
    ends one, but for the footers that follow: whatever broke, nobody may miss it. One piece:
    nothing was squashed.
    """
    lines = _lines(message.strip())
    starts = set(_starts(lines, types))
    pieces: list[list[str]] = [[]]
    mark, ended = "", False
    for number, line in enumerate(lines):
        bullet = BULLET.match(line)
        # What belongs to a bullet is indented below it; footers stand at the margin.
        text = line.strip() if len(pieces) > 1 else line
        if number in starts:
            mark, ended = bullet[0] if bullet else "", False
            pieces.append([line.removeprefix(mark)])
        elif bullet and bullet[0] == mark:
            ended = True
        elif FOOTER.fullmatch(text) if ended else bullet and mark and len(pieces[-1]) == 1:
            pieces[-1] += ["", text]
            ended = False
        elif not ended:
            pieces[-1].append(text)
    return ["\n".join(piece) for piece in pieces]


def _starts(lines: Sequence[str], types: Collection[str]) -> Iterator[int]:
    """Yield the numbers of the lines below the subject at which a squashed message starts."""
    paragraph_starts = True
    for number, line in enumerate(lines):
        bullet = BULLET.match(line)
        header = HEADER.fullmatch(line, bullet.end() if bullet else 0)
        known = header is not None and header["type"].lower() in types
        if number and known and (bullet or paragraph_starts):
            yield number
        # A list of headers, one per line, goes on; prose does not become one.
        paragraph_starts = not line or (paragraph_starts and known)


def _lines(message: str) -> list[str]:
    if "\r" in message:
        message = message.replace("\r\n", "\n").replace("\r", "\n")
    return [line.rstrip() for line in message.split("\n")]


def _footer_lines(paragraphs: Sequence[list[str]]) -> list[str]:
    """Return the lines from the first footer on.

    Footers begin where every paragraph that follows starts with one, or at a paragraph that starts
    with ``BREAKING CHANGE:``, whose text may itself have paragraphs (rule 10 of the specification).
    """
    start = len(paragraphs)
    while start and FOOTER.fullmatch(paragraphs[start - 1][0]):
        start -= 1
    for index, paragraph in enumerate(paragraphs[:start]):
        if paragraph[0].startswith(BREAKING_TOKENS) and FOOTER.fullmatch(paragraph[0]):
            start = index
            break
    return [line for paragraph in paragraphs[start:] for line in paragraph]
