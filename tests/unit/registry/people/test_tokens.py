from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.errors import NoSuchUser, TokenError, UnreadableUsers, UsersError
from poetry_aegis.registry.people import tokens
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.people.users import Users

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 31, 12, 0, 30, 5, tzinfo=timezone.utc)


@pytest.fixture
def users(tmp_path: Path) -> Users:
    found = Users(tmp_path / "auth", rounds=4)
    found.add("ada", "secret")
    found.add("ci", "secret", "publisher", publishes=["acme-*"], reads=["acme-*", "tools"])
    return found


def access_text(users: Users) -> str:
    return (users.directory / "access.toml").read_text()


def test_a_token_is_its_users_and_kept_only_as_a_hash(users: Users) -> None:
    token, text = users.create_token("ci", comment="CI of acme")

    found = users.authenticate_token(text)
    assert found is not None
    assert (found.name, found.role, found.token) == ("ci", "publisher", token.id)
    assert found.may(Action.UPLOAD, "acme-core")
    assert not found.may(Action.UPLOAD, "tools")
    secret = text.removeprefix(f"aegis_{token.id}_")
    assert len(secret) == 43
    assert secret not in access_text(users)
    assert token.entry.hash == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in repr(token)
    assert token.entry.hash not in repr(token)
    assert users.tokens() == [token]
    assert (users.directory / "access.toml").stat().st_mode & 0o777 == 0o600


def test_tokens_are_listed_in_the_order_they_were_made_in(users: Users) -> None:
    made = [users.create_token("ci", comment=str(number))[0] for number in range(8)]
    assert list(users.tokens()) == made


def test_a_token_is_cut_down_to_its_scope_and_never_beyond_its_user(users: Users) -> None:
    _, text = users.create_token("ci", actions=["upload", "delete"], projects=["Acme_Core"])

    found = users.authenticate_token(text)
    assert found is not None
    allowed = {action for action in Action if found.may(action, "acme-core")}
    assert allowed == {Action.UPLOAD}
    assert not found.may(Action.UPLOAD, "acme-other")
    assert not found.knows("acme-other")
    assert not found.knows_all


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text + "A",
        lambda text: text[:-1],
        lambda text: text.replace("aegis_", "other_"),
        lambda text: text.rpartition("_")[2],
        lambda text: "aegis_000000000000_" + text.split("_", 2)[2],
        lambda text: text.split("_", 2)[0] + "_" + text.split("_", 2)[1],
        lambda text: text + "\ud800",
        lambda _: "",
        lambda _: "aegis__",
    ],
)
def test_nothing_else_is_that_token(users: Users, change: object) -> None:
    assert callable(change)
    _, text = users.create_token("ada")

    assert users.authenticate_token(text)
    assert users.authenticate_token(change(text)) is None


def test_a_token_dies_with_its_user_and_stays_dead(users: Users) -> None:
    _, text = users.create_token("ci")
    _, other = users.create_token("ada")

    users.remove("ci")

    assert users.authenticate_token(text) is None
    users.add("ci", "new")
    assert users.authenticate_token(text) is None
    assert users.authenticate_token(other)
    assert [token.entry.user for token in users.tokens()] == ["ada"]


def test_a_token_whose_user_was_taken_out_of_htpasswd_by_hand_is_dead(users: Users) -> None:
    _, text = users.create_token("ci")
    htpasswd = users.directory / "htpasswd"
    htpasswd.write_text(htpasswd.read_text().partition("\n")[0] + "\n")

    assert users.authenticate_token(text) is None


def test_a_token_outlives_a_new_password_and_follows_new_rights(users: Users) -> None:
    _, text = users.create_token("ci")

    users.add("ci", "new", "reader", replace=True)

    found = users.authenticate_token(text)
    assert found is not None
    assert not found.may(Action.UPLOAD)


def test_a_revoked_token_is_gone(users: Users) -> None:
    token, text = users.create_token("ada")

    assert users.revoke_token(token.id) == token

    assert users.authenticate_token(text) is None
    assert token.id not in access_text(users)
    with pytest.raises(TokenError) as caught:
        users.revoke_token(text)
    assert text not in str(caught.value)


