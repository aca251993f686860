from __future__ import annotations

from datetime import datetime, timezone

import pytest

from poetry_aegis.registry.errors import InvalidRole, UnreadableUsers, UsersError
from poetry_aegis.registry.people.access import (
    TokenEntry,
    UserEntry,
    as_actions,
    as_patterns,
    as_role,
    parse_access,
    with_token,
    with_user,
    without_token,
    without_user,
)
from poetry_aegis.registry.people.identity import Action, Identity, Role, Scope

TOKEN = TokenEntry(
    user="ada",
    hash="0" * 64,
    created=datetime(2026, 1, 1, 12, tzinfo=timezone.utc),
    actions=("read", "upload"),
    projects=("acme-*",),
    expires=datetime(2026, 2, 1, tzinfo=timezone.utc),
    comment="CI",
)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("reader", {Action.READ}),
        ("publisher", {Action.READ, Action.UPLOAD, Action.YANK}),
        ("admin", set(Action)),
    ],
)
def test_each_role_includes_what_the_lesser_ones_may(role: Role, allowed: set[Action]) -> None:
    assert {action for action in Action if Identity("ada", role).may(action)} == allowed


@pytest.mark.parametrize(
    ("project", "knows", "uploads"),
    [("acme-core", True, True), ("tools", True, False), ("secret", False, False)],
)
def test_patterns_limit_what_is_known_and_what_is_changed(
    project: str, *, knows: bool, uploads: bool
) -> None:
    entry = UserEntry("publisher", read=("acme-*", "Tools"), publish=("Acme_*", "secret"))
    user = entry.identify("ada")

    assert user.knows(project) is knows
    assert user.may(Action.READ, project) is knows
    assert user.may(Action.UPLOAD, project) is uploads
    assert user.may(Action.UPLOAD)
    assert not user.knows_all


def test_a_scope_cuts_down_and_adds_nothing() -> None:
    scope = Scope(frozenset({Action.UPLOAD, Action.DELETE}), ("acme-*",))
    user = Identity("ada", "publisher", publishes=("*-core",), token="t", scope=scope)

    assert {action for action in Action if user.may(action)} == {Action.UPLOAD}
    assert user.may(Action.UPLOAD, "acme-core")
    assert not user.may(Action.UPLOAD, "acme-other")
    assert not user.may(Action.UPLOAD, "other-core")
    assert not user.may(Action.READ, "acme-core")


def test_users_are_written_and_read_back_beside_what_is_there() -> None:
    text = "# Ours\n[users.zoe]  # the boss\nrole = 'admin'\n"

    text = with_user(text, "ada", UserEntry("admin"))
    text = with_user(text, "bé.x", UserEntry("reader", read=("a-*", "b")))
    text = with_user(text, "ada", UserEntry("publisher", publish=()))

    assert text.startswith("# Ours\n[users.zoe]  # the boss\nrole = 'admin'\n")
    assert parse_access(text).users == {
        "zoe": UserEntry("admin"),
        "ada": UserEntry("publisher", publish=()),
        "bé.x": UserEntry("reader", read=("a-*", "b")),
    }
    assert set(parse_access(without_user(text, "ada")).users) == {"zoe", "bé.x"}


def test_a_limit_that_is_taken_away_leaves_the_file() -> None:
    text = with_user("", "ada", UserEntry("reader", read=("a-*",)))

    assert with_user(text, "ada", UserEntry("reader")) == with_user("", "ada", UserEntry("reader"))


def test_tokens_are_written_and_read_back() -> None:
    text = with_user("", "ada", UserEntry("admin"))
    plain = TokenEntry(user="bob", hash="f" * 64, created=TOKEN.created)

    text = with_token(with_token(text, "a1", TOKEN), "b2", plain)

    assert parse_access(text).tokens == {"a1": TOKEN, "b2": plain}
    assert parse_access(text).tokens["b2"].scope == Scope()
    assert parse_access(text).tokens["a1"].scope == Scope(
        frozenset({Action.READ, Action.UPLOAD}), ("acme-*",)
    )
    assert set(parse_access(without_token(text, "a1")).tokens) == {"b2"}


