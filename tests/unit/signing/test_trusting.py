"""Keys taken into the project's trust and out of it, and what else is in those files."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.errors import NoSigningKey, SettingsError, UsageError
from poetry_aegis.settings import load_settings
from poetry_aegis.signing.keystore import StoredKey
from poetry_aegis.signing.listing import list_keys
from poetry_aegis.signing.sharing import find_shared, read_shared, share
from poetry_aegis.signing.team import load_trust
from poetry_aegis.signing.trusting import (
    Terms,
    TrustEdit,
    make_terms,
    revoke_key,
    trust_key,
)
from tests.support.signing import new_key, open_quickly

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.signatures.trust import Trust
    from poetry_aegis.signing.keystore import KeyStore

TODAY = date(2026, 6, 1)
ADA, BOB = (StoredKey(name, new_key(name).public) for name in ("ada", "bob"))

PROJECTS = {
    "plain": '[project]\nname = "demo"\n',
    "no line end": '[project]\nname = "demo"',
    "empty": "",
    "crlf": '[project]\r\nname = "demo" # x\r\n\r\n[tool.black]\r\nx = 1\r\n',
    "mixed line ends": '[project]\r\nname = "demo"\n\n[tool.black]\r\nx = 1\n',
    "tool in many places": (
        '[tool.poetry-aegis]\nsign = true\n\n[project]\nname = "demo"\n\n'
        "[tool.poetry-aegis.trust]\nthreshold = 2 # of three\n\n"
        "[tool.ruff]\nline-length = 100\n\n# the end\n"
    ),
    "dotted keys": '[tool.poetry-aegis]\ntrust.threshold = 1\n\n[project]\nname = "demo"\n',
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    open_quickly(monkeypatch)


def trust(pyproject: Path, key: StoredKey, terms: Terms | None = None, **where: bool) -> TrustEdit:
    change = trust_key(load_settings(pyproject).trust, pyproject, key, terms or Terms(), **where)
    change.edit.write()
    return change


def revoke(pyproject: Path, name: str, day: date = TODAY, reason: str = "") -> TrustEdit:
    change = revoke_key(load_settings(pyproject).trust, pyproject, name, day, reason)
    change.edit.write()
    return change


def trusted(pyproject: Path) -> Trust:
    return load_trust(load_settings(pyproject).trust, pyproject)


def as_python_reads(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib

        return tomllib.loads(path.read_text(encoding="utf-8"))
    return {}


@pytest.fixture(params=PROJECTS)
def project(request: pytest.FixtureRequest, pyproject: Path) -> Path:
    pyproject.write_bytes(PROJECTS[request.param].encode())
    return pyproject


def test_a_key_is_added_below_all_that_is_there(project: Path) -> None:
    before = project.read_bytes()
    trust(project, ADA, Terms(("acme-*",), date(2027, 12, 31)))
    after = project.read_bytes()
    assert after.startswith(before)
    whole = before.count(b"\r\n") == before.count(b"\n") > 0
    assert not whole or after.count(b"\r\n") == after.count(b"\n")
    as_python_reads(project)
    key = trusted(project).keys["ada"]
    assert key.key == ADA.public
    assert (key.projects, key.valid_until) == (("acme-*",), date(2027, 12, 31))


def test_a_key_is_revoked_and_nothing_else_is_touched(project: Path) -> None:
    trust(project, ADA)
    trust(project, BOB)
    before = project.read_text(encoding="utf-8").splitlines()
    revoke(project, "ada", reason='lost "it"')
    after = project.read_text(encoding="utf-8").splitlines()
    new = ["revoked = 2026-06-01", r'reason = "lost \"it\""']
    assert [line for line in after if line not in new] == before
    place = after.index(new[0])
    assert after[place - 1].startswith("public = ")
    keys = trusted(project).keys
    assert (keys["ada"].revoked, keys["ada"].reason) == (TODAY, 'lost "it"')
    assert keys["bob"].revoked is None
    as_python_reads(project)


def test_a_comment_above_the_next_table_stays_there(pyproject: Path) -> None:
    trust(pyproject, ADA)
    with pyproject.open("a") as stream:
        stream.write("\n# of the formatter\n[tool.black]\nx = 1\n")
    revoke(pyproject, "ada")
    assert pyproject.read_text().endswith(
        "revoked = 2026-06-01\n\n# of the formatter\n[tool.black]\nx = 1\n"
    )


def test_a_revocation_is_made_once(pyproject: Path) -> None:
    trust(pyproject, ADA)
    assert revoke(pyproject, "ada", reason="lost").edit.changes
    again = revoke(pyproject, "ada", date(2026, 7, 1), "found")
    assert not again.edit.changes
    assert (again.trusted.revoked, again.trusted.reason) == (TODAY, "lost")


def test_a_revocation_that_was_announced_is_made_now(pyproject: Path) -> None:
    trust(pyproject, ADA)
    revoke(pyproject, "ada", date(2026, 12, 31))
    assert revoke(pyproject, "ada").trusted.revoked == TODAY


def test_one_who_is_not_trusted_cannot_be_revoked(pyproject: Path) -> None:
    trust(pyproject, ADA)
    with pytest.raises(NoSigningKey, match="trusts no key 'eve'; it trusts: ada"):
        revoke(pyproject, "eve")


def test_trusting_again_changes_what_is_given_alone(pyproject: Path) -> None:
    trust(pyproject, ADA, Terms(("acme-*",), date(2027, 12, 31)))
    assert not trust(pyproject, ADA).edit.changes
    assert not trust(pyproject, ADA, Terms(("acme-*",))).edit.changes
    assert trust(pyproject, ADA, Terms(("acme-*", "tools"))).edit.changes
    key = trusted(pyproject).keys["ada"]
    assert (key.projects, key.valid_until) == (("acme-*", "tools"), date(2027, 12, 31))


def test_trusting_again_does_not_take_a_revocation_back(pyproject: Path) -> None:
    trust(pyproject, ADA)
    revoke(pyproject, "ada")
    assert trust(pyproject, ADA, Terms(("x",))).state(TODAY) == "revoked"


def test_one_key_has_one_name(pyproject: Path) -> None:
    trust(pyproject, ADA)
    with pytest.raises(SettingsError, match="trusted already, under the name ada"):
        trust(pyproject, StoredKey("countess", ADA.public))
    with pytest.raises(SettingsError, match="Another key is trusted under the name ada"):
        trust(pyproject, StoredKey("ada", BOB.public))


def test_the_teams_file_is_written_where_it_is_wanted(pyproject: Path) -> None:
    with pytest.raises(SettingsError, match="names no file of the team's"):
        trust(pyproject, ADA, in_team_file=True)
    pyproject.write_text('[tool.poetry-aegis.trust]\nfile = "keys.toml"\n')
    before = pyproject.read_bytes()
    file = pyproject.with_name("keys.toml")
    trust(pyproject, ADA, in_team_file=True)  # It is made.
    assert file.read_text().startswith("[keys.ada]\n")
    trust(pyproject, BOB, in_team_file=True)
    trust(pyproject, ADA, Terms(("acme",)))  # It stays where it is.
    revoke(pyproject, "ada")
    assert pyproject.read_bytes() == before
    assert trusted(pyproject).keys["ada"].standing(TODAY) == "revoked"
    assert trusted(pyproject).keys["bob"].standing(TODAY) == "valid"


def test_a_project_whose_trust_is_one_line_is_not_harmed(pyproject: Path) -> None:
    pyproject.write_text("[tool.poetry-aegis]\ntrust = { threshold = 1 }\n")
    before = pyproject.read_bytes()
    with pytest.raises(SettingsError, match="cannot be changed without harm") as refused:
        trust(pyproject, ADA)
    assert ADA.public.public in refused.value.hint
    assert pyproject.read_bytes() == before


def test_a_key_within_a_line_is_revoked_there(pyproject: Path) -> None:
    public = ADA.public
    pyproject.write_text(
        "[tool.poetry-aegis.trust.keys]\n"
        f'ada = {{ keytype = "ed25519", scheme = "ed25519", public = "{public.public}" }}\n'
    )
    revoke(pyproject, "ada")
    assert trusted(pyproject).keys["ada"].revoked == TODAY
    as_python_reads(pyproject)


def test_what_another_wrote_meanwhile_is_not_lost(pyproject: Path) -> None:
    change = trust_key(load_settings(pyproject).trust, pyproject, ADA, Terms())
    pyproject.write_text("# mine\n")
    with pytest.raises(SettingsError, match="changed by another meanwhile"):
        change.edit.write()
    assert pyproject.read_text() == "# mine\n"


def test_a_name_with_a_dot_is_one_name(pyproject: Path) -> None:
    key = StoredKey("ada.2026", ADA.public)
    trust(pyproject, key)
    assert set(trusted(pyproject).keys) == {"ada.2026"}
    revoke(pyproject, "ada.2026")
    assert read_shared(share(key), where="it") == key


@pytest.mark.parametrize("day", ["", None])
def test_terms_may_be_none(day: str | None) -> None:
    assert make_terms([], day) == Terms()


@pytest.mark.parametrize("day", ["tomorrow", "2027-02-30", "31.12.2027", "\x1b"])
def test_a_day_that_is_none_is_said(day: str) -> None:
    with pytest.raises(UsageError, match="is no day"):
        make_terms([], day)


def test_days_that_contradict_are_said(pyproject: Path) -> None:
    trust(pyproject, ADA)
    text = pyproject.read_text() + "valid_from = 2027-01-01\n"
    pyproject.write_text(text)
    with pytest.raises(SettingsError, match="The key ada: valid_until is before valid_from"):
        trust(pyproject, ADA, Terms(valid_until=date(2026, 1, 1)))


# What is handed from one to another


def test_what_is_shared_is_found_by_name_in_a_file_and_on_standard_input(
    store: KeyStore, ada: StoredKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ada.toml"
    file.write_text(share(ada))
    bare = StoredKey("ada", ada.public)
    assert find_shared("ada", store) == ada
    assert find_shared(str(file), store) == bare
    with file.open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert find_shared("-", store) == bare


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no key 'keys'"),
        ("nonsense", "not valid TOML"),
        ("[keys]", "has 0 keys"),
        (share(ADA) + share(BOB), "has 2 keys"),
        (share(ADA) + 'projects = ["*"]\n', "Unknown key 'projects'"),
        (share(ADA).replace("[keys.ada]", '[keys."../x"]'), "cannot be the name of a key"),
        (share(ADA).replace("ed25519", "ed448"), "a key of the kind ed25519/ed25519, not"),
        ("threshold = 1\n" + share(ADA), "Unknown key 'threshold'"),
    ],
)
def test_what_is_not_a_shared_key_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_shared(text, where="ada.toml")


def test_a_shared_file_that_is_not_text_is_said(store: KeyStore, tmp_path: Path) -> None:
    (tmp_path / "ada.toml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="cannot be read"):
        find_shared(str(tmp_path / "ada.toml"), store)


def test_neither_a_key_nor_a_file_is_said(store: KeyStore) -> None:
    with pytest.raises(NoSigningKey, match="no key eve"):
        find_shared("eve", store)


# Listing


def test_own_and_trusted_keys_are_listed(store: KeyStore, ada: StoredKey, pyproject: Path) -> None:
    store.generate("other", "another passphrase")
    trust(pyproject, StoredKey("countess", ada.public), Terms(("x",), date(2026, 1, 1)))
    trust(pyproject, BOB)
    revoke(pyproject, "bob", reason="lost")
    found = [key.to_json() for key in list_keys(store, trusted(pyproject), TODAY)]
    assert [(key["name"], key["own"], key["trusted"], key["state"]) for key in found] == [
        ("ada", True, True, "expired"),
        ("other", True, False, "not trusted"),
        ("bob", False, True, "revoked"),
    ]
    assert found[0]["trusted_as"] == "countess"
    assert found[0]["valid_until"] == "2026-01-01"
    assert (found[2]["revoked"], found[2]["reason"]) == ("2026-06-01", "lost")
