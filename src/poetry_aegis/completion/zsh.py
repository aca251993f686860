"""The script for zsh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.completion.words import (
    blanks,
    cases,
    line,
    words_below,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.completion.words import Entry, Word


def script(entries: Sequence[Entry]) -> str:
    """Return the script that completes *entries*."""
    commands = "\n".join(
        f"        '{entry.name}')\n"
        f"            subcommands=({_described(words_below(entries, entry.name))})\n"
        f"            options=({_described(entry.options)}) ;;"
        for entry in entries
    )
    return _SCRIPT % {
        **blanks(entries),
        "commands": commands,
        "choices": cases(entries, "        (%(places)s) compadd -- %(values)s ;;"),
    }


_SCRIPT = """\
# Completes the commands of poetry aegis, in zsh; to be read after compinit.
# Written by: poetry aegis completions zsh

typeset -g _poetry_aegis_before
: ${_poetry_aegis_before:=${_comps[poetry]-}}

_poetry_aegis() {
    local current=$words[CURRENT] place='' option='' later='' word
    local -a subcommands options
    for word in ${words[2,CURRENT-1]}; do
        if [[ -z $place ]]; then
            [[ $word == %(root)s ]] && place=$word
        elif [[ -n $option ]]; then
            option=''  # This was its value.
        elif [[ $word == -* ]]; then
            case "$place $word" in
                (%(taking)s) option=$word ;;
            esac
        else
            case "$place$later $word" in
                (%(paths)s) place="$place $word" ;;
                (*) later='%(later)s' ;;
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
    if [[ -z $option && $current == --*=* ]]; then
        option=${current%%%%=*}
        compset -P '*='
    fi
    case "$place" in
%(commands)s
    esac
    if [[ -z $option && $current == -* ]]; then
        _describe -o 'option' options
    elif [[ -z $option && -z $later ]] && (( $#subcommands )); then
        _describe 'command' subcommands
    else
        [[ -n $option ]] && later=" $option"
        case "$place$later" in
%(choices)s
            (%(files)s) _files ;;
        esac
    fi
}

compdef _poetry_aegis poetry
"""


def _described(words: Sequence[Word]) -> str:
    return " ".join(
        _quoted(f"{word.text}:{line(word.description).replace(':', ' -')}") for word in words
    )


def _quoted(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"
