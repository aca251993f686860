"""``poetry aegis sign``, in Poetry's own application."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import BuildFailed, NoProject, NoSigningKey, WrongPassphrase
from poetry_aegis.poetry_api import publish_predicate, pypi_urls
from poetry_aegis.signatures.statement import check_statement, parse_json
from poetry_aegis.signing.files import read_attestations
from poetry_aegis.signing.keystore import HOME_VARIABLE, KeyStore
from tests.support.commands import aegis
from tests.support.distributions import make_sdist, make_wheel
from tests.support.signing import open_quickly

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyStore:
    for name in [name for name in os.environ if name.startswith(("POETRY_", "AEGIS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "keys"))
    monkeypatch.setenv("AEGIS_SIGNING_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    open_quickly(monkeypatch)
    found = KeyStore(tmp_path / "keys")
    found.generate("ada", PASSPHRASE)
    return found


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the ``dist/`` of a project whose version is 1.0.0, with files of another, too."""
    folder = tmp_path / "project"
    make_sdist(folder / "dist")
    for version in ("1.0.0", "0.9.0"):
        make_wheel(folder / "dist", version=version)
    (folder / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    monkeypatch.chdir(folder)
    return folder / "dist"


def signed(dist: Path) -> set[str]:
    return {path.name for path in dist.glob("*.publish.attestation")}


SDIST, WHEEL = "demo-1.0.0.tar.gz", "demo-1.0.0-py3-none-any.whl"


def test_the_files_of_this_version_are_signed(dist: Path, store: KeyStore) -> None:
    result = aegis("sign")
    assert result.code == 0, result.err
    assert signed(dist) == {f"{name}.publish.attestation" for name in (SDIST, WHEEL)}
    for name in (SDIST, WHEEL):
        (made,) = read_attestations(dist / name)
        assert made.is_signed_by(store.read("ada").public)
        sha256 = hashlib.sha256((dist / name).read_bytes()).hexdigest()
        check_statement(made.statement, name, sha256)
        assert parse_json(made.statement.decode())["predicateType"] == publish_predicate()


def test_the_predicate_is_at_the_documentation_of_the_public_index() -> None:
    host = pypi_urls()[1].split("/")[2]
    assert publish_predicate() == f"https://docs.{host}/attestations/publish/v1"


def test_two_people_sign_one_after_the_other(dist: Path, store: KeyStore) -> None:
    store.generate("bob", PASSPHRASE)
    assert aegis("sign", "--key", "ada").code == 0
    assert "signed, 2 in all" in aegis("sign", "--key", "bob").out
    assert "signed by this key already, 2 in all" in aegis("sign", "--key", "ada").out
    document = aegis("sign", "--key", "ada", "--json").document
    assert document["key_id"] == store.read("ada").public.id
    assert [
        (file["filename"], file["signed"], file["signatures"]) for file in document["files"]
    ] == [
        (SDIST, False, 2),
        (WHEEL, False, 2),
    ]


def test_a_file_that_is_named_needs_no_project(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert aegis("sign", f"project/dist/{SDIST}").code == 0
    assert signed(dist) == {f"{SDIST}.publish.attestation"}
    assert aegis("sign").code == NoProject.exit_code


def test_the_settings_name_the_key(dist: Path, store: KeyStore) -> None:
    store.generate("bob", PASSPHRASE)
    assert aegis("sign").code == NoSigningKey.exit_code
    pyproject = dist.parent / "pyproject.toml"
    pyproject.write_text(pyproject.read_text() + '[tool.poetry-aegis.publish]\nkey = "bob"\n')
    assert "Signed with the key bob" in aegis("sign").out
    assert "Signed with the key ada" in aegis("sign", "--key", "ada").out


def test_what_is_no_distribution_is_not_signed(dist: Path) -> None:
    for name in ("notes.txt", "demo-1.0.0-py2-none-any.whl"):
        (dist / name).write_text("hello")
        assert aegis("sign", str(dist / SDIST), str(dist / name)).code == BuildFailed.exit_code
    assert aegis("sign", str(dist / "missing-1.0.tar.gz")).code == BuildFailed.exit_code
    assert not signed(dist)


def test_a_wrong_passphrase_signs_nothing(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("wrong and secret\n"))
    result = aegis("sign", "--passphrase-stdin")
    assert result.code == WrongPassphrase.exit_code
    assert "wrong and secret" not in result.out + result.err
    monkeypatch.delenv("AEGIS_SIGNING_PASSPHRASE")
    assert aegis("sign").code == WrongPassphrase.exit_code
    assert not signed(dist)


def test_the_passphrase_on_standard_input_comes_before_the_environment(
    dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_SIGNING_PASSPHRASE", "of another key")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSPHRASE}\n"))
    assert aegis("sign", "--passphrase-stdin").code == 0


def test_attestations_among_the_files_are_no_files_to_sign(dist: Path) -> None:
    for _ in range(2):
        result = aegis("sign", *(str(path) for path in dist.iterdir() if "1.0.0" in path.name))
        assert result.code == 0, result.err
    assert signed(dist) == {f"{name}.publish.attestation" for name in (SDIST, WHEEL)}


def test_an_attestation_alone_is_nothing_to_sign(dist: Path) -> None:
    """And least of all does it stand for all files of the version."""
    result = aegis("sign", str(dist / f"{WHEEL}.publish.attestation"))
    assert result.code == BuildFailed.exit_code
    assert "is not the name of a wheel or an sdist" in result.err
    assert signed(dist) == set()


def test_a_signature_that_the_project_would_not_count_is_warned_of(
    dist: Path, store: KeyStore
) -> None:
    bob = store.generate("bob", PASSPHRASE)
    ada = store.read("ada")
    project = dist.parent / "pyproject.toml"
    with project.open("a") as stream:
        stream.write("\n[tool.poetry-aegis.trust]\nthreshold = 2\n")
        for name, key in (("ada", ada), ("bob", bob)):
            stream.write(f"[tool.poetry-aegis.trust.keys.{name}]\n")
            public = key.public
            stream.write(f'keytype = "{public.keytype}"\nscheme = "{public.scheme}"\n')
            stream.write(f"public = {json.dumps(public.public)}\n")
    result = aegis("sign", "--key", "ada")
    assert result.code == 0, result.err
    assert "does not verify. Signed by ada alone; 2 signatures are wanted." in result.err
    result = aegis("sign", "--key", "bob")
    assert result.code == 0, result.err
    assert "Warning" not in result.err
