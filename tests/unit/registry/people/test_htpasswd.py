from __future__ import annotations

import bcrypt
import pytest

from poetry_aegis.registry.errors import InvalidPassword
from poetry_aegis.registry.people.htpasswd import (
    Htpasswd,
    hash_password,
    is_bcrypt,
    nobodys_hash,
    verifies,
)

HAND_EDITED = "# The team\nada:$2y$04$x\n\nbob:{SHA}abc\nada:second\n:nameless\nno colon\n"


def test_comments_and_strange_lines_stay_as_they_are() -> None:
    parsed = Htpasswd.parse(HAND_EDITED)

    assert parsed.render() == HAND_EDITED
    assert parsed.hashes == {"ada": "$2y$04$x", "bob": "{SHA}abc"}


def test_a_user_is_replaced_in_place_and_added_at_the_end() -> None:
    replaced = Htpasswd.parse(HAND_EDITED).with_user("ada", "new").with_user("eve", "hash")

    assert replaced.render() == (
        "# The team\nada:new\n\nbob:{SHA}abc\n:nameless\nno colon\neve:hash\n"
    )


def test_every_line_of_a_removed_user_goes() -> None:
    assert "ada" not in Htpasswd.parse(HAND_EDITED).without_user("ada").render()


def test_what_follows_a_second_colon_is_a_comment() -> None:
    assert Htpasswd.parse("ada:hash:Ada Lovelace").hashes == {"ada": "hash"}


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_every_spelling_of_bcrypt_is_verified(prefix: str) -> None:
    password_hash = prefix + bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()[4:]

    assert is_bcrypt(password_hash)
    assert verifies("secret", password_hash)
    assert not verifies("Secret", password_hash)


def test_hashes_are_written_as_htpasswd_writes_them() -> None:
    password_hash = hash_password("pässword", rounds=4)

    assert password_hash.startswith("$2y$04$")
    assert verifies("pässword", password_hash)


def test_new_passwords_cost_two_to_the_twelfth() -> None:
    assert hash_password("secret").startswith("$2y$12$")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "empty"),
        ("a" * 73, "73 bytes long; bcrypt takes at most 72"),
        ("ä" * 37, "74 bytes long"),
        ("with\nline", "control characters"),
        ("with\0nul", "control characters"),
    ],
)
def test_a_password_that_bcrypt_cannot_carry_is_refused(password: str, reason: str) -> None:
    with pytest.raises(InvalidPassword, match=reason) as caught:
        hash_password(password, rounds=4)

    assert not password or password not in str(caught.value)


def test_a_longer_password_is_not_the_same_as_its_first_72_bytes() -> None:
    password_hash = hash_password("a" * 72, rounds=4)

    assert verifies("a" * 72, password_hash)
    assert not verifies("a" * 73, password_hash)
    assert not verifies("a\0" + "a" * 70, password_hash)


@pytest.mark.parametrize(
    "text", ["{SHA}abc", "$apr1$x$y", "$2y$99$" + "." * 53, "$2y$04$short", ""]
)
def test_other_schemes_are_told_apart(text: str) -> None:
    assert not is_bcrypt(text)


def test_nobodys_hash_costs_what_the_costliest_costs_and_fits_nothing() -> None:
    cheap, dear = hash_password("a", rounds=4), hash_password("b", rounds=5)

    nobody = nobodys_hash({"a": cheap, "b": dear, "c": "{SHA}x"})

    assert is_bcrypt(nobody)
    assert nobody.startswith("$2b$05$")
    assert not verifies("a", nobody)
    assert nobodys_hash({}).startswith("$2b$12$")
