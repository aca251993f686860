"""The help of a command as Markdown: its sentences, and the examples among them."""

from __future__ import annotations

import re
import textwrap

WIDTH = 100
EXAMPLE = re.compile(r"^ {2}<c1>(?P<line>(?:poetry|ssh) [^<]*)</c1>(?: {2,}(?P<comment>\S.*))?$")
EXAMPLES = re.compile(r"^<b>Examples:</b>\n+(?P<lines>(?: {2}.*\n?)+)", re.MULTILINE)


class Help:
    """The help of one command, as Markdown.

    *prose* is all of it but what stands below "Examples:"; that is *examples*. *all_examples* are
    the lines to copy wherever they stand, for a page whose prose is another.
    """

    def __init__(self, text: str) -> None:
        text = text.replace("{{", "{").replace("}}", "}")
        self.prose = "\n\n".join(_blocks(EXAMPLES.sub("", text)))
        self.examples = "\n\n".join(_blocks("".join(m["lines"] for m in EXAMPLES.finditer(text))))
        self.all_examples = _code([line for line in text.splitlines() if _to_copy(line)])


def _to_copy(line: str) -> bool:
    """Tell whether *line* is an example as it stands, with nothing left out of it."""
    found = EXAMPLE.match(line)
    return found is not None and "..." not in found["line"]


def _blocks(text: str) -> list[str]:
    """Return paragraphs and listings; what is indented is a listing."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        runs: list[list[str]] = []
        for line in block.splitlines():
            if not runs or line.startswith("  ") != runs[-1][0].startswith("  "):
                runs.append([])
            runs[-1].append(line)
        blocks += [_code(run) if run[0].startswith("  ") else _paragraph(run) for run in runs]
    return blocks


def _code(lines: list[str]) -> str:
    """Return a listing: of shell where each line is one to copy, else of text."""
    if not lines:
        return ""
    if not all(_to_copy(line) for line in lines):
        return "\n".join(["```text", *(_untagged(line)[2:] for line in lines), "```"])
    found = [match for line in lines if (match := EXAMPLE.match(line))]
    width = max(len(match["line"]) for match in found) + 2
    shown = [
        f"{match['line']:<{width}}# {match['comment']}" if match["comment"] else match["line"]
        for match in found
    ]
    return "\n".join(["```sh", *shown, "```"])


def _paragraph(lines: list[str]) -> str:
    text = re.sub(r"<c1>(.*?)</c1>", r"`\1`", " ".join(line.strip() for line in lines))
    # What is no link must not look like one.
    text = re.sub(r"(?<!`)(\[[\w.-]+\])(?!`)", r"`\1`", _untagged(text))
    return wrapped(text)


def wrapped(text: str) -> str:
    """Return *text* in lines that can be read in an editor."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _untagged(line: str) -> str:
    return re.sub(r"</?(?:c1|b)>", "", line)
