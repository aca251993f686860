"""What of a page is to be run: its blocks of shell, in their order, with what they print."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?P<language>\S*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
SHELL = {"sh", "bash", "shell"}
PROMPT = "$ "


@dataclass(frozen=True)
class Block:
    """Commands that stand on a page, and the output that the page shows, if it does."""

    page: str
    heading: str
    line: int
    language: str
    code: str
    output: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What a table names the block by: page, heading and first line of the code."""
        return self.page, self.heading, self.code.partition("\n")[0]

    def __str__(self) -> str:
        return f"{self.page}:{self.line} ({self.heading})"


def blocks(page: Path, until: str | None = None) -> list[Block]:
    """Return the blocks of *page*: shell, each with its output, and files to be written.

    With *until* those before the heading of that name alone; the page has to have it.
    """
    text = page.read_text(encoding="utf-8")
    if until is not None:
        end = re.search(rf"^#+ {re.escape(until)}$", text, re.MULTILINE)
        assert end, f"{page.name} has no heading {until!r}"
        text = text[: end.start()]
    return list(_blocks(text, page.relative_to(ROOT).as_posix()))


def _blocks(text: str, page: str) -> Iterator[Block]:
    before: Block | None = None
    end = 0
    for fence in FENCE.finditer(text):
        code, language = fence["code"], fence["language"]
        follows = before is not None and not text[end : fence.start()].strip()
        end = fence.end()
        if before is not None and before.language in SHELL and follows and language == "text":
            yield _with_output(before, code)
            before = None
            continue
        if before is not None:
            yield before
        line = text.count("\n", 0, fence.start()) + 1
        before = Block(page, _heading(text, fence.start()), line, language, code)
        if language == "console":
            yield from _session(before)
            before = None
    if before is not None:
        yield before


def _heading(text: str, end: int) -> str:
    outside_of_code = FENCE.sub(lambda found: "\n" * found[0].count("\n"), text[:end])
    titles = HEADING.findall(outside_of_code)
    return str(titles[-1]) if titles else ""


def _with_output(block: Block, output: str) -> Block:
    return Block(block.page, block.heading, block.line, block.language, block.code, output)


def _session(block: Block) -> Iterator[Block]:
    """Yield each command of a session at a prompt, with what is printed below it."""
    number = block.line
    for part in re.split(r"^(?=\$ )", block.code, flags=re.MULTILINE):
        number += 1
        if part.startswith(PROMPT):
            command, _, output = part.removeprefix(PROMPT).partition("\n")
            yield Block(block.page, block.heading, number, "sh", f"{command}\n", output)
        number += part.count("\n") - 1
