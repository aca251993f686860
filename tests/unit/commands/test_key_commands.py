"""``poetry aegis key``, in Poetry's own application."""

from __future__ import annotations

import getpass
import io
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import (
    MissingExtra,
    NoProject,
    NoSigningKey,
    SettingsError,
    SigningError,
    UsageError,
)
from poetry_aegis.settings import load_settings
from poetry_aegis.signing.keystore import HOME_VARIABLE, KeyStore
from poetry_aegis.signing.team import load_trust
from tests.support.commands import aegis

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.signatures.trust import TrustedKey

PASSPHRASE = "correct horse battery"


class Terminal(io.StringIO):
    """Standard input with a person at it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyStore:
    for name in [name for name in os.environ if name.startswith(("POETRY_", "AEGIS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "keys"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return KeyStore(tmp_path / "keys")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    monkeypatch.chdir(folder)
    return folder / "pyproject.toml"


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return what lets a person type answers, and gives the questions."""

    def answer(*answers: str) -> list[str]:
        left, asked = list(answers), []

        def ask(question: str) -> str:
            asked.append(question)
            return left.pop(0)

        monkeypatch.setattr(sys, "stdin", Terminal())
        monkeypatch.setattr(getpass, "getpass", ask)
        return asked

    return answer


@pytest.fixture
def ada(store: KeyStore) -> str:
    return store.generate("ada", PASSPHRASE).public.public


def trusted(project: Path) -> dict[str, TrustedKey]:
    return load_trust(load_settings(project).trust, project).keys


def refused(kind: type[Exception], *arguments: str) -> str:
    result = aegis(*arguments)
    assert result.code == getattr(kind, "exit_code", None), result
    return result.err


# generate


def test_a_passphrase_is_asked_for_twice(store: KeyStore, typing: Callable[..., list[str]]) -> None:
    asked = typing(PASSPHRASE, PASSPHRASE)
    result = aegis("key", "generate", "ada")
    assert result.code == 0, result.err
    assert asked == ["New passphrase: ", "The same again: "]
    assert store.read("ada").public.public in result.out
    assert "poetry aegis key trust ada" in result.out
    assert PASSPHRASE not in result.out + result.err


def test_two_passphrases_that_differ_make_no_key(
    store: KeyStore, typing: Callable[..., list[str]]
) -> None:
    typing(PASSPHRASE, PASSPHRASE.upper())
    assert "not the same" in refused(UsageError, "key", "generate", "ada")
    assert not store.names()


def test_a_short_passphrase_is_said_before_it_is_asked_for_again(
    typing: Callable[..., list[str]],
) -> None:
    asked = typing("short")
    assert "at least 8 characters" in refused(SigningError, "key", "generate", "ada")
    assert len(asked) == 1


def test_a_name_that_is_taken_is_said_before_anything_is_asked(
    ada: str, typing: Callable[..., list[str]]
) -> None:
    asked = typing()
    assert "There is a key ada already" in refused(SigningError, "key", "generate", "ada")
    assert not asked


def test_a_program_gives_the_passphrase_on_standard_input_or_in_the_environment(
    store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--passphrase-stdin" in refused(UsageError, "key", "generate", "ada")
    refused(UsageError, "key", "generate", "ada", "--passphrase-stdin")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSPHRASE}\n"))
    result = aegis("key", "generate", "ada", "--passphrase-stdin", "--json")
    assert result.document["key"]["public"] == store.read("ada").public.public
    assert result.document["file"] == str(store.private_file("ada"))
    monkeypatch.setenv("AEGIS_SIGNING_PASSPHRASE", PASSPHRASE)
    assert aegis("key", "generate", "bob").code == 0
    assert store.names() == ["ada", "bob"]


# export and trust


