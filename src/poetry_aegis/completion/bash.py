"""The script for bash, 3.2 of macOS among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.completion.words import (
    blanks,
    cases,
    texts,
    words_below,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.completion.words import Entry


def script(entries: Sequence[Entry]) -> str:
    """Return the script that completes *entries*."""
    commands = "\n".join(
        f"        '{entry.name}')\n"
        f"            subcommands='{texts(words_below(entries, entry.name))}'\n"
        f"            options='{texts(entry.options)}' ;;"
        for entry in entries
    )
    return _SCRIPT % {
        **blanks(entries),
        "commands": commands,
        "choices": cases(entries, "        %(places)s) found='%(values)s' ;;"),
    }


# bash takes --option=value for three words, and "=" for the one at the cursor behind it.
_SCRIPT = """\
# Completes the commands of poetry aegis, in bash. Written by: poetry aegis completions bash

_poetry_aegis_before=${_poetry_aegis_before-$(complete -p poetry 2>/dev/null |
    sed -n 's/.* -F \\([^ ]*\\) .*/\\1/p')}

_poetry_aegis() {
    local current=${COMP_WORDS[COMP_CWORD]} path='' option='' later='' word i
    local subcommands='' options='' found=''
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -z $path ]]; then
            [[ $word == %(root)s ]] && path=$word
        elif [[ $word == '=' ]]; then
            continue
        elif [[ -n $option ]]; then
            option=''  # This was its value.
        elif [[ $word == -* ]]; then
            case "$path $word" in
                %(taking)s) option=$word ;;
            esac
        else
            case "$path$later $word" in
                %(paths)s) path="$path $word" ;;
                *) later='%(later)s' ;;
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
    [[ $current == '=' ]] && current=''
    case "$path" in
%(commands)s
    esac
    if [[ -z $option && $current == -* ]]; then
        found=$options
    elif [[ -z $option && -z $later && -n $subcommands ]]; then
        found=$subcommands
    else
        [[ -n $option ]] && later=" $option"
        case "$path$later" in
%(choices)s
            %(files)s) return ;;  # as bash does by itself
        esac
    fi
    compopt +o default 2>/dev/null  # no files
    COMPREPLY=($(compgen -W "$found" -- "$current"))
}

complete -o default -F _poetry_aegis poetry
"""
