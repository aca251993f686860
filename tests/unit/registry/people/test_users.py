from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

import pytest

from poetry_aegis.registry.errors import (
    InvalidPassword,
    InvalidRole,
    InvalidUserName,
    NoSuchUser,
    UnreadableUsers,
    UserExists,
    UsersError,
)
from poetry_aegis.registry.people.files import AuthFiles
from poetry_aegis.registry.people.identity import Identity
from poetry_aegis.registry.people.users import Users

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def auth(tmp_path: Path) -> Path:
    return tmp_path / "data" / "auth"


@pytest.fixture
def users(auth: Path) -> Users:
    return Users(auth, rounds=4)


def test_the_first_user_becomes_admin_and_the_next_a_publisher(users: Users) -> None:
    assert users.add("ada", "secret") == Identity("ada", "admin")
    assert users.add("bob", "secret") == Identity("bob", "publisher")
    assert users.add("rae", "secret", "reader") == Identity("rae", "reader")
    assert users.list() == [
        Identity("ada", "admin"),
        Identity("bob", "publisher"),
        Identity("rae", "reader"),
    ]


def test_the_files_are_private_and_hold_no_password(users: Users, auth: Path) -> None:
    users.add("ada", "correct horse")

    for file in (auth / "htpasswd", auth / "access.toml"):
        assert file.stat().st_mode & 0o777 == 0o600
        assert "correct horse" not in file.read_text()
    assert auth.stat().st_mode & 0o777 == 0o700


def test_authentication_wants_name_and_password(users: Users) -> None:
    users.add("ada", "secret")
    users.add("bé", "geheim", "reader")

    assert users.authenticate("ada", "secret") == Identity("ada", "admin")
    assert users.authenticate("bé", "geheim") == Identity("bé", "reader")
    assert users.authenticate("be\u0301", "geheim") == Identity("bé", "reader")
    assert users.authenticate("ada", "geheim") is None
    assert users.authenticate("eve", "secret") is None
    assert users.authenticate("ada", "") is None


def test_a_user_is_replaced_only_on_purpose(users: Users) -> None:
    users.add("ada", "old")

    with pytest.raises(UserExists, match="already a user 'ada'"):
        users.add("ada", "new")
    assert users.authenticate("ada", "old")

    assert users.add("ada", "new", replace=True) == Identity("ada", "admin")
    assert users.authenticate("ada", "old") is None
    assert users.add("ada", "new", "reader", replace=True) == Identity("ada", "reader")


def test_a_removed_user_is_gone_with_the_role(users: Users, auth: Path) -> None:
    users.add("ada", "secret")
    users.add("bob", "secret")

    users.remove("bob")

    assert users.list() == [Identity("ada", "admin")]
    assert users.authenticate("bob", "secret") is None
    assert "bob" not in (auth / "access.toml").read_text()
    with pytest.raises(NoSuchUser, match="no user 'bob'"):
        users.remove("bob")