def test_an_expired_token_is_refused(users: Users) -> None:
    now = datetime.now(timezone.utc)
    token, old = users.create_token("ada", expires=now - timedelta(seconds=1))
    _, new = users.create_token("ada", expires=now + timedelta(days=1))

    assert users.authenticate_token(old) is None
    assert token.expired(now)
    found = users.authenticate_token(new)
    assert found is not None
    assert found.expires == (now + timedelta(days=1)).timestamp()


def test_nothing_is_written_for_a_token_that_makes_no_sense(users: Users) -> None:
    before = access_text(users)
    with pytest.raises(NoSuchUser):
        users.create_token("eve")
    with pytest.raises(UsersError, match="'fly' is not an action; the actions are read, upload"):
        users.create_token("ada", actions=["fly"])
    with pytest.raises(UsersError, match="not a pattern"):
        users.create_token("ada", projects=["a b"])
    for comment in ("x" * 201, "two\nlines", "\x1b[31m"):
        with pytest.raises(UsersError, match="comment"):
            users.create_token("ada", comment=comment)
    assert access_text(users) == before


def test_tokens_leave_the_rest_of_the_file_as_it_is(users: Users) -> None:
    path = users.directory / "access.toml"
    path.write_text("# Ours\n" + path.read_text().replace('"admin"', '"admin"  # for now'))
    before = path.read_text()

    token, _ = users.create_token("ada")
    assert path.read_text().startswith(before.rstrip())
    users.revoke_token(token.id)

    assert path.read_text().rstrip().removesuffix("[tokens]").rstrip() == before.rstrip()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hash = 'x'", "SHA-256"),
        ("created = 2026-01-01T00:00:00", "created has no time zone"),
        ("expires = 2026-01-01", "'expires' .* must be a date with a time"),
        ("actions = ['fly']", "'fly' is not an action"),
        ("projects = ['a b']", "projects: 'a b' is not a pattern"),
        ("scope = 'all'", "Unknown key 'scope' in tokens.ab"),
    ],
)
def test_a_token_edited_into_nonsense_is_refused(users: Users, line: str, reason: str) -> None:
    entry = {
        "user": "'ada'",
        "hash": f"'{'0' * 64}'",
        "created": "2026-01-01T00:00:00Z",
    }
    key, _, value = line.partition(" = ")
    lines = [f"{name} = {text}" for name, text in {**entry, key: value}.items()]
    (users.directory / "access.toml").write_text("[tokens.ab]\n" + "\n".join(lines))

    with pytest.raises(UnreadableUsers, match=reason):
        users.list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90d", datetime(2026, 5, 1, 12, 0, 30, tzinfo=timezone.utc)),
        ("2 W", datetime(2026, 2, 14, 12, 0, 30, tzinfo=timezone.utc)),
        ("1m", datetime(2026, 3, 2, 12, 0, 30, tzinfo=timezone.utc)),
        ("1y", datetime(2027, 1, 31, 12, 0, 30, tzinfo=timezone.utc)),
        ("2026-02-01", datetime(2026, 2, 1, tzinfo=timezone.utc)),
        ("2026-02-01T08:00:00Z", datetime(2026, 2, 1, 8, tzinfo=timezone.utc)),
        ("2026-02-01T08:00:00+02:00", datetime(2026, 2, 1, 6, tzinfo=timezone.utc)),
        ("2026-02-01T08:00:00", datetime(2026, 2, 1, 8, tzinfo=timezone.utc)),
    ],
)
def test_an_expiry_is_a_time_or_a_day(text: str, expected: datetime) -> None:
    assert tokens.parse_expiry(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "90", "d", "soon", "2026-13-01", "99999y", "-5d", "1h", "٩d"])
def test_other_expiries_are_refused(text: str) -> None:
    with pytest.raises(UsersError, match="neither a time such as"):
        tokens.parse_expiry(text, NOW)


@pytest.mark.parametrize("text", ["0d", "2026-01-31", "2020-01-01"])
def test_an_expiry_in_the_past_is_refused(text: str) -> None:
    with pytest.raises(UsersError, match="expired already"):
        tokens.parse_expiry(text, NOW)


@given(st.text())
def test_any_text_is_split_or_not(text: str) -> None:
    found = tokens.split(text)

    assert found is None or tokens.spell(*found) == text
