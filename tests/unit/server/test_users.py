from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import NoServer, ServerError, UnreadableUsers, UserError
from poetry_aegis.server import passwords, tokens, upkeep, users
from poetry_aegis.server.config import load_settings
from poetry_aegis.server.statistics import audit_entries

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.server.home import ServerHome


def roles(home: ServerHome) -> dict[str, str]:
    return {user.name: user.role for user in users.list_users(home)}


def test_the_first_user_is_an_admin_and_the_next_a_publisher(set_up: ServerHome) -> None:
    assert users.add_user(set_up, "ada", "s3cret", role=None, replace=False).role == "admin"
    users.add_user(set_up, "bob", "s3cret", role=None, replace=False)
    assert roles(set_up) == {"ada": "admin", "bob": "publisher"}
    assert users.first_admin(set_up) == "ada"


@pytest.mark.parametrize(
    "change",
    [
        lambda home: users.add_user(home, "eve", "x", role=None, replace=False),
        lambda home: tokens.create_token(home, "eve"),
        lambda home: passwords.change_password(home, "eve", "x"),
        lambda home: upkeep.prune(home, load_settings(home), [], apply=False),
    ],
)
def test_where_the_data_are_gone_no_new_ones_are_begun(
    set_up: ServerHome, change: Callable[[ServerHome], object]
) -> None:
    """A disk that is not mounted leaves an empty folder; the next start must not find an index."""
    shutil.rmtree(set_up.data)
    set_up.data.mkdir()
    with pytest.raises(ServerError, match="is not there"):
        change(set_up)
    assert list(set_up.data.iterdir()) == []


def test_there_is_always_an_admin(set_up: ServerHome) -> None:
    users.add_user(set_up, "ada", "s3cret", role="admin", replace=False)
    users.add_user(set_up, "bob", "s3cret", role="reader", replace=False)
    with pytest.raises(UserError, match="only admin"):
        users.remove_user(set_up, "ada")
    with pytest.raises(UserError, match="only admin"):
        users.add_user(set_up, "ada", "other", role="reader", replace=True)
    assert roles(set_up) == {"ada": "admin", "bob": "reader"}
    users.add_user(set_up, "bob", "s3cret", role="admin", replace=True)
    users.remove_user(set_up, "ada")
    assert roles(set_up) == {"bob": "admin"}


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda home: users.add_user(home, "ada", "x", role=None, replace=False), "--replace"),
        (lambda home: users.remove_user(home, "nobody"), "user list"),
        (lambda home: tokens.create_token(home, "nobody"), "server user add NAME --home "),
        (lambda home: users.add_user(home, "a:b", "x", role=None, replace=False), ""),
        (lambda home: users.add_user(home, "eve", "", role=None, replace=False), ""),
        (lambda home: users.add_user(home, "eve", "x", role="king", replace=False), ""),
    ],
    ids=["exists", "nobody", "nobody's token", "name", "password", "role"],
)
def test_what_the_registry_refuses(
    set_up: ServerHome, change: Callable[[ServerHome], object], hint: str
) -> None:
    users.add_first_user(set_up, "ada", "s3cret")
    before = roles(set_up)
    with pytest.raises(UserError) as caught:
        change(set_up)
    assert hint in caught.value.hint
    assert roles(set_up) == before


def test_users_that_cannot_be_read(set_up: ServerHome) -> None:
    (set_up.auth / "htpasswd").write_bytes(b"\xff\xfe")
    with pytest.raises(UnreadableUsers) as caught:
        users.list_users(set_up)
    assert str(set_up.auth) in caught.value.hint
    with pytest.raises(UnreadableUsers):
        users.add_user(set_up, "ada", "s3cret", role="reader", replace=False)
    assert (set_up.auth / "htpasswd").read_bytes() == b"\xff\xfe"


def test_a_directory_in_the_place_of_the_users(set_up: ServerHome) -> None:
    (set_up.auth / "htpasswd").mkdir()
    with pytest.raises(UnreadableUsers):
        users.list_users(set_up)


def test_no_server(home: ServerHome) -> None:
    with pytest.raises(NoServer):
        users.list_users(home)
    with pytest.raises(NoServer):
        users.add_user(home, "ada", "s3cret", role=None, replace=False)
    assert not home.root.exists()


def test_limits_are_set_shown_and_kept(set_up: ServerHome) -> None:
    users.add_first_user(set_up, "ada", "s3cret")
    users.add_user(
        set_up, "bob", "x", role=None, replace=False, reads=["a-*", "B"], publishes=["a-core"]
    )
    bob = users.add_user(set_up, "bob", "y", role=None, replace=True)

    assert users.rights_of(bob) == "publisher (reads a-*, b; publishes a-core)"
    assert users.describe(bob) == {
        "name": "bob",
        "role": "publisher",
        "read": ["a-*", "b"],
        "publish": ["a-core"],
    }
    assert users.rights_of(users.list_users(set_up)[0]) == "admin"
    with pytest.raises(UserError, match="not a pattern"):
        users.add_user(set_up, "bob", "z", role=None, replace=True, reads=["a b"])
    freed = users.add_user(set_up, "bob", "y", role=None, replace=True, reads=["*"])
    assert users.rights_of(freed) == "publisher (publishes a-core)"


def test_generated_passwords_differ() -> None:
    first, second = users.generate_password(), users.generate_password()
    assert first != second
    assert len(first) >= 24


def test_rights_change_without_the_password(set_up: ServerHome) -> None:
    users.add_first_user(set_up, "ada", "s3cret")
    users.add_user(set_up, "bob", "s3cret", role=None, replace=False, reads=["a-*"])

    bob = users.add_user(set_up, "bob", None, role="reader", replace=False, publishes=["a-core"])

    assert users.rights_of(bob) == "reader (reads a-*; publishes a-core)"
    logged_in = users.open_users(set_up).authenticate("bob", "s3cret")
    assert logged_in == bob
    with pytest.raises(UserError, match="no user 'eve'"):
        users.add_user(set_up, "eve", None, role="reader", replace=False)
    with pytest.raises(UserError, match="only admin"):
        users.add_user(set_up, "ada", None, role="reader", replace=False)
    assert roles(set_up) == {"ada": "admin", "bob": "reader"}


def test_the_trail_tells_who_is_new_and_who_has_changed(set_up: ServerHome) -> None:
    users.add_user(set_up, "ada", "s3cret", role=None, replace=False)
    users.add_user(set_up, "ada", "other", role=None, replace=True)
    users.add_user(set_up, "bob", "s3cret", role="reader", replace=False)
    users.add_user(set_up, "bob", None, role="publisher", replace=False)
    told = [(entry.action, entry.detail) for entry in audit_entries(set_up, limit=10)]
    assert told[::-1] == [
        ("user-added", "ada, admin"),
        ("user-changed", "ada, admin"),
        ("user-added", "bob, reader"),
        ("user-changed", "bob, publisher"),
    ]
