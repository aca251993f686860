"""What completion offers is what the commands take: each is given something else, and says so."""

from __future__ import annotations

import io
import re
import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.commands.choices import FILES, known_values
from poetry_aegis.plugin import COMMANDS
from tests.support.commands import aegis
from tests.support.git import make_project
from tests.unit.test_docs import load

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = {
    "aegis release version": ["release", "nonsense"],
    "aegis bump level": ["bump", "nonsense"],
    "--prerelease-type": ["bump", "prerelease", "--prerelease-type", "nonsense"],
    "aegis publish --format": ["publish", "-r", "corp", "--format", "nonsense"],
    "aegis project --status": ["project", "demo", "--status", "nonsense"],
    "aegis server init --driver": ["server", "init", "--home", "new", "--driver", "nonsense"],
    "aegis server audit --action": ["server", "audit", "--action", "nonsense"],
    "aegis server user add --role": [
        "server", "user", "add", "ada", "--keep-password", "--role", "nonsense"
    ],
    "aegis server token create --allow": [
        "server", "token", "create", "--user", "admin", "--allow", "nonsense"
    ],
    "aegis server backup --schedule": ["server", "backup", "--schedule", "nonsense"],
    "aegis ci init kind": ["ci", "init", "nonsense"],
    "aegis client setup tool": ["client", "setup", "nonsense"],
    "aegis client source --priority": [
        "client", "source", "--url", "http://h/", "--priority", "nonsense"
    ],
    "aegis completions shell": ["completions", "nonsense"],
}  # fmt: skip
# These are tested where they are made: a stack's services, checks by the doctor's list, and what
# comes to a release first.
ELSEWHERE = {
    "aegis publish --bump",
    "aegis server restart service",
    "aegis server logs service",
    "aegis server debug service",
    "aegis server doctor --only",
}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a project with a repository, and a server that does not run."""
    monkeypatch.delenv("PYPI_INDEX_URL", raising=False)
    monkeypatch.setenv("POETRY_REPOSITORIES_CORP_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("AEGIS_SERVER_HOME", str(tmp_path / "server"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("a password\n"))
    monkeypatch.chdir(make_project(tmp_path / "project").root)
    assert aegis("server", "init", "--driver", "embedded", "--password-stdin").code == 0


def test_each_choice_is_asked_for() -> None:
    closed = {place for place, values in known_values().items() if values.choices}
    assert closed == REFUSED.keys() | ELSEWHERE


@pytest.mark.parametrize("place", REFUSED)
@pytest.mark.usefixtures("machine")
def test_a_choice_has_what_its_command_takes(place: str) -> None:
    refused = aegis(*REFUSED[place])
    assert refused.code != 0
    named = set(re.findall(r"[a-z][a-z-]*", refused.err))
    choices = known_values()[place].choices
    assert choices
    assert set(choices) <= named, refused.err


def test_the_doctor_has_the_checks_that_are_offered() -> None:
    listed = aegis("server", "doctor", "--list", "--json").document["checks"]
    offered = known_values()["aegis server doctor --only"].choices
    assert offered == tuple(check["name"] for check in listed)


@pytest.mark.parametrize("place", sorted(known_values().keys() | FILES))
def test_a_place_is_one_of_a_command(place: str) -> None:
    """What a command calls otherwise one day would be offered no more, and nobody would see."""
    name, _, where = place.rpartition(" ")
    commands = [load(name)] if name else [load(one) for one in COMMANDS]
    if where.startswith("--"):
        assert any(command.definition.has_option(where[2:]) for command in commands)
    else:
        assert [argument.name for argument in commands[0].definition.arguments] == [where]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_has_two_arguments(name: str) -> None:
    """The scripts know of one, which may be repeated."""
    assert len(load(name).definition.arguments) <= 1
