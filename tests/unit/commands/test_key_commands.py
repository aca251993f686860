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
    WrongPassphrase,
)
from poetry_aegis.settings import load_settings
from poetry_aegis.signing.keystore import HOME_VARIABLE, KeyStore
from poetry_aegis.signing.signers import open_key
from poetry_aegis.signing.team import load_trust
from tests.support.commands import Terminal, aegis
from tests.support.signing import open_quickly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.signatures.trust import TrustedKey

PASSPHRASE = "correct horse battery"
NEW = "staple and another horse"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyStore:
    for name in [name for name in os.environ if name.startswith(("POETRY_", "AEGIS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "keys"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    open_quickly(monkeypatch)
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


@pytest.mark.parametrize("name", ["../bob.toml", "bob.toml", "keys/bob"])
def test_a_file_that_is_not_there_is_not_taken_for_a_name(ada: str, name: str) -> None:
    result = aegis("key", "trust", name)
    assert result.code == NoSigningKey.exit_code
    assert f"There is no file {name}." in result.err
    assert "poetry aegis key export" in result.err


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


# passphrase


def opens(passphrase: str) -> bool:
    """Tell whether *passphrase* opens the key ada."""
    try:
        open_key("ada", None, lambda _: passphrase)
    except WrongPassphrase:
        return False
    return True


def test_the_old_passphrase_is_asked_for_once_and_the_new_one_twice(
    ada: str, typing: Callable[..., list[str]]
) -> None:
    asked = typing(PASSPHRASE, NEW, NEW)
    result = aegis("key", "passphrase", "ada")
    assert result.code == 0, result.err
    assert asked == ["Passphrase of the key ada: ", "New passphrase: ", "The same again: "]
    assert "The key ada has a new passphrase." in result.out
    assert (opens(PASSPHRASE), opens(NEW)) == (False, True)
    assert not any(secret in result.out + result.err for secret in (PASSPHRASE, NEW))


def test_a_wrong_old_passphrase_is_said_before_a_new_one_is_asked_for(
    ada: str, typing: Callable[..., list[str]]
) -> None:
    asked = typing(NEW)
    assert "does not open" in refused(WrongPassphrase, "key", "passphrase", "ada")
    assert len(asked) == 1
    assert opens(PASSPHRASE)


def test_new_passphrases_that_differ_change_nothing(
    ada: str, typing: Callable[..., list[str]]
) -> None:
    typing(PASSPHRASE, NEW, NEW.upper())
    assert "not the same" in refused(UsageError, "key", "passphrase", "ada")
    assert opens(PASSPHRASE)


def test_a_program_gives_both_passphrases_a_line_each(
    ada: str, store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_SIGNING_PASSPHRASE", "that of another key")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSPHRASE}\n{NEW}\n"))
    result = aegis("key", "passphrase", "ada", "--passphrase-stdin", "--json")
    assert result.document["key"]["public"] == ada
    assert result.document["file"] == str(store.private_file("ada"))
    assert not any(secret in result.out + result.err for secret in (PASSPHRASE, NEW))
    assert (opens(PASSPHRASE), opens(NEW)) == (False, True)


@pytest.mark.parametrize("given", [PASSPHRASE, f"{PASSPHRASE}\n", f"{PASSPHRASE}\n\n"])
def test_one_line_is_not_taken_for_both(
    ada: str, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    said = refused(UsageError, "key", "passphrase", "ada", "--passphrase-stdin")
    assert "give both, a line each" in said
    assert opens(PASSPHRASE)


def test_the_environment_has_the_old_passphrase_and_never_the_new_one(
    ada: str, monkeypatch: pytest.MonkeyPatch, typing: Callable[..., list[str]]
) -> None:
    refused(WrongPassphrase, "key", "passphrase", "ada")
    monkeypatch.setenv("AEGIS_SIGNING_PASSPHRASE", PASSPHRASE)
    refused(UsageError, "key", "passphrase", "ada")
    asked = typing(NEW, NEW)
    assert aegis("key", "passphrase", "ada").code == 0
    assert asked == ["New passphrase: ", "The same again: "]
    assert opens(NEW)


def test_a_key_that_lies_open_takes_the_second_line(
    ada: str, store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from poetry_aegis.signing.private import decrypt

    file = store.private_file("ada")
    private = decrypt(file.read_bytes(), lambda _: PASSPHRASE, whose="ada")
    file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"the first line\n{NEW}\n"))
    assert aegis("key", "passphrase", "ada", "--passphrase-stdin").code == 0
    assert (opens("the first line"), opens(NEW)) == (False, True)


# remove


def answering(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(text))


@pytest.mark.parametrize("answer", ["y", "yes", "Y"])
def test_a_key_is_removed_after_a_yes(
    ada: str, store: KeyStore, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    answering(monkeypatch, f"{answer}\n")
    result = aegis("key", "remove", "ada")
    assert result.code == 0, result.err
    assert str(store.private_file("ada")) in result.out
    assert "Remove the private key for good? [y/N]" in result.err
    assert "What it has signed stays valid" in result.out
    assert "poetry aegis key revoke" in result.out
    assert not store.names()


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "ada\n"])
def test_anything_but_a_yes_removes_nothing(
    ada: str, store: KeyStore, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    answering(monkeypatch, answer)
    assert "Nothing was removed." in refused(UsageError, "key", "remove", "ada")
    assert opens(PASSPHRASE)


def test_where_nobody_can_be_asked_a_yes_is_wanted(ada: str, store: KeyStore) -> None:
    for more in ([], ["--json"]):
        assert "--yes" in refused(UsageError, "key", "remove", "ada", *more)
    assert store.names() == ["ada"]
    document = aegis("key", "remove", "ada", "--yes", "--json").document
    assert document == {
        "name": "ada",
        "kind": "ed25519",
        "id": document["id"],
        "uri": "",
        "removed": True,
        "dry_run": False,
    }
    assert not store.names()
    assert "it has: none" in refused(NoSigningKey, "key", "remove", "ada", "--yes")


def test_a_dry_run_removes_nothing(ada: str, store: KeyStore) -> None:
    for more in ([], ["--yes"]):
        result = aegis("key", "remove", "ada", "--dry-run", *more)
        assert "To be removed: the key ada, ed25519" in result.out
        assert "Nothing was changed." in result.out
    document = aegis("key", "remove", "ada", "--dry-run", "--json").document
    assert (document["removed"], document["dry_run"]) == (False, True)
    assert opens(PASSPHRASE)


def test_a_key_that_is_kept_elsewhere_is_only_forgotten(
    ada: str, store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add("cloud", store.read("ada").public, "awskms:alias/release")
    answering(monkeypatch, "y\n")
    result = aegis("key", "remove", "cloud")
    assert "It is only forgotten here, and stays in awskms:alias/release." in result.out
    assert "Remove the entry? [y/N]" in result.err
    assert store.names() == ["ada"]


def test_a_removed_key_is_trusted_as_before(ada: str, project: Path) -> None:
    aegis("key", "trust", "ada")
    before = project.read_bytes()
    assert aegis("key", "remove", "ada", "--yes").code == 0
    assert project.read_bytes() == before
    assert aegis("key", "revoke", "ada").code == 0  # That needs no private key.
    assert trusted(project)["ada"].revoked


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
        ("passphrase", "ada"),
        ("remove", "ada", "--yes"),
    ],
)
def test_without_the_extra_the_way_to_it_is_said(
    ada: str, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr("poetry_aegis.extras.find_spec", lambda _: None)
    assert "poetry-aegis[signing]" in refused(MissingExtra, "key", *arguments)


def test_errors_are_json_too(store: KeyStore) -> None:
    result = aegis("key", "export", "eve", "--json")
    assert json.loads(result.out)["error"] == "NoSigningKey"
