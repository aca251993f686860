"""Whether what was printed is what a page shows, but for what is different each time."""

from __future__ import annotations

import difflib
import re
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ANYTHING = "..."
# Files are sent several at a time, and told of as they arrive.
FILE = re.compile(r" +\S+\.(?:whl|tar\.gz) (?:uploaded|skipped|signed)")
# A row of `server status`, and its head: what follows the health is different each time.
SERVICE = re.compile(
    r"^(SERVICE +STATE +HEALTH|\S+ +running +\S+) +\S+ +(?:UPTIME|\d.*s) +(?:CPU|\d\S*%) +\S+$"
)
DIFFERENT_EACH_TIME = [
    (re.compile(r"(?<=\bpassword )\s*\S+(?=  \(shown only)"), "PASSWORD"),
    (re.compile(r"(?<=\baegis_[0-9a-f]{12}_)\S+"), "SECRET"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{16}\b"), "KEY"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{40}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{7}\b"), "COMMIT"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DATE"),
    (re.compile(r"\b\d\d:\d\d(?::\d\d)?\b"), "TIME"),
    (re.compile(r"(?<=\(pid )\d+(?=\))|(?<=  pid          )\d+"), "PID"),
    (re.compile(r"(?<=  uptime       ).+"), "UPTIME"),
    (re.compile(r"(?<=  version  ) *\d\S+|(?<=Docker Compose )\S+"), "VERSION"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:[KMG]i)?B\b|\b\d+ bytes\b"), "SIZE"),
    (SERVICE, r"\1 VERSION UPTIME CPU MEMORY"),
    (re.compile(r"^.*\bKilled\b.*$"), "Killed"),
    (re.compile(r"^@@ .* @@"), "@@ @@"),
]


def likened(text: str) -> list[str]:
    """Return the lines of *text* with a word in the place of what is different each time."""
    lines = []
    for line in text.strip("\n").splitlines():
        for pattern, word in DIFFERENT_EACH_TIME:
            line = pattern.sub(word, line)  # noqa: PLW2901
        lines.append(line.rstrip())
    return [line for run in _runs(lines) for line in run]


def _runs(lines: list[str]) -> Iterator[list[str]]:
    """Yield *lines* in runs: what is sent at a time, in the order of names, and single lines."""
    for about_a_file, found in groupby(lines, lambda line: FILE.match(line) is not None):
        run = list(found)
        yield sorted(run) if about_a_file else run


def difference(shown: str, printed: str, *, of_the_last: bool = False) -> str:
    """Return how *printed* differs from what a page has *shown*, empty where it does not.

    A line ``...`` on the page stands for any lines. With *of_the_last* the page shows what the last
    of several commands prints: what comes before it is not looked at.
    """
    wanted, found = likened(shown), likened(printed)
    if _matches([ANYTHING, *wanted] if of_the_last else wanted, found):
        return ""
    lines = difflib.unified_diff(wanted, found, "the page", "what was printed", lineterm="")
    return "\n".join(lines)


def _matches(wanted: list[str], found: list[str]) -> bool:
    pattern = "".join(
        r"(?:.*\n)*?" if line == ANYTHING else f"{re.escape(line)}\\n" for line in wanted
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in found)) is not None
