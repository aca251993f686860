from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import ServerExists, UserError
from poetry_aegis.server import installation, users
from poetry_aegis.server.config import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome


def files(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_new_server(home: ServerHome, settings: ServerSettings) -> None:
    installation.create(home, settings, user="ada", password="s3cret")
    assert load_settings(home) == settings
    assert [(user.name, user.role) for user in users.list_users(home)] == [("ada", "admin")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in home.auth.glob("[!.]*")}
    assert modes == {0o600}
    holders = {path for path, content in files(home.root).items() if b"s3cret" in content}
    assert holders == set()


def test_a_second_one_changes_nothing(home: ServerHome, settings: ServerSettings) -> None:
    installation.create(home, settings, user="ada", password="s3cret")
    before = files(home.root)
    with pytest.raises(ServerExists):
        installation.create(home, settings, user="bob", password="other")
    assert files(home.root) == before


@pytest.mark.parametrize(("user", "password"), [("a:b", "s3cret"), ("ada", "x" * 73), ("ada", "")])
def test_a_user_that_cannot_be_leaves_nothing_behind(
    home: ServerHome, settings: ServerSettings, user: str, password: str
) -> None:
    with pytest.raises(UserError) as caught:
        installation.create(home, settings, user=user, password=password)
    assert not home.root.exists()
    assert not password or password not in str(caught.value)


def test_a_home_that_was_left_half_made_can_be_set_up(
    home: ServerHome, settings: ServerSettings
) -> None:
    home.make_directories()
    users.add_first_user(home, "ada", "the password of the attempt that died")
    installation.create(home, settings, user="ada", password="s3cret")
    from poetry_aegis.registry.people.users import Users

    assert Users(home.auth).authenticate("ada", "s3cret") is not None
