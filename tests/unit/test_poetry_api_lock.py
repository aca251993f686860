"""A lock and its sources as the real Poetry reads them, and the environment it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from poetry.console.application import Application
from poetry.console.commands.about import AboutCommand

from poetry_aegis import errors, poetry_api
from poetry_aegis.publish.repository import Repository
from poetry_aegis.signing.findings import LockedFile
from tests.support.guarded import UserProject, enter, make_user_project

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "0" * 64
INDEX = "https://corp.example/root/+simple"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UserProject:
    made = make_user_project(tmp_path / "project", INDEX, "")
    enter(made, monkeypatch)
    return made


def command() -> AboutCommand:
    """Return a command as Poetry would run it where the tests are."""
    made = AboutCommand()
    made.set_application(Application())
    return made


def test_a_private_package_is_read_with_its_files(project: UserProject) -> None:
    project.write_lock("Acme.Core", "1.0", {"acme_core-1.0.tar.gz": DIGEST})
    (found,) = poetry_api.read_lock(command())
    assert (found.name, found.version, found.source) == ("acme-core", "1.0", "corp")
    assert found.files == (LockedFile("acme_core-1.0.tar.gz", DIGEST),)


@pytest.mark.parametrize(
    "source",
    [
        '[package.source]\ntype = "git"\nurl = "https://a.example/b.git"\nreference = "main"\n',
        '[package.source]\ntype = "directory"\nurl = "../acme"\n',
        '[package.source]\ntype = "url"\nurl = "https://a.example/acme-1.tar.gz"\n',
    ],
)
def test_what_comes_from_no_private_index_is_not_meant(project: UserProject, source: str) -> None:
    project.write_lock("acme", "1.0", {"acme-1.0.tar.gz": DIGEST})
    text = project.lock.read_text()
    start, end = text.index("[package.source]"), text.index("[metadata]")
    project.lock.write_text(f"{text[:start]}{source}\n{text[end:]}")
    assert poetry_api.read_lock(command()) == ()


@pytest.mark.parametrize("kind", ["Legacy", "pypi", "index"])
def test_whatever_poetry_would_look_for_on_a_private_index_is_meant(
    project: UserProject, kind: str
) -> None:
    project.write_lock("acme", "1.0", {"acme-1.0.tar.gz": DIGEST})
    project.lock.write_text(project.lock.read_text().replace('"legacy"', f'"{kind}"'))
    (found,) = poetry_api.read_lock(command())
    assert found.source == "corp"


@pytest.mark.parametrize(("priority", "private"), [("primary", True), ("supplemental", False)])
def test_without_a_source_it_depends_on_whether_the_project_uses_the_public_index(
    project: UserProject, priority: str, private: bool
) -> None:
    pyproject = project.root / "pyproject.toml"
    pyproject.write_text(f'{pyproject.read_text().rstrip()}\npriority = "{priority}"\n')
    project.write_lock("acme", "1.0", {"acme-1.0.tar.gz": DIGEST})
    text = project.lock.read_text()
    start, end = text.index("[package.source]"), text.index("[metadata]")
    project.lock.write_text(f"{text[:start]}\n{text[end:]}")
    found = poetry_api.read_lock(command())
    assert [package.source for package in found] == (["corp"] if private else [])


def test_a_lock_of_an_older_poetry_is_read(project: UserProject) -> None:
    project.write_lock("acme", "1.0", {"acme-1.0.tar.gz": DIGEST})
    text = project.lock.read_text().replace('lock-version = "2.1"', 'lock-version = "1.1"')
    files = f'[{{file = "acme-1.0.tar.gz", hash = "{DIGEST}"}}]'
    text = text.replace(f"files = {files}\n", "").replace('groups = ["main"]', 'category = "main"')
    project.lock.write_text(f"{text}\n[metadata.files]\nacme = {files}\n")
    (found,) = poetry_api.read_lock(command())
    assert found.files == (LockedFile("acme-1.0.tar.gz", DIGEST),)


@pytest.mark.parametrize(
    "text", ["", "[metadata]\n", "package = 1\n", "\udcff", "[[package]]\n", "\x00"]
)
def test_a_broken_lock_is_a_sentence(project: UserProject, text: str) -> None:
    project.lock.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(errors.NotVerified):
        poetry_api.read_lock(command())


def test_a_lock_whose_packages_cannot_be_read_is_a_sentence(project: UserProject) -> None:
    project.write_lock("acme", "no version", {})
    with pytest.raises(errors.NotVerified, match="cannot be read") as caught:
        poetry_api.read_lock(command())
    assert "poetry lock --regenerate" in caught.value.hint


def test_a_project_that_poetry_does_not_load_is_a_sentence(project: UserProject) -> None:
    pyproject = project.root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('version = "1"', "version = 1"))
    with pytest.raises(errors.CorruptProject, match="Poetry cannot load the project"):
        poetry_api.read_lock(command())


def test_a_source_is_read_at_its_own_address_with_its_credentials(
    project: UserProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository of the same name is where uploads go, perhaps to another place."""
    (project.root / "poetry.toml").write_text(
        '[repositories.corp]\nurl = "https://upload.corp.example/legacy/"\n'
    )
    project.write_lock("acme", "1.0", {})
    sources = poetry_api.sources_of(command(), poetry_api.read_lock(command()))
    found = sources["corp"]
    assert isinstance(found, Repository)
    assert found.index_url == f"{INDEX}/"
    assert (found.username, bool(found.password)) == ("rae", True)


def test_a_source_that_the_project_lacks_is_an_error_in_its_place(project: UserProject) -> None:
    project.write_lock("acme", "1.0", {}, source="gone")
    sources = poetry_api.sources_of(command(), poetry_api.read_lock(command()))
    assert isinstance(sources["gone"], errors.UnknownRepository)


def test_a_certificate_that_cannot_be_read_is_an_error_in_its_place(
    project: UserProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POETRY_CERTIFICATES_CORP_CERT", str(project.root / "missing.pem"))
    project.write_lock("acme", "1.0", {})
    sources = poetry_api.sources_of(command(), poetry_api.read_lock(command()))
    assert isinstance(sources["corp"], errors.SettingsError)


def test_an_environment_is_not_made_to_look_into_it(
    project: UserProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POETRY_VIRTUALENVS_IN_PROJECT", "true")
    with pytest.raises(errors.NotVerified, match="has no environment"):
        poetry_api.find_environment(command())
    assert not (project.root / ".venv").exists()


def test_where_poetry_makes_none_the_system_is_the_environment(
    project: UserProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POETRY_VIRTUALENVS_CREATE", "false")
    found = poetry_api.find_environment(command())
    assert found.purelib.is_dir()
    assert found.purelib == found.purelib.resolve()
