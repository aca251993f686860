"""Scripts that let a shell complete ``poetry aegis``: its subcommands and their options.

Poetry's own scripts know no command of several words in bash and zsh. These know all of them, leave
everything else to Poetry's where those are loaded, and start no Poetry while somebody types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = "aegis"


@dataclass(frozen=True)
class Word:
    """Something to complete: *text*, and what it is for. Options that *takes_value* want a word."""

    text: str
    description: str
    takes_value: bool = False


@dataclass(frozen=True)
class Entry:
    """A command by its *name*, ``aegis server start``: what it does, and its options."""

    name: str
    description: str
    options: tuple[Word, ...] = ()


def script_for(shell: str, entries: Sequence[Entry]) -> str:
    """Return the script for *shell*, one of `SHELLS`, that completes *entries*."""
    return SHELLS[shell](entries)


def words_below(entries: Sequence[Entry], name: str) -> tuple[Word, ...]:
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


# bash


def _bash(entries: Sequence[Entry]) -> str:
    cases = "\n".join(
        f"        '{entry.name}')\n"
        f"            subcommands='{_texts(words_below(entries, entry.name))}'\n"
        f"            options='{_texts(entry.options)}' ;;"
        for entry in entries
    )
    return _BASH % {
        "root": ROOT,
        "cases": cases,
        "paths": _paths(entries),
        "takes": _takes(entries),
    }


_BASH = """\
# Completes the commands of poetry aegis, in bash. Written by: poetry aegis completions bash

_poetry_aegis_before=${_poetry_aegis_before-$(complete -p poetry 2>/dev/null |
    sed -n 's/.* -F \\([^ ]*\\) .*/\\1/p')}

_poetry_aegis() {
    local current=${COMP_WORDS[COMP_CWORD]} path='' word subcommands='' options='' i
    local previous=${COMP_WORDS[COMP_CWORD-1]}
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -z $path ]]; then
            [[ $word == %(root)s ]] && path=$word
        elif [[ $word != -* ]]; then
            case "$path $word" in
                %(paths)s) path="$path $word" ;;
                *) break ;;
            esac
        fi
    done
    if [[ -z $path ]]; then
        if [[ -n $_poetry_aegis_before ]] && declare -F "$_poetry_aegis_before" >/dev/null; then
            "$_poetry_aegis_before" "$@"
        elif [[ $COMP_CWORD == 1 ]]; then
            COMPREPLY=($(compgen -W '%(root)s' -- "$current"))
        fi
        return
    fi
    COMPREPLY=()
    case "$path" in
%(cases)s
    esac
    case "$path $previous" in
        %(takes)s) return ;;  # its value: a file, or what nobody can know
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
    else
        COMPREPLY=($(compgen -W "$subcommands" -- "$current"))
    fi
}

complete -o default -F _poetry_aegis poetry
"""


# zsh


def _zsh(entries: Sequence[Entry]) -> str:
    cases = "\n".join(
        f"        '{entry.name}')\n"
        f"            subcommands=({_described(words_below(entries, entry.name))})\n"
        f"            options=({_described(entry.options)}) ;;"
        for entry in entries
    )
    return _ZSH % {"root": ROOT, "cases": cases, "paths": _paths(entries), "takes": _takes(entries)}


_ZSH = """\
# Completes the commands of poetry aegis, in zsh; to be read after compinit.
# Written by: poetry aegis completions zsh

typeset -g _poetry_aegis_before
: ${_poetry_aegis_before:=${_comps[poetry]-}}

_poetry_aegis() {
    local current=$words[CURRENT] previous=$words[CURRENT-1] place='' word
    local -a subcommands options
    for word in ${words[2,CURRENT-1]}; do
        if [[ -z $place ]]; then
            [[ $word == %(root)s ]] && place=$word
        elif [[ $word != -* ]]; then
            case "$place $word" in
                (%(paths)s) place="$place $word" ;;
                (*) break ;;
            esac
        fi
    done
    if [[ -z $place ]]; then
        if [[ -n $_poetry_aegis_before && $_poetry_aegis_before != _poetry_aegis ]]; then
            $_poetry_aegis_before "$@"
        elif (( CURRENT == 2 )); then
            compadd -- %(root)s
        fi
        return
    fi
    case "$place" in
%(cases)s
    esac
    case "$place $previous" in
        (%(takes)s) _files; return ;;
    esac
    if [[ $current == -* ]]; then
        _describe -o 'option' options
    elif (( $#subcommands )); then
        _describe 'command' subcommands
    else
        _files
    fi
}

compdef _poetry_aegis poetry
"""


def _described(words: Sequence[Word]) -> str:
    return " ".join(
        _quoted(f"{word.text}:{_line(word.description).replace(':', ' -')}") for word in words
    )


def _quoted(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"


# fish


def _fish(entries: Sequence[Entry]) -> str:
    names = " ".join(f"'{entry.name}'" for entry in entries)
    return _FISH % {"root": ROOT, "names": names} + "\n".join(_fish_lines(entries)) + "\n"


def _fish_lines(entries: Sequence[Entry]) -> Iterator[str]:
    if root := next((entry for entry in entries if entry.name == ROOT), None):
        yield (
            "complete -c poetry -f -n '__fish_is_first_token' "
            f"-a {ROOT} -d {_fish_quoted(root.description)}"
        )
    for entry in entries:
        at = f"complete -c poetry -n '__poetry_aegis_at \"{entry.name}\"'"
        for word in words_below(entries, entry.name):
            yield f"{at} -f -a {word.text} -d {_fish_quoted(word.description)}"
        for word in entry.options:
            needs = " -r" if word.takes_value else ""
            kind = "-l" if word.text.startswith("--") else "-s"
            name = word.text.lstrip("-")
            yield f"{at}{needs} {kind} {name} -d {_fish_quoted(word.description)}"


def _fish_quoted(text: str) -> str:
    escaped = _line(text).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


_FISH = """\
# Completes the commands of poetry aegis, in fish. Written by: poetry aegis completions fish

set -g __poetry_aegis_names %(names)s

function __poetry_aegis_at
    set -l name
    for word in (commandline -opc)[2..-1]
        if test -z "$name"
            test "$word" = %(root)s; and set name $word
        else if not string match -q -- '-*' $word
            # What is no subcommand is an argument.
            contains -- "$name $word" $__poetry_aegis_names; or break
            set name "$name $word"
        end
    end
    test "$name" = "$argv[1]"
end

"""


# All of them


def _texts(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _paths(entries: Sequence[Entry]) -> str:
    """Return a pattern of the shell's for the commands below the first."""
    return "|".join(f"'{entry.name}'" for entry in entries if " " in entry.name) or "''"


def _takes(entries: Sequence[Entry]) -> str:
    """Return a pattern of the shell's for a command and an option of it that wants a value."""
    found = [
        f"'{entry.name} {word.text}'"
        for entry in entries
        for word in entry.options
        if word.takes_value
    ]
    return "|".join(found) or "''"


def _line(text: str) -> str:
    """Return *text* without cleo's tags, on one line."""
    return " ".join(re.sub(r"</?[a-z0-9]*>", "", text).split())


SHELLS: dict[str, Callable[[Sequence[Entry]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
