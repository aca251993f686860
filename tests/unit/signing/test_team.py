"""Whom a project trusts: its own settings and the team's file, together."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import extras
from poetry_aegis.errors import MissingExtra, SettingsError
from poetry_aegis.settings import load_settings
from poetry_aegis.signing.team import load_team_file, load_trust
from tests.support.signing import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.signatures.trust import Trust

ADA, BOB = new_key("ada"), new_key("bob")


def trust_of(pyproject: Path, text: str) -> Trust:
    pyproject.write_text(text)
    return load_trust(load_settings(pyproject).trust, pyproject)


def team(pyproject: Path, *tables: str, name: str = "keys.toml") -> Path:
    path = pyproject.parent / name
    path.write_text("".join(tables).replace("tool.poetry-aegis.trust.", ""))
    return path


def test_a_project_that_says_nothing_trusts_nobody(pyproject: Path) -> None:
    trust = trust_of(pyproject, "")
    assert (trust.threshold, trust.keys) == (1, {})


def test_keys_of_both_places_are_trusted(pyproject: Path) -> None:
    team(pyproject, "threshold = 2\n", BOB.trusted())
    trust = trust_of(pyproject, f'{ADA.trusted()}[tool.poetry-aegis.trust]\nfile = "keys.toml"\n')
    assert set(trust.by_id) == {ADA.public.id, BOB.public.id}
    assert trust.threshold == 2


def test_the_projects_own_threshold_wins(pyproject: Path) -> None:
    team(pyproject, "threshold = 2\n", BOB.trusted())
    text = '[tool.poetry-aegis.trust]\nthreshold = 1\nfile = "keys.toml"\n'
    assert trust_of(pyproject, text).threshold == 1


def test_the_file_is_found_beside_the_project_from_anywhere(
    pyproject: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team(pyproject, BOB.trusted(), name="../shared.toml")
    monkeypatch.chdir("/")
    text = '[tool.poetry-aegis.trust]\nfile = "../shared.toml"\n'
    assert set(trust_of(pyproject, text).keys) == {"bob"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("threshold = 0", "threshold must be 1 to 16"),
        ('file = "missing.toml"', "missing.toml, which is not there"),
        ('file = "large.toml/keys.toml"', "large.toml/keys.toml, which is not there"),
        ('file = "loop"', "loop, which cannot be read: Too many levels of symbolic links"),
        ('file = "a\\u0000b"', r"a\\x00b', which cannot be read: "),
        ('file = "."', "no file of at most 1 MiB"),
        ('file = "pipe"', "no file of at most 1 MiB"),
        ('file = "large.toml"', "no file of at most 1 MiB"),
        ('file = "broken.toml"', "not valid TOML"),
        ('file = "binary.toml"', "not valid TOML"),
        ('file = "unknown.toml"', "Unknown key 'guard'"),
        ('file = "twice.toml"', "The key ada stands both in"),
        ('file = "same.toml"', "keys.ada and keys.eve are the same key"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(pyproject: Path, table: str, said: str) -> None:
    folder = pyproject.parent
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "large.toml").write_text("#" * (1 << 20) + "\n")
    (folder / "broken.toml").write_text("[")
    (folder / "binary.toml").write_bytes(b"\xff\xfe")
    team(pyproject, "guard = true\n", name="unknown.toml")
    team(pyproject, BOB.trusted().replace("keys.bob", "keys.ada"), name="twice.toml")
    team(pyproject, ADA.trusted().replace("keys.ada", "keys.eve"), name="same.toml")
    with pytest.raises(SettingsError, match=said.replace("[", r"\[")):
        trust_of(pyproject, f"{ADA.trusted()}[tool.poetry-aegis.trust]\n{table}\n")


@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_is_of_no_use_is_named_as_it_is_found(pyproject: Path, there: bool) -> None:
    """By its whole path, beside the setting that leads to it, and with the way out."""
    found = pyproject.parent.parent / "shared" / "team.toml"
    found.parent.mkdir()
    (pyproject.parent / "link").symlink_to(found.parent)
    if there:
        found.mkdir()
    with pytest.raises(SettingsError) as refused:
        trust_of(pyproject, '[tool.poetry-aegis.trust]\nfile = "link/../shared/team.toml"\n')
    why = "is no file of at most 1 MiB" if there else "is not there"
    setting = "The setting file in [tool.poetry-aegis.trust]"
    assert str(refused.value) == f"{setting} names {os.path.realpath(found)}, which {why}."
    assert "relative to pyproject.toml" in refused.value.hint
    assert ("poetry aegis key trust NAME --file" in refused.value.hint) is not there


@pytest.mark.skipif(os.name != "posix", reason="permission bits are those of POSIX")
def test_a_file_that_may_not_be_read_is_said(pyproject: Path) -> None:
    file = team(pyproject, BOB.trusted())
    file.chmod(0)
    with as_nobody(), pytest.raises(SettingsError, match=r"cannot be read: Permission denied"):
        load_team_file(file)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Give up what root may: it reads everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_key_that_is_none_is_named_with_its_place(pyproject: Path) -> None:
    bad = ADA.trusted().replace(ADA.public.public, "abc")
    with pytest.raises(SettingsError, match=r"trust\] of .*pyproject.toml: keys.ada: ") as refused:
        trust_of(pyproject, bad)
    assert "poetry aegis key export" in refused.value.hint


def test_without_the_extra_it_is_named(pyproject: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only = {"cryptography", "bcrypt"}
    monkeypatch.setattr(extras, "find_spec", lambda name: name if name in only else None)
    assert not trust_of(pyproject, "").keys  # Nothing is needed where nothing is trusted.
    with pytest.raises(MissingExtra, match="securesystemslib") as refused:
        trust_of(pyproject, ADA.trusted())
    assert 'poetry self add "poetry-aegis[signing]"' in refused.value.hint
