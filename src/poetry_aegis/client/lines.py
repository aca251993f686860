"""Lines of files that are the user's: split and put together again without losing a byte."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BOM = "\ufeff"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# A quote may be part of it: neither INI files nor addresses mind one.
_CREDENTIAL = re.compile(r"(?<=://)(?P<secret>\S*)(?=@)")
_QUOTED = r"\"(?:\\.|[^\"\\])*\""
_NOTHING = re.compile(r"(?!)(?P<secret>)")
_SECRETS = {
    "netrc": re.compile(rf"(?<!\S)(?:password|account)\s+(?P<secret>(?:{_QUOTED}|\S)\S*)"),
    "ini": re.compile(
        r"(?im)^[ \t]*[\w.-]*(?:password|token|secret)[\w.-]*\s*[=:]\s*(?P<secret>\S.*?)[ \t\r]*$"
    ),
    # A file that holds credentials and nothing else.
    "credentials": re.compile(
        r"(?<!username)(?<!username )\s*=\s*"
        rf"(?P<secret>\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)'''|{_QUOTED}|'[^'\n]*')"
    ),
}


def split(content: bytes) -> list[str]:
    """Return the lines of *content* with their ends; what is no UTF-8 survives `join`.

    Only the three line ends that configuration files know count. Raises `AegisError` for UTF-16,
    in which nothing may be written as UTF-8.
    """
    if content.startswith(_UTF_16):
        raise AegisError(
            "The file is in UTF-16, and is left as it is.",
            hint="Save it in UTF-8, and run the command again.",
        )
    return [line.decode("utf-8", "surrogateescape") for line in content.splitlines(keepends=True)]


def join(lines: Sequence[str]) -> bytes:
    """Return what `split` has taken apart."""
    return "".join(lines).encode("utf-8", "surrogateescape")


def line_end(lines: Sequence[str]) -> str:
    """Return the line end that most of *lines* have; that of Unix where there is none."""
    windows = sum(line.endswith("\r\n") for line in lines)
    return "\r\n" if windows * 2 > sum(line.endswith("\n") for line in lines) else "\n"


def ended(lines: list[str], end: str) -> list[str]:
    """Return *lines*, the last of which ends its line, too."""
    if lines and not lines[-1].endswith(("\n", "\r")):
        return [*lines[:-1], lines[-1] + end]
    return lines


def appended(content: bytes | None, block: Sequence[str]) -> bytes:
    """Return *content* with the lines *block* after it, below an empty line of their own."""
    before = split(content or b"")
    end = line_end(before)
    before = ended(before, end)
    gap = [end] if before and before[-1].strip() else []
    return join([*before, *gap, *(line + end for line in block)])


def like(before: bytes, after: str) -> bytes:
    """Return the text *after* in UTF-8, with the line ends and the mark that *before* has."""
    if line_end(split(before)) == "\r\n":
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    mark = BOM if before.startswith(BOM.encode()) else ""
    return (mark + after).encode("utf-8")


def masked(kind: str, *texts: str) -> Iterator[str]:
    """Yield *texts* of a file of some *kind* with a mark in the place of every secret.

    Each secret has a mark of its own: two texts that differ in a secret alone still differ. Rather
    too much is hidden than too little.
    """
    marks: dict[str, str] = {}

    def hide(found: re.Match[str]) -> str:
        secret = found["secret"]
        start = found.start("secret") - found.start(0)
        return found[0][:start] + _mark(secret, marks) + found[0][start + len(secret) :]

    for text in texts:
        yield _SECRETS.get(kind, _NOTHING).sub(hide, _CREDENTIAL.sub(hide, text))


def _mark(secret: str, marks: dict[str, str]) -> str:
    if secret in marks.values():
        return secret
    number = len(marks) + 1
    return marks.setdefault(secret, "<hidden>" if number == 1 else f"<hidden {number}>")
