"""``--help`` of every command: in 80 columns, and with something to copy."""

from __future__ import annotations

import re

import pytest
from cleo.helpers import argument, option
from cleo.io.inputs.definition import Definition

from poetry_aegis.commands.columns import COLUMNS, in_columns, wrapped
from poetry_aegis.commands.groups import _Group
from poetry_aegis.plugin import COMMANDS
from tests.support.commands import aegis
from tests.unit.test_docs import RUNNABLE, aegis_commands, load, parse

EXAMPLE = re.compile(r"^ {2}<c1>(poetry aegis [^<]*)</c1>(?: {2,}.*)?$", re.MULTILINE)


def shown(name: str) -> str:
    done = aegis(*name.split()[1:], "--help")
    assert (done.code, done.err) == (0, "")
    return done.out


@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_of_a_help_is_wider_than_a_terminal(name: str) -> None:
    assert [line for line in shown(name).splitlines() if len(line) > COLUMNS] == []


@pytest.mark.parametrize("name", [name for name in COMMANDS if isinstance(load(name), _Group)])
def test_no_line_of_a_listing_is_wider_than_a_terminal(name: str) -> None:
    assert [line for line in aegis(*name.split()[1:]).out.splitlines() if len(line) > COLUMNS] == []


@pytest.mark.parametrize("name", RUNNABLE)
def test_each_help_has_an_example_of_the_command_that_can_be_run(name: str) -> None:
    examples = EXAMPLE.findall(load(name).help.replace("{{", "{").replace("}}", "}"))
    assert [line for line in examples if line.startswith(f"poetry {name}")]
    assert all(line in shown(name) for line in examples)
    for line in examples:
        for words in aegis_commands(line):
            if "..." not in words:
                parse(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_shown_is_what_is_taken(name: str) -> None:
    """Breaking the descriptions into lines changes nothing of what they describe."""
    definition = load(name).definition
    broken = in_columns(definition)
    for mine, theirs in zip(definition.options, broken.options, strict=True):
        assert mine.name == theirs.name
        assert mine.shortcut == theirs.shortcut
        assert mine.default == theirs.default
        assert mine.accepts_value() == theirs.accepts_value()
        assert mine.requires_value() == theirs.requires_value()
        assert mine.is_list() == theirs.is_list()
        assert mine.description.split() == theirs.description.split()
    for one, other in zip(definition.arguments, broken.arguments, strict=True):
        assert (one.name, one.is_required(), one.is_list(), one.default) == (
            other.name,
            other.is_required(),
            other.is_list(),
            other.default,
        )


def test_a_description_is_broken_between_words_and_tags_have_no_width() -> None:
    assert wrapped("one two three", 7) == "one two\nthree"
    assert wrapped("<c1>one</c1> two three", 7) == "<c1>one</c1> two\nthree"
    assert wrapped("much-too-long-a-word a b", 5) == "much-too-long-a-word\na b"
    assert wrapped("one two", 10, behind=" (list)") == "one\ntwo"
    assert wrapped("", 10) == ""


def test_what_cleo_puts_behind_a_description_has_room() -> None:
    long = "word " * 12
    definition = Definition(
        [
            argument("what", long, optional=True, default="everything"),
            option("name", "n", long, flag=False, multiple=True),
        ]
    )
    broken = in_columns(definition)
    texts = [item.description for item in broken.arguments]
    texts += [item.description for item in broken.options]
    assert max(len(line) for text in texts for line in text.splitlines()) <= COLUMNS - 4