@pytest.fixture
def half_removed(users: Users, monkeypatch: pytest.MonkeyPatch) -> str:
    """Cut the removal of bob off half-way; return the token that is left."""
    users.add("ada", "secret")
    users.add("bob", "secret", "reader", reads=["acme-*"])
    _, text = users.create_token("bob")

    def killed(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(AuthFiles, "write_access", killed)
        with pytest.raises(KeyboardInterrupt):
            users.remove("bob")
    assert users.list() == [Identity("ada", "admin")]
    return text


def test_a_removal_that_was_cut_off_is_finished_by_the_next(
    users: Users, half_removed: str
) -> None:
    users.remove("bob")

    assert users.tokens() == []
    assert users.authenticate_token(half_removed) is None
    with pytest.raises(NoSuchUser):
        users.remove("bob")


def test_a_new_user_has_no_token_of_one_who_had_the_name(users: Users, half_removed: str) -> None:
    assert users.add("bob", "another") == Identity("bob", "publisher")

    assert users.tokens() == []
    assert users.authenticate_token(half_removed) is None


def test_a_user_whose_rights_cannot_be_taken_away_is_not_half_removed(
    users: Users, auth: Path
) -> None:
    users.add("ada", "secret")
    (auth / "access.toml").write_text('[users]\nada.role = "admin"\n[tokens\n')

    with pytest.raises(UnreadableUsers):
        users.remove("ada")

    assert "ada" in (auth / "htpasswd").read_text()


def test_a_name_is_the_same_however_its_accents_are_typed(users: Users) -> None:
    users.add("ada", "secret")
    users.add("bé", "geheim")

    assert users.change("be\u0301", "reader") == Identity("bé", "reader")
    users.remove("be\u0301")

    assert users.list() == [Identity("ada", "admin")]


def test_limits_are_kept_until_others_are_given(users: Users) -> None:
    users.add("ada", "secret")
    bob = Identity("bob", "publisher", ("acme-*",), ("acme-core",))

    assert users.add("bob", "x", reads=["Acme_*"], publishes=["acme-core"]) == bob
    assert users.list()[1] == bob
    assert users.authenticate("bob", "x") == bob
    assert users.add("bob", "y", "admin", replace=True).reads == ("acme-*",)
    freed = users.add("bob", "y", "publisher", reads=["*"], publishes=["*"], replace=True)
    assert freed == Identity("bob", "publisher")
    with pytest.raises(UsersError, match="not a pattern"):
        users.add("bob", "z", reads=["a b"], replace=True)


@pytest.mark.parametrize(
    "name",
    [
        "__token__",
        "",
        " ada",
        "ada ",
        "a:b",
        "#ada",
        "a\nb",
        "a\0b",
        "a\u2028b",
        "a" * 256,
        "ä" * 128,
    ],
)
def test_a_name_that_htpasswd_cannot_carry_is_refused(users: Users, auth: Path, name: str) -> None:
    with pytest.raises(InvalidUserName):
        users.add(name, "secret")

    assert not auth.exists()


def test_nothing_is_written_for_a_bad_password_or_role(users: Users, auth: Path) -> None:
    with pytest.raises(InvalidPassword):
        users.add("ada", "a" * 73)
    with pytest.raises(InvalidRole):
        users.add("ada", "secret", "king")

    assert not auth.exists()


def test_a_hand_edited_file_is_taken_as_it_is(
    users: Users, auth: Path, caplog: pytest.LogCaptureFixture
) -> None:
    users.add("ada", "secret")
    htpasswd = auth / "htpasswd"
    htpasswd.write_text(f"# Team\n{htpasswd.read_text()}old:{{SHA}}abc\n")
    (auth / "access.toml").unlink()

    users.add("bob", "secret")

    assert htpasswd.read_text().startswith("# Team\nada:$2y$")
    assert "old:{SHA}abc\n" in htpasswd.read_text()
    assert users.authenticate("ada", "secret") == Identity("ada", "reader")
    assert users.authenticate("old", "abc") is None
    assert users.authenticate("old", "abc") is None
    assert caplog.text.count("'old' cannot log in") == 1
    assert "{SHA}" not in caplog.text


def test_a_change_by_another_process_is_seen_at_once(users: Users, auth: Path) -> None:
    users.add("ada", "secret")
    before = users.signature()
    Users(auth, rounds=4).add("bob", "secret")

    assert users.signature() != before
    assert users.authenticate("bob", "secret") == Identity("bob", "publisher")


def test_users_added_at_the_same_time_are_all_there(auth: Path) -> None:
    threads = [
        threading.Thread(target=Users(auth, rounds=4).add, args=(f"user{number}", "secret"))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = Users(auth).list()
    assert [user.name for user in found] == [f"user{number}" for number in range(8)]
    assert sorted(user.role for user in found) == ["admin", *["publisher"] * 7]


@pytest.mark.parametrize("name", ["htpasswd", "access.toml"])
@pytest.mark.parametrize("damage", ["directory", "binary"])
def test_an_unreadable_file_is_told_of(users: Users, auth: Path, name: str, damage: str) -> None:
    users.add("ada", "secret")
    (auth / name).unlink()
    if damage == "directory":
        (auth / name).mkdir()
    else:
        (auth / name).write_bytes(b"\xff\xfe")

    for attempt in (
        users.list,
        lambda: users.authenticate("ada", "secret"),
        lambda: users.add("b", "c"),
    ):
        with pytest.raises(UnreadableUsers, match=name):
            attempt()


def test_a_directory_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UnreadableUsers, match="cannot be"):
        Users(tmp_path / "file" / "auth", rounds=4).add("ada", "secret")


def test_no_users_is_not_an_error(users: Users) -> None:
    assert users.list() == []
    assert Users(users.directory, rounds=4).signature() == (None, None)


def test_the_command_line_can_import_users_without_a_web_server() -> None:
    program = (
        "import sys; import poetry_aegis.registry.people.users; "
        "print([m for m in ('starlette', 'uvicorn', 'python_multipart') if m in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert result.stdout.strip() == b"[]"
