"""Sentences that break between words, where a terminal would break them anywhere.

Only what a terminal shows is broken. A pipe, a file and a pipeline's log get each line as it is.
"""

from __future__ import annotations

import os
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo.io.outputs.output import Output

_NARROWEST = 30  # columns; below that nothing is won
_TAG = re.compile(r"(?<!\\)<(?:[a-zA-Z][^<>]*|/[^<>]*)>")  # cleo's
_PROGRAMS = (
    "poetry|git|pip|pipx|python|python3|uv|twine|docker|sudo|systemctl|unset|export|env|kill|"
    "chmod|chown|mv|rm|cp|ln|mkdir|gpg|openssl|curl|make"
)
# What is to be copied: it stands at the beginning or after a colon, goes on to the end, and is no
# sentence. Broken by the terminal alone, it is still copied as one line.
_TO_COPY = re.compile(
    rf"(?:^ *|(?<=: ))(?:[A-Z_]+=\S+ )*(?:(?:{_PROGRAMS}) |[A-Z_]+=\S+$|[^ ]+ --)\S.*(?<!\.)$"
    r"|<c1>.*?</(?:c1)?>"
)
_BREAK = re.compile(r"(?<=\S) (?=\S)")  # more than one space is between columns
_COLUMN = re.compile(r"(?<=\S)  +(?=\S)")


def fitted(message: str, output: Output) -> str:
    """Return *message* as *output* shows it best: in the terminal's width, if it is one.

    It may hold cleo's tags. Commands that are to be copied stay in one piece.
    """
    width = width_of(output)
    if width is None:
        return message
    return "\n".join(fit(line, width) for line in message.split("\n"))


def width_of(output: Output) -> int | None:
    """Return how many columns the terminal has that *output* goes to, ``None`` if it is none."""
    from poetry_aegis.release.history.pipelines import is_pipeline

    if is_pipeline(os.environ):
        return None  # Its log is a file, even where it is a terminal.
    try:
        columns = os.get_terminal_size(output.stream.fileno()).columns  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return None
    return columns if columns >= _NARROWEST else None


def fit(line: str, width: int) -> str:
    """Return *line* in lines of *width*, each after the first below the last column of it."""
    if columns_of(line) <= width:
        return line
    margin = " " * _margin(line, width)
    first, *rest = _pieces(line)
    lines = [first]
    for piece in rest:
        longer = f"{lines[-1]} {piece}"
        if columns_of(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(f"{margin}{piece}")
    return "\n".join(lines)


def _pieces(line: str) -> list[str]:
    """Return *line* in its words, with those in one piece that are to stay together."""
    kept = [found.span() for found in _TO_COPY.finditer(line)]
    pieces, begin = [], 0
    for found in _BREAK.finditer(line):
        end = found.start()
        if not any(first <= end < last for first, last in kept):
            pieces.append(line[begin:end])
            begin = found.end()
    return [*pieces, line[begin:]]


def _margin(line: str, width: int) -> int:
    """Return where the last column of *line* begins, if it is one of several and has room."""
    gaps = [columns_of(line[: found.end()]) for found in _COLUMN.finditer(line)]
    if gaps and gaps[-1] <= width * 2 // 3:
        return gaps[-1]
    indent = len(line) - len(line.lstrip(" "))
    return indent + 2 if indent else 0


def columns_of(text: str) -> int:
    """Return how wide a terminal shows *text*."""
    shown = _TAG.sub("", text).replace("\\<", "<")
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in shown
    )
