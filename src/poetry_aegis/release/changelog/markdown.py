"""Markdown as a changelog needs it: what of a text is structure, and text that cannot become any.

The rules are those of CommonMark (https://spec.commonmark.org/0.31.2/) with GitHub's tables.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")

FENCE = re.compile(r"[ \t]*(?P<fence>`{3,}|~{3,})(?P<info>.*)", re.DOTALL)
COMMENT, DETAILS = "-->", "</details>"

BACKTICKS = re.compile(r"`+")
TOKEN = re.compile(r"\\[!-/:-@\[-`{-~]|`+|[^\\`]+|\\")
# At the start of a line these open a block: a heading, a quote, a list, a fence, a link
# definition, a box to tick; a line of nothing else makes a heading, a rule or a table.
BLOCK = re.compile(r"#{1,6}(?:\s|$)|>|[-+*](?:\s|$)|~~~|\[[^\]]*\]:|\[[ xX]\]\s|[-=_*|:\s]+$")
NUMBERED = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
LINK = re.compile(r"\]\((?!https?://)")
# Control characters, and those that turn the direction of the text after them.
INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
# Most of what commits say: starts with a letter, and holds nothing that Markdown knows but code.
NO_TEXT = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
WORDS = rf"[^\\`<\[\]{NO_TEXT}]*"
PLAIN = re.compile(rf"[^\W\d_]{WORDS}(?:`[^`{NO_TEXT}]+`(?!`){WORDS})*")
SPECIAL = re.compile(r"[\\`<\[\]]")


def lines_of(text: str) -> list[str]:
    """Return the lines of *text*, each with its own ending, whichever of the three it is."""
    return LINE.findall(text)


def escape(text: str) -> str:
    """Return *text* as Markdown that stays within its line and the list item around it.

    Emphasis, code and links to web pages stay what they are. There is no HTML in it, no other kind
    of link, no image, no backtick that could pair with one that follows, and nothing that starts a
    heading, a list or any other block.
    """
    if not text or PLAIN.fullmatch(text):
        return text
    text = INVISIBLE.sub("", " ".join(text.split()))
    if SPECIAL.search(text):
        text = "".join(_escape_parts(text))
    if BLOCK.match(text):
        return f"\\{text}"
    number = NUMBERED.match(text)
    return f"{number[1]}\\{text[number.end(1) :]}" if number else text


def opaque_lines(lines: Sequence[str], *, details: bool = True) -> set[int]:
    """Return the numbers of the *lines* that hold no structure of the changelog.

    Those are fenced code, HTML comments and, with *details*, ``<details>`` blocks. What nothing
    closes is not open.
    """
    opaque: set[int] = set()
    never_closed: set[str] = set()
    number = 0
    while number < len(lines):
        end = _opened_by(lines[number], details=details)
        last = None
        if end and end not in never_closed:
            last = _last_line(end, lines, number)
            never_closed.update({end} if last is None else ())
        if last is not None:
            opaque.update(range(number, last + 1))
        number = number + 1 if last is None else last + 1
    return opaque


def _opened_by(line: str, *, details: bool) -> str:
    """Return what ends the block that *line* opens, nothing where it opens none."""
    fence = FENCE.match(line)
    if fence and not (fence["fence"][0] == "`" and "`" in fence["info"]):
        return fence["fence"]
    if "<!--" in line and COMMENT not in line.rpartition("<!--")[2]:
        return COMMENT
    return DETAILS if details and line.lstrip()[:8].lower() == "<details" else ""


def _last_line(end: str, lines: Sequence[str], start: int) -> int | None:
    """Return the line that closes the block opened at *start*, ``None`` where nothing does."""
    depth = 0
    for number in range(start, len(lines)):
        line = lines[number]
        if end == DETAILS:
            depth += line.lower().count("<details") - line.lower().count(DETAILS)
            if depth <= 0:
                return number
        elif number > start and _closes(end, line):
            return number
    return None


def _closes(end: str, line: str) -> bool:
    if end == COMMENT:
        return COMMENT in line
    fence = FENCE.match(line)
    return bool(fence and fence["fence"].startswith(end) and not fence["info"].strip())


def _escape_parts(text: str) -> Iterator[str]:
    """Yield *text* part by part: code as it is, a backtick that opens none escaped."""
    runs = _backticks(text)
    position = 0
    while position < len(text):
        token = TOKEN.match(text, position)
        assert token is not None  # noqa: S101 - its four branches know every character
        part, position = token.group(), token.end()
        if part[0] != "`":
            yield _escape_prose(part)
            continue
        starts = runs.get(len(part), [])
        closing = bisect_left(starts, position)
        if closing == len(starts):
            yield part.replace("`", "\\`")
        else:
            end = starts[closing] + len(part)
            yield part + text[position:end]
            position = end


def _backticks(text: str) -> dict[int, list[int]]:
    """Return where the runs of backticks in *text* start, by their length."""
    runs: dict[int, list[int]] = {}
    for run in BACKTICKS.finditer(text):
        runs.setdefault(len(run.group()), []).append(run.start())
    return runs


def _escape_prose(text: str) -> str:
    return LINK.sub(r"]\\(", text.replace("<", "&lt;").replace("![", r"!\["))
