"""INI files, changed line by line: a parser that writes would drop comments and order."""

from __future__ import annotations

import configparser
import locale
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.client import lines as text
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SECTION = re.compile(r"\[(?P<name>.+)\]")
_OPTION = re.compile(r"(?P<name>.*?)\s*[=:]\s*(?P<value>.*)$")


@dataclass(frozen=True)
class _Item:
    """A section's header, with an empty *name*, or an option: from line *start* up to *stop*."""

    section: str
    name: str
    start: int
    stop: int


def values(content: bytes) -> dict[tuple[str, str], str]:
    """Return the values in *content*, each under its section and name.

    Names are in lower case and with ``-`` for ``_``, as pip reads them. Raises `AegisError`.
    """
    parser = configparser.RawConfigParser()
    try:
        parser.read_string("".join(text.split(content)).removeprefix(text.BOM))
    except configparser.Error as error:
        raise AegisError(
            "It is no configuration file that can be read: "
            f"{type(error).__name__}{_place_of(error)}.",
            hint="Mend it by hand; nothing was changed.",
        ) from None
    return {
        (section, normal(name)): value
        for section in [configparser.DEFAULTSECT, *parser.sections()]
        for name, value in _own_options(parser, section)
    }


def decodable(content: bytes) -> bytes:
    """Return *content*. Raises `AegisError` where pip and twine could not decode it.

    They read their files in the encoding of this machine, and take no mark of UTF-8 before it.
    """
    if content.startswith(text.BOM.encode()):
        raise AegisError(
            "It begins with a byte order mark: look at line 1.",
            hint="Save it without that mark; nothing was changed.",
        )
    try:
        content.decode(locale.getpreferredencoding(do_setlocale=False))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise AegisError(
            f"It is not in {error.encoding.upper()}: look at line {line}.",
            hint="Mend it by hand; nothing was changed.",
        ) from None
    return content


def _place_of(error: configparser.Error) -> str:
    """Return the line that *error* is about, where the parser tells."""
    several: list[tuple[int, str]] = getattr(error, "errors", [])
    line = getattr(error, "lineno", None) or (several[0][0] if several else None)
    return "" if line is None else f" in line {line}"


def _own_options(parser: configparser.RawConfigParser, section: str) -> Iterator[tuple[str, str]]:
    """Yield the options that stand in *section* itself; the empty one tells that it is there."""
    if section == configparser.DEFAULTSECT:
        yield from parser.defaults().items()
        return
    yield "", ""
    for name, value in parser.items(section):
        if name not in parser.defaults() or parser.defaults()[name] != value:
            yield name, value


def normal(name: str) -> str:
    """Return the spelling of an option's *name* that all others are compared in."""
    return name.strip().lower().replace("_", "-")


def with_options(content: bytes | None, section: str, options: Mapping[str, str]) -> bytes:
    """Return *content* with *options* set in *section*, and not a byte else changed.

    An option that has its value already keeps its line. A value of several lines is written with
    all but the first indented. Raises `AegisError`, also where the file is built so that its lines
    cannot be changed one by one.
    """
    before = values(content or b"")
    found = text.split(content or b"")
    for name, value in options.items():
        if _folded(before.get((section, normal(name)), "")) != _folded(value):
            found = _set(found, section, name, value)
    after = text.join(found)
    _require_only(before, values(after), section, options)
    return after


def _set(found: list[str], section: str, name: str, value: str) -> list[str]:
    end = text.line_end(found)
    written = f"{name} = {value}".replace("= \n", "=\n").replace("\n", end) + end
    items = list(_scan(found))
    own = [item for item in items if item.section == section]
    if not own:
        return [*text.split(text.appended(text.join(found), [f"[{section}]"])), written]
    for item in own:
        if item.name and normal(item.name) == normal(name):
            return [*found[: item.start], written, *found[item.stop :]]
    place = own[-1].stop
    above = text.ended(found[:place], end)
    indent = _indent(found[own[-1].start]) if own[-1].name else ""
    return [*above, indent + written, *found[place:]]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _scan(found: Sequence[str]) -> Iterator[_Item]:
    """Yield the headers and options of a file as ``configparser`` sees them."""
    section, name, start, stop, level = "", "", 0, 0, 0
    held = False
    for number, line in enumerate(found):
        bare = line.removeprefix(text.BOM) if number == 0 else line
        stripped = bare.strip()
        if not stripped or stripped.startswith(("#", ";")):
            continue
        indent = len(bare) - len(bare.lstrip())
        if held and name and indent > level:
            stop = number + 1
            continue
        if held:
            yield _Item(section, name, start, stop)
        level, start, stop, held = indent, number, number + 1, True
        section, name = _named(stripped, section)
    if held:
        yield _Item(section, name, start, stop)


def _named(stripped: str, section: str) -> tuple[str, str]:
    header = _SECTION.match(stripped)
    if header:
        return header["name"], ""
    option = _OPTION.match(stripped)
    return section, option["name"] if option else stripped


def _require_only(
    before: Mapping[tuple[str, str], str],
    after: Mapping[tuple[str, str], str],
    section: str,
    options: Mapping[str, str],
) -> None:
    """Raise `AegisError` unless *after* is *before* with *options* in *section*."""
    set_now = {(section, normal(name)): value for name, value in options.items()}
    wanted = {**before, (section, ""): "", **set_now}
    if {key: _folded(value) for key, value in wanted.items()} != {
        key: _folded(value) for key, value in after.items()
    }:
        lines = "\n".join(f"{name} = {value}" for name, value in options.items())
        (lines,) = text.masked("ini", lines)
        raise AegisError(
            "The file is written so that it cannot be changed without harm.",
            hint=f"Write it there yourself:\n[{section}]\n{lines}",
        )


def _folded(value: str) -> list[str]:
    """Return the lines of a value, however far each is indented."""
    return [line.strip() for line in value.strip().split("\n")]