def test_the_tokens_of_a_user_go_with_the_user() -> None:
    text = with_token(with_user("", "ada", UserEntry("admin")), "a1", TOKEN)

    assert parse_access(without_user(text, "ada")) == parse_access("")


@pytest.mark.parametrize(
    "text",
    [
        'users.ada = {role = "admin"}\n',
        '[users]\nada = {role = "admin"}\n',
        '[users]\nada.role = "admin"\n[tokens]\n',
        '[users."ada"]\nrole = "admin" # boss\n[tokens]\n# none\n',
    ],
)
def test_whatever_the_layout_it_is_edited(text: str) -> None:
    changed = with_user(text, "ada", UserEntry("reader", publish=("q",)))
    added = with_token(with_user(changed, "bob", UserEntry("admin")), "a1", TOKEN)

    assert parse_access(added).users == {
        "ada": UserEntry("reader", publish=("q",)),
        "bob": UserEntry("admin"),
    }
    assert parse_access(added).tokens == {"a1": TOKEN}
    assert set(parse_access(without_user(added, "ada")).users) == {"bob"}


@pytest.mark.parametrize(
    "text",
    [
        'users = {ada = {role = "admin"}}\n',
        'users.ada.role = "admin"\n',
    ],
)
def test_what_cannot_be_edited_safely_is_not_edited(text: str) -> None:
    assert parse_access(text).users["ada"] == UserEntry("admin")
    with pytest.raises(UnreadableUsers, match="cannot be edited; write a table"):
        with_user(with_user(text, "ada", UserEntry("admin", read=())), "bob", UserEntry("reader"))


def test_removing_whom_the_file_does_not_know_changes_nothing() -> None:
    text = "# Ours\n[users.zoe]\nrole = 'admin'\n"

    assert without_user(text, "ada") == text
    assert without_token(text, "a1") == text


def test_who_has_no_entry_reads_everything() -> None:
    assert parse_access("").user("ada").identify("ada") == Identity("ada", "reader")


def test_one_pattern_needs_no_list() -> None:
    assert parse_access("[users.ada]\nrole = 'reader'\nread = 'acme-*'\n").users["ada"].read == (
        "acme-*",
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("users = [", "not valid TOML"),
        ("[users.ada]\n", "has no key 'role', which is required"),
        ("users = 1\n", "must be a table, not 1"),
        ("[users]\nada = 'admin'\n", "must be a table, not 'admin'"),
        ("[users.ada]\nrole = 'king'\n", "must be one of 'reader', 'publisher', 'admin'"),
        ("[users.ada]\nrole = 'admin'\nprojects = ['a']\n", "Unknown key 'projects' in users.ada"),
        ("[users.ada]\nrole = 'admin'\nread = ['a b']\n", "read: 'a b' is not a pattern"),
        ("[users.ada]\nrole = 'admin'\npublish = ['']\n", "publish: '' is not a pattern"),
        ("[user.ada]\nrole = 'reader'\n", "Unknown key 'user' in access.toml"),
        ("[tokens.'a_b']\nuser='a'\nhash='x'\ncreated=2026-01-01T00:00:00Z\n", "SHA-256"),
        (
            with_token("", "ab", TOKEN).replace("tokens.ab", "tokens.a_b"),
            "'a_b' is not the id of a token",
        ),
    ],
)
def test_a_file_that_grants_nothing_clear_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableUsers, match=reason):
        parse_access(text)


def test_an_unknown_role_is_an_error_of_its_own() -> None:
    with pytest.raises(InvalidRole):
        as_role("owner")


def test_actions_have_names() -> None:
    assert as_actions(["read", "audit"]) == {Action.READ, Action.AUDIT}
    assert as_actions([]) == frozenset()
    with pytest.raises(UsersError, match="'READ' is not an action"):
        as_actions(["READ"])


def test_patterns_are_spelled_as_names_are() -> None:
    assert as_patterns(["Acme_Core", "a.b-*", "[!x]?"]) == ("acme-core", "a-b-*", "[!x]?")
    for text in ("", "a b", "a/b", "ä", "x" * 201):
        with pytest.raises(UsersError, match="not a pattern"):
            as_patterns([text])
