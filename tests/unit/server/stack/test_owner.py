from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from poetry_aegis import atomic
from poetry_aegis.server import users
from poetry_aegis.server.stack.owner import NOBODY_ELSE, Owner, hand_over, owner_of
from poetry_aegis.server.stack.settings import ContainerSettings
from tests.support.needs import missing

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from poetry_aegis.server.home import ServerHome

SOMEBODY = Owner(4321, 4322)


def needs_root() -> None:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        missing("needs root, who alone gives files away")


def owner(path: Path) -> Owner:
    held = path.lstat()
    return Owner(held.st_uid, held.st_gid)


def test_the_settings_name_the_owner_and_their_group_is_the_same_unless_given() -> None:
    assert owner_of(ContainerSettings(user="1000:100")) == Owner(1000, 100)
    assert owner_of(ContainerSettings(user="1000")) == Owner(1000, 1000)
    assert str(Owner(1, 2)) == "1:2"


def test_otherwise_it_is_whoever_asks_but_never_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert owner_of(ContainerSettings()) == Owner(NOBODY_ELSE, NOBODY_ELSE)
    monkeypatch.setattr(os, "getuid", lambda: 1001)
    monkeypatch.setattr(os, "getgid", lambda: 1002)
    assert owner_of(ContainerSettings()) == Owner(1001, 1002)


def test_root_hands_over_all_there_is_and_follows_no_link(tmp_path: Path) -> None:
    needs_root()
    data, outside = tmp_path / "data", tmp_path / "outside"
    (data / "auth").mkdir(parents=True)
    (data / "auth" / "htpasswd").touch()
    outside.touch()
    (data / "link").symlink_to(outside)
    hand_over(data, SOMEBODY)
    handed = [data, *data.rglob("*")]
    assert {owner(path) for path in handed} == {SOMEBODY}
    assert owner(outside) == Owner(0, 0)


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever the data belong to could else be given any file of the machine."""
    needs_root()
    auth, moved, outside = (tmp_path / name for name in ("data/auth", "moved", "outside"))
    for folder in (auth, outside):
        folder.mkdir(parents=True)
        (folder / "htpasswd").touch()
    chown = os.chown

    def swap_first(path: str, *arguments: Any, **keywords: Any) -> None:
        if path.endswith("htpasswd"):
            auth.rename(moved)
            auth.symlink_to(outside)
        chown(path, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(os, "chown", swap_first)
        hand_over(tmp_path / "data", SOMEBODY)
    assert owner(outside / "htpasswd") == Owner(0, 0)
    assert owner(moved / "htpasswd") == SOMEBODY


def test_what_root_writes_into_anothers_folder_is_theirs(tmp_path: Path) -> None:
    needs_root()
    os.chown(tmp_path, SOMEBODY.uid, SOMEBODY.gid)
    atomic.write_text(tmp_path / "new", "1")
    assert owner(tmp_path / "new") == SOMEBODY
    (tmp_path / "theirs").touch()
    os.chown(tmp_path / "theirs", 77, 78)
    atomic.write_text(tmp_path / "theirs", "2")
    assert owner(tmp_path / "theirs") == Owner(77, 78)


def test_users_that_root_adds_are_read_by_the_service(set_up: ServerHome) -> None:
    needs_root()
    hand_over(set_up.data, SOMEBODY)
    users.add_user(set_up, "rae", "rae-secret", role="reader", replace=False)
    made = [*set_up.auth.rglob("*"), *set_up.data.glob("state.db*")]
    assert made
    assert {owner(path) for path in made} == {SOMEBODY}
