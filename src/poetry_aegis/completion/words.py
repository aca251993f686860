"""What can be completed: commands, their options, and what may stand in each place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT = "aegis"
LATER = " +"  # behind the name of a command: an argument of it that is not the first


@dataclass(frozen=True)
class Values:
    """What may stand in a place: one of *choices*, a file, or what nobody can know."""

    choices: tuple[str, ...] = ()
    is_file: bool = False


FREE = Values()
FILE = Values(is_file=True)


@dataclass(frozen=True)
class Word:
    """Something to complete: *text*, and what it is for. An option may want a *value*."""

    text: str
    description: str
    value: Values | None = None


@dataclass(frozen=True)
class Entry:
    """A command by its *name*, ``aegis server start``: what it does, and what it takes.

    *argument* is what its argument may be, ``None`` where it has none; *repeats* where there may be
    several of them.
    """

    name: str
    description: str
    options: tuple[Word, ...] = ()
    argument: Values | None = None
    repeats: bool = False


def words_below(entries: Iterable[Entry], name: str) -> tuple[Word, ...]:
    """Return the next words of those commands that begin with *name*."""
    found: dict[str, Word] = {}
    for entry in entries:
        rest = entry.name.removeprefix(f"{name} ")
        if rest == entry.name:
            continue
        word = rest.split()[0]
        if word not in found or rest == word:  # A group tells more than the first command in it.
            found[word] = Word(word, entry.description)
    return tuple(found.values())


def texts(words: Iterable[Word]) -> str:
    """Return *words* as one of the shell's lists, without what they are for."""
    return " ".join(word.text for word in words)


def places(entries: Iterable[Entry]) -> Iterator[tuple[str, Values]]:
    """Yield each place of a value, as the scripts call it, and what may stand there.

    That is a command's name for its first argument, with `LATER` for the next ones, and with an
    option for the value of that.
    """
    for entry in entries:
        if entry.argument is not None:
            yield entry.name, entry.argument
            if entry.repeats:
                yield f"{entry.name}{LATER}", entry.argument
        for word in entry.options:
            if word.value is not None:
                yield f"{entry.name} {word.text}", word.value


def paths(entries: Iterable[Entry]) -> str:
    """Return a pattern of the shell's for the commands below the first."""
    return pattern(entry.name for entry in entries if " " in entry.name)


def taking(entries: Iterable[Entry]) -> str:
    """Return a pattern of the shell's for a command and an option of it that wants a value."""
    return pattern(taking_options(entries))


def taking_options(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield each command with an option of it that wants a value."""
    for entry in entries:
        for word in entry.options:
            if word.value is not None:
                yield f"{entry.name} {word.text}"


def files(entries: Iterable[Entry]) -> str:
    """Return a pattern of the shell's for the places of files."""
    return pattern(place for place, values in places(entries) if values.is_file)


def choices(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """Yield a pattern of the shell's for places of the same choices, and those as a list."""
    found: dict[tuple[str, ...], list[str]] = {}
    for place, values in places(entries):
        if values.choices:
            found.setdefault(values.choices, []).append(place)
    for same, where in found.items():
        yield pattern(where), " ".join(same)


def pattern(names: Iterable[str]) -> str:
    """Return a pattern of the shell's that is any of *names*."""
    return "|".join(f"'{name}'" for name in names) or "''"


def line(text: str) -> str:
    """Return *text* without cleo's tags, on one line."""
    return " ".join(re.sub(r"</?[a-z0-9]*>", "", text).split())


def blanks(entries: Sequence[Entry]) -> dict[str, str]:
    """Return what goes into each script that goes through a command line word by word."""
    return {
        "root": ROOT,
        "later": LATER,
        "paths": paths(entries),
        "taking": taking(entries),
        "files": files(entries),
    }


def cases(entries: Sequence[Entry], template: str) -> str:
    """Return *template*, a case of the shell's, for all `choices`."""
    return "\n".join(
        template % {"places": where, "values": same} for where, same in choices(entries)
    )
