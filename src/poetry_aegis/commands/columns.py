"""What ``--help`` shows of arguments and options, in lines that fit into a terminal."""

from __future__ import annotations

from cleo.io.inputs.argument import Argument
from cleo.io.inputs.definition import Definition
from cleo.io.inputs.option import Option

from poetry_aegis.terminal import columns_of

COLUMNS = 80
_MARGIN = 4  # two spaces before the names, two after them
_REPEATABLE = " (multiple values allowed)"  # cleo's own words, behind a description


def in_columns(definition: Definition) -> Definition:
    """Return *definition* with descriptions of several lines, which cleo indents."""
    names = [len(argument.name) for argument in definition.arguments]
    width = COLUMNS - _MARGIN - max([*names, *map(_width_of, definition.options)], default=0)
    return Definition(
        [
            *(_argument(argument, width) for argument in definition.arguments),
            *(_option(option, width) for option in definition.options),
        ]
    )


def wrapped(text: str, width: int, *, behind: str = "") -> str:
    """Return *text* in lines of *width*, its tags not counted.

    The last one has room for what stands *behind* the text: its last word, if not all of it.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if columns_of(longer) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    if behind and columns_of(lines[-1]) + len(behind) > width:
        before, _, word = lines.pop().rpartition(" ")
        lines += [before, word] if before else [word]
    return "\n".join(lines)


def _argument(argument: Argument, width: int) -> Argument:
    default = argument.default
    behind = f' [default: "{default}"]' if default not in (None, []) else ""
    return Argument(
        argument.name,
        required=argument.is_required(),
        is_list=argument.is_list(),
        description=wrapped(argument.description, width, behind=behind),
        default=default if not argument.is_required() else None,
    )


def _option(option: Option, width: int) -> Option:
    takes_value = option.accepts_value()
    default = option.default if takes_value else None
    behind = f' [default: "{default}"]' if default not in (None, []) else ""
    behind += _REPEATABLE if option.is_list() else ""
    return Option(
        option.name,
        option.shortcut,
        flag=not takes_value,
        requires_value=option.requires_value(),
        is_list=option.is_list(),
        description=wrapped(option.description, width, behind=behind),
        default=default,
    )


def _width_of(option: Option) -> int:
    """Return how wide cleo makes the name of *option*, with its shortcut and its value."""
    name = len(option.name)
    value = 0
    if option.accepts_value():
        value = name + (1 if option.requires_value() else 3)
    return max(len(option.shortcut or ""), 1) + len("-, --") + name + value
