from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import NoServer, UserError
from poetry_aegis.registry.people.uses import TokenUses
from poetry_aegis.registry.state.audit import AuditTrail
from poetry_aegis.registry.state.database import Database
from poetry_aegis.server import tokens, users

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.server.home import ServerHome


@pytest.fixture
def with_ada(set_up: ServerHome) -> ServerHome:
    users.add_user(set_up, "ada", "s3cret", role="admin", replace=False)
    return set_up


def trail(home: ServerHome) -> list[tuple[str, str, str | None]]:
    database = Database.open(home.data / "state.db")
    try:
        entries = AuditTrail(database).entries()
        return [(entry.action, entry.detail, entry.token) for entry in reversed(entries)]
    finally:
        database.close()


def test_from_making_to_revoking(with_ada: ServerHome) -> None:
    before = datetime.now(timezone.utc)
    token, text = tokens.create_token(
        with_ada, "ada", actions=["read"], projects=["acme-*"], expires="90d", comment="CI"
    )

    assert users.open_users(with_ada).authenticate_token(text)
    (state,) = tokens.list_tokens(with_ada)
    assert state.token == token
    assert not state.expired
    described = state.to_json()
    assert described.pop("created") <= described.pop("expires")
    assert described == {
        "id": token.id,
        "user": "ada",
        "actions": ["read"],
        "projects": ["acme-*"],
        "comment": "CI",
        "last_used": None,
        "expired": False,
    }
    assert token.entry.expires is not None
    assert abs(token.entry.expires - before - timedelta(days=90)) < timedelta(minutes=1)

    assert tokens.revoke_token(with_ada, token.id) == token
    assert tokens.list_tokens(with_ada) == []
    assert trail(with_ada) == [
        ("user-added", "ada, admin", None),
        ("token-created", f"{token.id} of ada", None),
        ("token-revoked", f"{token.id} of ada", None),
    ]


def test_the_last_use_is_shown(with_ada: ServerHome) -> None:
    token, _ = tokens.create_token(with_ada, "ada")
    database = Database.open(with_ada.data / "state.db")
    uses = TokenUses(database)
    uses.note(token.id)
    uses.close()
    database.close()

    (state,) = tokens.list_tokens(with_ada)

    assert state.used is not None
    assert state.to_json()["last_used"] == state.used.isoformat()


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda home: tokens.create_token(home, "eve"), "user list"),
        (lambda home: tokens.create_token(home, "ada", actions=["fly"]), ""),
        (lambda home: tokens.create_token(home, "ada", projects=["a b"]), ""),
        (lambda home: tokens.create_token(home, "ada", expires="soon"), ""),
        (lambda home: tokens.revoke_token(home, "abc"), "token list"),
    ],
    ids=["nobody", "action", "pattern", "expiry", "missing"],
)
def test_what_the_registry_refuses(
    with_ada: ServerHome, make: Callable[[ServerHome], object], hint: str
) -> None:
    with pytest.raises(UserError) as caught:
        make(with_ada)
    assert hint in caught.value.hint
    assert tokens.list_tokens(with_ada) == []
    assert len(trail(with_ada)) == 1


def test_removing_a_user_is_in_the_trail_and_takes_the_tokens(with_ada: ServerHome) -> None:
    users.add_user(with_ada, "ci", "s3cret", role=None, replace=False, publishes=["acme-*"])
    tokens.create_token(with_ada, "ci")

    users.remove_user(with_ada, "ci")

    assert tokens.list_tokens(with_ada) == []
    assert trail(with_ada)[-1][:2] == ("user-removed", "ci")


def test_no_server(home: ServerHome) -> None:
    for attempt in (
        lambda: tokens.list_tokens(home),
        lambda: tokens.create_token(home, "ada"),
        lambda: tokens.revoke_token(home, "abc"),
    ):
        with pytest.raises(NoServer):
            attempt()
    assert not home.root.exists()


def test_what_a_token_promises_in_vain_is_known(with_ada: ServerHome) -> None:
    users.add_user(with_ada, "ci", "s3cret", role="publisher", replace=False)
    for user, idle in (("ci", ("delete", "audit")), ("ada", ())):
        token, _ = tokens.create_token(with_ada, user, actions=["read", "delete", "audit"])
        assert tokens.powerless(with_ada, token) == idle
