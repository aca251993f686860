"""The script for fish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.completion.words import LATER, ROOT, line, taking_options, words_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from poetry_aegis.completion.words import Entry, Values


def script(entries: Sequence[Entry]) -> str:
    """Return the script that completes *entries*."""
    head = _SCRIPT % {
        "root": ROOT,
        "later": LATER,
        "names": _list(entry.name for entry in entries),
        "taking": _list(taking_options(entries)),
    }
    return head + "\n".join(_lines(entries)) + "\n"


def _lines(entries: Sequence[Entry]) -> Iterator[str]:
    if root := next((entry for entry in entries if entry.name == ROOT), None):
        yield (
            "complete -c poetry -f -n '__fish_is_first_token' "
            f"-a {ROOT} -d {_quoted(root.description)}"
        )
    for entry in entries:
        first = f"complete -c poetry -n '__poetry_aegis_at \"{entry.name}\"'"
        later = f"complete -c poetry -n '__poetry_aegis_at \"{entry.name}{LATER}\"'"
        for word in words_below(entries, entry.name):
            yield f"{first} -f -a {word.text} -d {_quoted(word.description)}"
        if entry.argument is not None:
            yield f"{first} {_values(entry.argument)}"
        if entry.argument is not None and entry.repeats:
            yield f"{later} {_values(entry.argument)}"
        yield from _option_lines(entry)


def _option_lines(entry: Entry) -> Iterator[str]:
    within = f"complete -c poetry -n '__poetry_aegis_in \"{entry.name}\"'"
    for word in entry.options:
        needs = "" if word.value is None else f" -r {_values(word.value)}"
        kind = "-l" if word.text.startswith("--") else "-s"
        name = word.text.lstrip("-")
        yield f"{within}{needs} {kind} {name} -d {_quoted(word.description)}"


def _values(values: Values) -> str:
    """Return what makes fish offer *values*: files too, or no files."""
    if values.is_file:
        return "-F"
    return f"-f -a '{' '.join(values.choices)}'" if values.choices else "-f"


def _quoted(text: str) -> str:
    escaped = line(text).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _list(names: Iterable[str]) -> str:
    return " ".join(f"'{name}'" for name in names)


_SCRIPT = """\
# Completes the commands of poetry aegis, in fish. Written by: poetry aegis completions fish

set -g __poetry_aegis_names %(names)s
set -g __poetry_aegis_taking %(taking)s

# Prints the command at the cursor; behind its first argument, with "%(later)s" after it.
function __poetry_aegis_place
    set -l name
    set -l later
    set -l option
    for word in (commandline -opc)[2..-1]
        if test -z "$name"
            test "$word" = %(root)s; and set name $word
        else if test -n "$option"
            set option # This was its value.
        else if string match -q -- '-*' $word
            contains -- "$name $word" $__poetry_aegis_taking; and set option $word
        else if contains -- "$name$later $word" $__poetry_aegis_names
            set name "$name $word"
        else
            set later '%(later)s'
        end
    end
    test -n "$name"; and echo "$name$later"
end

function __poetry_aegis_at
    set -l place (__poetry_aegis_place)
    test "$place" = "$argv[1]"
end

function __poetry_aegis_in
    set -l place (__poetry_aegis_place)
    contains -- "$place" "$argv[1]" "$argv[1]%(later)s"
end

function __poetry_aegis_anywhere
    set -l place (__poetry_aegis_place)
    test -n "$place"
end

# Files are offered where one is asked for, and nowhere else.
complete -c poetry -f -n __poetry_aegis_anywhere

"""
