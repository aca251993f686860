from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest
from poetry.console.application import Application

import poetry_aegis
from poetry_aegis.commands.base import AegisCommand
from poetry_aegis.plugin import COMMANDS, AegisPlugin


def load(address: str) -> AegisCommand:
    module, _, name = address.partition(":")
    command = getattr(import_module(f"poetry_aegis.commands.{module}"), name)()
    assert isinstance(command, AegisCommand)
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there_and_explains_itself(name: str) -> None:
    command = load(COMMANDS[name])
    assert command.name == name
    assert command.description.endswith(".")
    for argument in command.definition.arguments:
        assert argument.description, f"{name}: {argument.name} has no description"
    for option in command.definition.options:
        assert option.description, f"{name}: --{option.name} has no description"


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_is_swallowed_by_one_of_poetrys_own(name: str) -> None:
    """Poetry parses its global options first, abbreviations and all."""
    theirs = Application().definition.options
    shortcuts = {option.shortcut for option in theirs} | {"h", "q", "V", "v", "n", "P", "C"}
    for option in load(COMMANDS[name]).definition.options:
        assert not any(their.name.startswith(option.name) for their in theirs), option.name
        assert option.shortcut not in shortcuts - {None}, option.shortcut


def test_activation_registers_factories_and_loads_nothing() -> None:
    application = Application()
    AegisPlugin().activate(application)
    assert set(COMMANDS) <= set(application.command_loader.names)


COMMAND_FILES = sorted((Path(poetry_aegis.__file__).parent / "commands").glob("*.py"))
LIGHT = ("__future__", "typing", "cleo.helpers", "poetry_aegis.commands.")
SHARED = {
    "base",
    "ci_development",
    "ci_publishing",
    "ci_report",
    "ci_tag",
    "columns",
    "mishaps",
    "server_base",
    "server_progress",
    "progress",
    "promotion_failure",
    "publish_failure",
    "release_failure",
    "publish_signing",
    "publishing",
    "release_additions",
    "release_preview",
    "release_run",
    "repository_choice",
    "spelling",
}


@pytest.mark.parametrize(
    "path", [p for p in COMMAND_FILES if p.stem not in SHARED], ids=lambda p: str(p.stem)
)
def test_a_command_module_imports_only_what_poetry_has_loaded(path: Path) -> None:
    """`poetry list` imports them all, so what is heavy is imported when the command runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = [
        node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in imported
    ]
    assert all(name.startswith(LIGHT) for name in names), names
