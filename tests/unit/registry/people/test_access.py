from __future__ import annotations

import pytest

from poetry_aegis.registry.errors import InvalidRole, UnreadableUsers
from poetry_aegis.registry.people.access import parse_roles, with_role
from poetry_aegis.registry.people.identity import Action, Identity, Role


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("reader", {Action.READ}),
        ("publisher", {Action.READ, Action.UPLOAD}),
        ("admin", {Action.READ, Action.UPLOAD, Action.OVERWRITE}),
    ],
)
def test_each_role_includes_what_the_lesser_ones_may(role: Role, allowed: set[Action]) -> None:
    assert {action for action in Action if Identity("ada", role).may(action)} == allowed


def test_roles_are_written_and_read_back_beside_what_is_there() -> None:
    text = "# Ours\n[future]\nkey = 1\n"

    text = with_role(text, "ada", "admin")
    text = with_role(text, "bé.x", "reader")
    text = with_role(text, "ada", "publisher")

    assert text.startswith("# Ours\n[future]\nkey = 1\n")
    assert parse_roles(text) == {"ada": "publisher", "bé.x": "reader"}
    assert parse_roles(with_role(text, "ada", None)) == {"bé.x": "reader"}


def test_removing_whom_the_file_does_not_know_changes_nothing() -> None:
    assert parse_roles(with_role("", "ada", None)) == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("users = [", "not valid TOML"),
        ("[users.ada]\n", "without a role"),
        ("users = 1\n", "without a role"),
        ("[users]\nada = 'admin'\n", "without a role"),
        ("[users.ada]\nrole = 'king'\n", "'king' is not a role; the roles are reader"),
        (
            "[users.ada]\nrole = 'admin'\nprojects = ['a']\n",
            "'ada' 'projects', which means nothing",
        ),
    ],
)
def test_a_file_that_grants_nothing_clear_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableUsers, match=reason):
        parse_roles(text)


def test_an_unknown_role_is_an_error_of_its_own() -> None:
    from poetry_aegis.registry.people.access import as_role

    with pytest.raises(InvalidRole):
        as_role("owner")
