from __future__ import annotations

from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked, PasswordDeleteError

from poetry_aegis.client import keyrings, setup, undoing
from poetry_aegis.client.setup import Login, Work
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Entries = dict[tuple[str, str], str]


class Remembering(KeyringBackend):
    """A keyring that lasts as long as the test: this machine's is left alone."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: Entries = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entries]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    before, ours = keyring.get_keyring(), Remembering()
    keyring.set_keyring(ours)
    try:
        yield ours.entries
    finally:
        keyring.set_keyring(before)


ADA = ("index", "ada")
WORK = Work("twine", "corp", (), (ADA,))


def set_up(password: str) -> None:
    setup.write(setup.plan_setup("default", WORK), Login("ada", password))


def take_back() -> None:
    plan = undoing.plan_undo("default", "twine")
    assert plan is not None
    undoing.take_back(plan)


def test_a_password_that_was_there_comes_back(entries: Entries, tmp_path: Path) -> None:
    entries[ADA] = "first"
    for password in ("second", "third"):
        set_up(password)
        assert entries[ADA] == password
    assert not any(b"first" in path.read_bytes() for path in tmp_path.rglob("*.json"))
    take_back()
    assert entries == {ADA: "first"}


def test_an_entry_that_is_ours_goes(entries: Entries) -> None:
    set_up("first")
    set_up("second")
    take_back()
    assert entries == {}


def test_what_was_the_same_is_left_as_it_is(entries: Entries) -> None:
    entries[ADA] = "first"
    set_up("first")
    assert entries == {ADA: "first"}
    take_back()
    assert entries == {ADA: "first"}
    keyrings.give_back(*ADA)
    assert entries == {ADA: "first"}


def test_a_keyring_that_is_locked_keeps_what_is_to_come_back(
    entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries[ADA] = "first"
    set_up("second")

    def locked(*_: str) -> str:
        raise KeyringLocked

    with monkeypatch.context() as patch:
        patch.setattr(Remembering, "get_password", locked)
        with pytest.raises(AegisError, match="does not give the password back"):
            take_back()
    take_back()
    assert entries == {ADA: "first"}


def test_without_the_keyring_the_rest_is_taken_back(
    entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries[ADA] = "first"
    set_up("second")
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    take_back()
    assert undoing.plan_undo("default", "twine") is None
