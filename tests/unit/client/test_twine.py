from __future__ import annotations

import os
from pathlib import Path

import pytest

from poetry_aegis.client import ini, keyrings, pip, twine
from poetry_aegis.client.poetry import Index
from poetry_aegis.client.setup import Login
from poetry_aegis.errors import AegisError, UsageError

INDEX = Index("corp", "https://host/", Path("/ca.crt"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in list(os.environ):
        if name.startswith(("PIP_", "TWINE_")) or name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)
    return tmp_path


def written(content: str | None, *, in_keyring: bool = False) -> str:
    (want,) = twine.work(INDEX, Login("ada", "s3cret"), in_keyring=in_keyring).wants
    after = want.change(None if content is None else content.encode())
    assert want.change(after) == after
    assert want.private is not in_keyring
    return after.decode()


SECTION = (
    "[corp]\nrepository = https://host/legacy/\nca_cert = /ca.crt\nusername = ada\n"
    "password = s3cret\n"
)
LISTED = "[distutils]\nindex-servers =\n    pypi\n    testpypi\n    corp\n"


def test_a_list_of_our_own_takes_no_repository_away() -> None:
    assert written(None) == f"{LISTED}\n{SECTION}"
    assert written("[pypi]\nusername = x\n") == f"[pypi]\nusername = x\n\n{LISTED}\n{SECTION}"
    assert written("[distutils]\nindex-servers=a b\n") == (
        f"[distutils]\nindex-servers =\n    a\n    b\n    corp\n\n{SECTION}"
    )


def test_with_a_keyring_the_file_has_no_password() -> None:
    assert "s3cret" not in written(None, in_keyring=True)
    work = twine.work(INDEX, Login("ada", "s3cret"), in_keyring=True)
    assert work.keyring == (("https://host/legacy/", "ada"),)
    assert not work.notes


def test_without_one_it_is_said_where_the_password_will_be(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINE_PASSWORD", "s3cret")
    notes = twine.work(INDEX, Login("ada", "s3cret"), in_keyring=False).notes
    where, hidden = notes
    assert where.startswith(f"There is no keyring here: the password is in {home / '.pypirc'}")
    assert hidden == f"TWINE_PASSWORD is set, and twine obeys it before {home / '.pypirc'}."


@pytest.mark.parametrize("password", [" s3cret", "s3cret\nx = 1", "s3cret\x00"])
def test_what_the_file_cannot_hold_is_refused_and_not_repeated(password: str) -> None:
    for login in (Login("ada", password), Login(password, "x")):
        with pytest.raises(UsageError, match="cannot hold") as caught:
            twine.work(INDEX, login, in_keyring=False)
        assert "s3cret" not in f"{caught.value}{caught.value.hint}"


def test_a_file_that_cannot_be_changed_gives_no_password_away() -> None:
    with pytest.raises(AegisError, match="without harm") as caught:
        ini.with_options(None, "x", {"password": "s3cret\ny = 1", "url": "https://u:s3cret@h/"})
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"


def test_pip_is_told_of_what_stands_in_its_way(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "pip.conf"
    path.write_text("[global]\nextra-index-url = https://x/\n[install]\nindex-url = https://y/\n")
    monkeypatch.setattr(pip, "files", lambda: {"user": [path]})
    monkeypatch.setenv("PIP_CERT", "/x")
    notes = pip.work(INDEX).notes
    for told, note in zip(("PIP_CERT", "extra-index-url", "[install]"), notes, strict=True):
        assert told in note


def test_no_keyring_holds_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backends import fail

    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    try:
        assert not keyrings.holds("service", "ada")
        assert not keyrings.drop("service", "ada")
        with pytest.raises(AegisError, match="keyring does not take") as caught:
            keyrings.store("service", "ada", "s3cret")
        assert "s3cret" not in f"{caught.value}{caught.value.hint}"
    finally:
        keyring.set_keyring(before)
