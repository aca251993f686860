"""What is asked of Poetry, asked of the real one, with a configuration of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from poetry.config.config import Config
from poetry.console.application import Application
from poetry.console.commands.about import AboutCommand
from poetry.factory import Factory

from poetry_aegis import errors, poetry_api
from poetry_aegis.poetry_api.clients import known_login

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return Poetry's configuration directory, which does not exist yet."""
    directory = tmp_path / "config"
    for name in list(os.environ):
        if name.startswith("POETRY_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("POETRY_KEYRING_ENABLED", "false")
    monkeypatch.setattr("poetry.locations.CONFIG_DIR", directory)
    monkeypatch.setattr("poetry.config.config.CONFIG_DIR", directory)
    monkeypatch.setattr("poetry.config.config._default_config", None)
    return directory


def command_in(project: GitProject) -> AboutCommand:
    """Return a command as Poetry would run it in *project*."""
    application = Application()
    application._working_directory = project.root
    command = AboutCommand()
    command.set_application(application)
    command.set_poetry(Factory().create_poetry(project.root))
    return command


def write_config(config: Path, text: str) -> None:
    config.mkdir(exist_ok=True)
    (config / "config.toml").write_text(text)


def write_repository(config: Path, url: str = "https://corp.example/") -> None:
    """Write what Poetry keeps of the repository ``corp`` and of its user."""
    write_config(config, f'[repositories.corp]\nurl = "{url}"\n')
    login = '[http-basic.corp]\nusername = "ada"\npassword = "s3cret-pass"\n'
    (config / "auth.toml").write_text(login)


def test_the_project_is_what_its_file_says(config: Path, project: GitProject) -> None:
    found = poetry_api.load_project(command_in(project))
    assert (found.name, found.root) == ("demo-pkg", project.root)


def test_a_project_without_a_name_is_told(config: Path, project: GitProject) -> None:
    command = command_in(project)
    project.pyproject.write_text("[project]\n")
    with pytest.raises(errors.CorruptProject, match="names no package"):
        poetry_api.load_project(command)


@pytest.mark.parametrize(
    "text",
    [
        '[tool.poetry-aegis]\ndiscover = ["libs/*"]\n',
        '[tool.poetry-aegis.packages.core]\npath = "core"\n',
        "[tool.poetry]\npackage-mode = false\n",
    ],
)
def test_what_is_no_package_is_called_as_its_directory(
    config: Path, project: GitProject, text: str
) -> None:
    command = command_in(project)
    project.pyproject.write_text(text)
    assert poetry_api.load_project(command).name == project.root.name


def test_a_root_that_poetry_does_not_load_has_its_repositories_all_the_same(
    config: Path, project: GitProject
) -> None:
    project.pyproject.write_text(
        '[tool.poetry-aegis]\ndiscover = ["libs/*"]\n'
        '[[tool.poetry.source]]\nname = "mirror"\nurl = "https://mirror.example/legacy/"\n'
        '[[tool.poetry.source]]\nname = "corp"\nurl = "https://not.example/"\n'
    )
    (project.root / "poetry.toml").write_text(
        '[repositories.near]\nurl = "https://near.example/legacy/"\n'
    )
    write_config(config, '[repositories.corp]\nurl = "https://corp.example/legacy/"\n')
    application = Application()
    application._working_directory = project.root
    command = AboutCommand()
    command.set_application(application)
    assert poetry_api.repository_names(command) == ["corp", "mirror", "near"]
    urls = [poetry_api.find_repository(command, name).upload_url for name in ("corp", "mirror")]
    assert urls == ["https://corp.example/legacy/", "https://mirror.example/legacy/"]


def test_pypi_is_where_poetry_says(config: Path, project: GitProject) -> None:
    from poetry.repositories.pypi_repository import PyPiRepository

    repository = poetry_api.find_repository(command_in(project), "pypi")
    assert repository.index_url == f"{PyPiRepository().url}"
    assert repository.upload_url.endswith("/legacy/")
    assert (repository.username, repository.password) == (None, None)


def test_an_unknown_repository_names_the_known(config: Path, project: GitProject) -> None:
    write_config(config, '[repositories.corp]\nurl = "https://corp.example/"\n')
    with pytest.raises(errors.UnknownRepository, match="it knows: corp") as caught:
        poetry_api.find_repository(command_in(project), "crop")
    assert "poetry config repositories.crop URL" in caught.value.hint


def test_what_is_configured_is_found(config: Path, project: GitProject) -> None:
    write_repository(config)
    repository = poetry_api.find_repository(command_in(project), "corp")
    assert repository.upload_url == "https://corp.example/"
    assert repository.index_url == "https://corp.example/simple/"
    assert (repository.username, repository.password) == ("ada", "s3cret-pass")
    assert "s3cret-pass" not in repr(repository)
    assert repository.notes == ()


def test_a_token_comes_before_a_password(
    config: Path, project: GitProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_repository(config)
    monkeypatch.setenv("POETRY_PYPI_TOKEN_CORP", "t0ken")
    repository = poetry_api.find_repository(command_in(project), "corp")
    assert (repository.username, repository.password) == ("__token__", "t0ken")


def test_a_source_of_the_project_is_a_repository_too(config: Path, project: GitProject) -> None:
    text = project.pyproject.read_text()
    source = '\n[[tool.poetry.source]]\nname = "team"\nurl = "https://team.example/simple/"\n'
    project.pyproject.write_text(text + source)
    command = command_in(project)
    assert poetry_api.repository_names(command) == ["team"]
    repository = poetry_api.find_repository(command, "team")
    assert repository.index_url == "https://team.example/simple/"


def test_a_variable_that_hides_the_others_hides_nothing_here(
    config: Path, project: GitProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_repository(config)
    monkeypatch.setenv("POETRY_REPOSITORIES_OTHER_URL", "https://other.example/")
    command = command_in(project)
    assert Config.create().get("repositories") == {"other": {"url": "https://other.example/"}}
    assert poetry_api.repository_names(command) == ["corp", "other"]
    repository = poetry_api.find_repository(command, "corp")
    assert repository.password == "s3cret-pass"
    assert "POETRY_REPOSITORIES_OTHER_URL" in repository.notes[0]


def test_certificates_are_read_or_told(config: Path, project: GitProject, tmp_path: Path) -> None:
    write_config(
        config,
        '[repositories.corp]\nurl = "https://corp.example/"\n'
        f'[certificates.corp]\ncert = "{(tmp_path / "ca.pem").as_posix()}"\n',
    )
    with pytest.raises(errors.SettingsError, match=r"ca\.pem, cannot be read"):
        poetry_api.find_repository(command_in(project), "corp")


def test_verification_can_be_turned_off_as_in_poetry(config: Path, project: GitProject) -> None:
    write_config(
        config,
        '[repositories.corp]\nurl = "https://corp.example/"\n[certificates.corp]\ncert = false\n',
    )
    assert poetry_api.find_repository(command_in(project), "corp").verify is False


def test_a_url_that_cannot_be_read_is_not_quoted(
    config: Path, project: GitProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = command_in(project)
    monkeypatch.setattr("poetry.config.config._default_config", None)  # It is read anew.
    write_config(
        config,
        '[repositories.corp]\nurl = "https://corp.example/"\n'
        '[repositories.broken]\nurl = "https://ada:s3cret@[host/"\n',
    )
    with pytest.raises(errors.SettingsError) as caught:
        poetry_api.find_repository(command, "corp")
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "asked", "is_known"),
    [
        ("https://host/team/legacy/", "https://host/team/", True),
        ("https://host/team", "https://host/team/", True),
        ("https://host/legacy/", "https://host/", True),
        ("https://HOST:443/legacy/", "https://host/", True),
        ("https://host/team-b/legacy/", "https://host/team/", False),
        ("https://host/legacy/", "https://host/team/", False),
        ("https://host:8443/legacy/", "https://host/", False),
        ("https://host:99999/legacy/", "https://host/", False),
        ("http://host/legacy/", "https://host/", False),
    ],
)
def test_a_login_is_told_to_its_own_index_alone(
    config: Path, project: GitProject, url: str, asked: str, is_known: bool
) -> None:
    write_repository(config, url)
    found = known_login(command_in(project), asked, "corp")
    assert found == (("ada", "s3cret-pass") if is_known else None)