def test_what_is_exported_is_what_others_trust(
    ada: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = aegis("key", "export").out
    (tmp_path / "ada.toml").write_text(table)
    assert aegis("key", "trust", str(tmp_path / "ada.toml")).code == 0
    assert trusted(project)["ada"].public == ada
    monkeypatch.setattr(sys, "stdin", io.StringIO(table))
    assert "in pyproject.toml already" in aegis("key", "trust", "-").out
    assert aegis("key", "export", "ada", "--json").document["table"] == table


def test_a_key_is_trusted_on_terms(ada: str, project: Path) -> None:
    terms = ["--projects", "acme-*", "--projects", "tools", "--valid-until", "2999-12-31"]
    result = aegis("key", "trust", "ada", "--as", "countess", *terms)
    assert "The key countess is in pyproject.toml; it may sign: acme-*, tools." in result.out
    key = trusted(project)["countess"]
    assert key.projects == ("acme-*", "tools")
    assert str(key.valid_until) == "2999-12-31"


def test_a_key_that_is_past_its_day_is_warned_of(ada: str) -> None:
    result = aegis("key", "trust", "ada", "--valid-until", "2001-01-01")
    assert "Warning: the key ada is expired." in result.err


def test_a_dry_run_shows_the_change_and_makes_none(ada: str, project: Path) -> None:
    before = project.read_bytes()
    result = aegis("key", "trust", "ada", "--dry-run")
    assert f'+public = "{ada}"' in result.out
    assert "Nothing was changed." in result.out
    assert project.read_bytes() == before
    document = aegis("key", "trust", "ada", "--dry-run", "--json").document
    assert (document["changed"], document["dry_run"]) == (True, True)
    assert project.read_bytes() == before


def test_the_teams_file_is_written_on_request(ada: str, project: Path) -> None:
    assert "names no file" in refused(SettingsError, "key", "trust", "ada", "--file")
    project.write_text(project.read_text() + '[tool.poetry-aegis.trust]\nfile = "team.toml"\n')
    document = aegis("key", "trust", "ada", "--file", "--json").document
    assert (document["file"], document["state"]) == ("team.toml", "valid")
    assert "[keys.ada]" in project.with_name("team.toml").read_text()


def test_trust_is_of_a_project(
    ada: str, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(NoProject, "key", "trust", "ada")
    refused(NoProject, "key", "revoke", "ada")


# revoke


def test_a_key_is_revoked_once(ada: str, project: Path) -> None:
    aegis("key", "trust", "ada")
    preview = aegis("key", "revoke", "ada", "--reason", "lost", "--dry-run")
    assert '+reason = "lost"' in preview.out
    assert trusted(project)["ada"].revoked is None
    assert "is revoked in pyproject.toml" in aegis("key", "revoke", "ada", "--reason", "lost").out
    assert trusted(project)["ada"].reason == "lost"
    before = project.read_bytes()
    assert "has been revoked since" in aegis("key", "revoke", "ada").out
    document = aegis("key", "revoke", "ada", "--json").document
    assert (document["changed"], document["reason"]) == (False, "lost")
    assert project.read_bytes() == before


def test_a_reason_is_one_line(ada: str, project: Path) -> None:
    aegis("key", "trust", "ada")
    refused(SettingsError, "key", "revoke", "ada", "--reason", "two\nlines")
    assert trusted(project)["ada"].revoked is None


def test_one_who_is_not_trusted_is_not_revoked(ada: str) -> None:
    assert "it trusts: none" in refused(NoSigningKey, "key", "revoke", "ada")


# list


def test_keys_are_listed_with_what_is_known_of_them(
    ada: str, store: KeyStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store.generate("bob", PASSPHRASE)
    aegis("key", "trust", "ada", "--valid-until", "2999-12-31")
    aegis("key", "trust", "bob", "--as", "robert")
    aegis("key", "revoke", "robert")
    lines = [line.split() for line in aegis("key", "list").out.splitlines()]
    own = store.read("ada").public.id[:16]
    assert lines[0] == ["NAME", "KIND", "ID", "WHOSE", "UNTIL", "STATE"]
    assert lines[1] == ["ada", "ed25519", own, "own", "2999-12-31", "valid"]
    assert lines[2][3:] == ["own", "-", "revoked,", "as", "robert"]
    document = aegis("key", "list", "--json").document
    assert document["threshold"] == 1
    assert [key["state"] for key in document["keys"]] == ["valid", "revoked"]
    monkeypatch.chdir(tmp_path)  # outside of the project
    assert [key["state"] for key in aegis("key", "list", "--json").document["keys"]] == [
        "not trusted",
        "not trusted",
    ]


def test_no_keys_are_said() -> None:
    assert "There are no keys." in aegis("key", "list").out


def test_a_listing_of_common_keys_is_80_columns_wide(ada: str) -> None:
    aegis("key", "trust", "ada")
    assert max(map(len, aegis("key", "list").out.splitlines())) <= 80


# add


def test_a_place_has_to_be_named() -> None:
    assert "Where is the key?" in refused(UsageError, "key", "add", "ada")
    both = ["--gpg", "0" * 40, "--uri", "awskms:x"]
    assert "not both" in refused(UsageError, "key", "add", "ada", *both)
    refused(UsageError, "key", "add", "ada", "--gpg", "ada@example.com")


def test_a_name_that_is_taken_is_not_added(ada: str) -> None:
    assert "There is a key ada already" in refused(
        SigningError, "key", "add", "ada", "--uri", "awskms:x"
    )


# all


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", "x"),
        ("add", "x", "--uri", "awskms:x"),
        ("list",),
        ("export", "ada"),
        ("trust", "ada"),
    ],
)
def test_without_the_extra_the_way_to_it_is_said(
    ada: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("poetry_aegis.signing.extra.find_spec", lambda _: None)
    assert "poetry-aegis[signing]" in refused(MissingExtra, "key", *arguments)


def test_errors_are_json_too(store: KeyStore) -> None:
    result = aegis("key", "export", "eve", "--json")
    assert json.loads(result.out)["error"] == "NoSigningKey"
