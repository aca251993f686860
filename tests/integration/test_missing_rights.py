"""Who may not publish is told a command that, run on the real server, gives the very right."""

from __future__ import annotations

import re
import shlex
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.publish.answer import Answer
from poetry_aegis.publish.answers import upload_failure
from poetry_aegis.publish.repository import Repository
from poetry_aegis.server import installation, tokens, users
from poetry_aegis.server.config import ServerSettings
from tests.support.commands import aegis
from tests.support.distributions import make_wheel
from tests.support.registry import RegistryServer, running_registry, upload
from tests.support.server import vacant_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome

PASSWORD = "s3cret"
PROJECT = "acme-greeter"
PATIENCE = 5.0  # seconds


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ServerHome]:
    """Return the home of a server where ``lim`` publishes ``other-*``, and ``rae`` reads."""
    with vacant_home(tmp_path / "server") as home:
        installation.create(home, ServerSettings(), user="ada", password=PASSWORD)
        for name, role in (("lim", "publisher"), ("rae", "reader")):
            users.add_user(
                home, name, PASSWORD, role=role, replace=False, publishes=["other-*", PROJECT]
            )
        users.add_user(home, "lim", None, role=None, replace=False, publishes=["other-*"])
        yield home


@pytest.fixture
def server(home: ServerHome) -> Iterator[RegistryServer]:
    with running_registry(home.data, users={}) as server:
        yield server


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "dist", PROJECT)


def hint_for(server: RegistryServer, wheel: Path, user: str, password: str) -> str:
    """Return the hint of the refused upload of *wheel*."""
    refused = upload(server, wheel, user=user, password=password)
    assert refused.status_code == 403
    answer = Answer(str(refused.url), 403, "", refused.headers, refused.content)
    repository = Repository("corp", f"{server.url}/legacy/", None, user, password)
    return upload_failure(answer, repository).error.hint


def is_taken(server: RegistryServer, wheel: Path, user: str, password: str) -> bool:
    """Return whether *wheel* can be uploaded now; changed rights hold in a fraction of a second."""
    deadline = time.monotonic() + PATIENCE
    while upload(server, wheel, user=user, password=password).status_code != 200:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def commands_in(hint: str) -> list[list[str]]:
    """Return the commands that change something, each without ``poetry aegis``."""
    found = re.findall(r"poetry aegis (server (?:user add|token create) [^\n]*)", hint)
    return [shlex.split(command) for command in found]


def test_a_right_to_the_project(home: ServerHome, server: RegistryServer, wheel: Path) -> None:
    hint = hint_for(server, wheel, "lim", PASSWORD)

    (command,) = commands_in(hint)
    assert aegis(*command, "--home", str(home.root)).code == 0

    assert is_taken(server, wheel, "lim", PASSWORD)
    assert "takes the place of what lim may publish now" in hint
    (lim,) = (user for user in users.list_users(home) if user.name == "lim")
    assert lim.publishes == (PROJECT,)
    kept = [*command, "--publish", "other-*", "--home", str(home.root)]
    assert "publishes acme-greeter, other-*" in aegis(*kept).out


def test_a_role(home: ServerHome, server: RegistryServer, wheel: Path) -> None:
    (command,) = commands_in(hint_for(server, wheel, "rae", PASSWORD))
    assert command[3:] == ["rae", "--keep-password", "--role", "publisher"]
    assert aegis(*command, "--home", str(home.root)).code == 0
    assert is_taken(server, wheel, "rae", PASSWORD)


def test_a_token_of_one_who_has_no_right_to_the_project(
    home: ServerHome, server: RegistryServer, wheel: Path
) -> None:
    _, text = tokens.create_token(home, "lim")
    (command,) = commands_in(hint_for(server, wheel, "__token__", text))
    assert command[3:] == ["lim", "--keep-password", "--publish", PROJECT]
    assert aegis(*command, "--home", str(home.root)).code == 0
    assert is_taken(server, wheel, "__token__", text)


def test_a_token_that_may_only_read(home: ServerHome, server: RegistryServer, wheel: Path) -> None:
    _, text = tokens.create_token(home, "ada", actions=["read"])
    (command,) = commands_in(hint_for(server, wheel, "__token__", text))
    told = aegis(*command, "--json", "--home", str(home.root))
    other = told.document["token"]
    assert is_taken(server, wheel, "__token__", other)
