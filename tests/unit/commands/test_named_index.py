"""``PYPI_INDEX_URL``, in Poetry's own application and against two real servers."""

from __future__ import annotations

import io
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from cleo.io.buffered_io import BufferedIO

from poetry_aegis import poetry_api
from poetry_aegis.commands.repository_choice import relocate
from poetry_aegis.errors import Unauthorized, UsageError
from poetry_aegis.publish.repository import Repository
from tests.support.commands import aegis
from tests.support.distributions import make_wheel
from tests.support.poetry import make_library
from tests.support.registry import USERS, RegistryServer, listed_files, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from poetry_aegis.commands.base import AegisCommand


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("one") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("other") / "data") as server:
        for version in ("1.0", "2.0"):
            file = make_wheel(server.data.parent / "dist", "there", version)
            assert upload(server, file).status_code == 200
        yield server


@pytest.fixture
def know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what gives Poetry repositories, by their names, all with the user ada."""
    for name in list(os.environ):
        if name.startswith(("POETRY_", "AEGIS_")) or name == "PYPI_INDEX_URL":
            monkeypatch.delenv(name)
    directory = tmp_path / "config"
    directory.mkdir()
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("POETRY_KEYRING_ENABLED", "false")
    monkeypatch.setattr("poetry.locations.CONFIG_DIR", directory)
    monkeypatch.setattr("poetry.config.config.CONFIG_DIR", directory)
    monkeypatch.chdir(make_library(tmp_path / "library"))

    def write(**urls: str) -> None:
        monkeypatch.setattr("poetry.config.config._default_config", None)
        known = [f'[repositories.{name}]\nurl = "{url}"\n' for name, url in urls.items()]
        logins = [
            f'[http-basic.{name}]\nusername = "ada"\npassword = "{USERS["ada"][0]}"\n'
            for name in urls
        ]
        (directory / "config.toml").write_text("".join(known))
        (directory / "auth.toml").write_text("".join(logins))

    return write


def logged_users(server: RegistryServer) -> set[str]:
    return {str(line.get("user")) for line in server.log_lines() if line.get("user")}


def test_a_command_reads_the_index_that_the_environment_names(
    one: RegistryServer,
    other: RegistryServer,
    know: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    know(corp=f"{one.url}/legacy/")
    monkeypatch.setenv("PYPI_INDEX_URL", other.authenticated_url("rae"))
    shown = aegis("project", "there", "--json")
    assert shown.code == 0, shown.err
    assert [version["version"] for version in shown.document["versions"]] == ["1.0", "2.0"]
    assert f"Index: {other.url}/simple/, named in PYPI_INDEX_URL" in shown.err
    assert "in place of that of corp" in shown.err
    assert "rae" in logged_users(other)
    assert "ada" not in logged_users(other)


def test_a_repositorys_password_does_not_follow_to_another_server(
    one: RegistryServer,
    other: RegistryServer,
    know: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    know(corp=f"{one.url}/legacy/")
    monkeypatch.setenv("PYPI_INDEX_URL", f"{other.url}/simple/")
    refused = aegis("yank", "there==1.0")
    assert refused.code == Unauthorized.exit_code, refused.err
    assert "wants user and password" in refused.err
    assert "stand in the address that PYPI_INDEX_URL names" in refused.err
    assert "poetry config" not in refused.err
    assert "no password or certificate that Poetry has for corp is used there" in refused.err
    assert "ada" not in logged_users(other)
    assert not any(file["yanked"] for file in listed_files(other, "there").values())


@pytest.mark.parametrize("known", ["aegis", "corp", None])
def test_a_missing_password_is_given_where_it_is_looked_for(
    known: str | None,
    one: RegistryServer,
    other: RegistryServer,
    know: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What Poetry keeps is not used there, also under the name that an unnamed index has."""
    know(**({known: f"{one.url}/legacy/"} if known else {}))
    monkeypatch.setenv("PYPI_INDEX_URL", f"{other.url}/simple/")
    refused = aegis("publish", "--dry-run", "--json")
    assert refused.code == Unauthorized.exit_code, refused.err
    assert "wants user and password" in refused.document["message"]
    assert "the address that PYPI_INDEX_URL names" in refused.document["hint"]
    assert (
        "asked for the password instead: poetry aegis publish -u USER" in refused.document["hint"]
    )
    assert "poetry config" not in refused.err
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{USERS['pub'][0]}\n"))
    done = aegis("publish", "--dry-run", "-u", "pub", "--password-stdin")
    assert done.code == 0, done.err


def test_where_poetrys_password_is_used_it_is_set_as_poetry_sets_it(
    other: RegistryServer,
    know: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    know(corp=f"{other.url}/legacy/")
    (tmp_path / "config" / "auth.toml").write_text("")
    monkeypatch.setenv("PYPI_INDEX_URL", f"{other.url}/simple/")
    refused = aegis("publish", "--dry-run", "--json")
    assert refused.code == Unauthorized.exit_code, refused.err
    assert refused.document["hint"] == "Set them with: poetry config http-basic.corp USER"


def test_a_repository_of_poetrys_at_that_address_is_used_with_its_password(
    one: RegistryServer,
    other: RegistryServer,
    know: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    know(corp=f"{one.url}/legacy/", second=f"{other.url}/legacy/")
    monkeypatch.setenv("PYPI_INDEX_URL", f"{other.url}/")
    shown = aegis("yank", "there==1.0", "--dry-run")
    assert shown.code == 0, shown.err
    assert f"Index: {other.url}/simple/, named in PYPI_INDEX_URL\n" in shown.err
    assert "Repository: second" in shown.err


@pytest.mark.parametrize(
    "command",
    [
        ("yank", "there==1.0"),
        ("yank", "there==1.0", "--dry-run"),
        ("delete", "there==1.0", "--yes"),
        ("project", "there"),
        ("project", "there", "--status", "archived"),
        ("publish",),
        ("publish", "--skip-build"),
        ("release", "patch", "--publish"),
    ],
    ids=" ".join,
)
def test_nothing_goes_elsewhere_than_the_named_repository(
    know: Callable[..., None], monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    # Neither is there: whoever asked one of them would fail otherwise.
    know(corp="https://corp.invalid/legacy/")
    monkeypatch.setenv("PYPI_INDEX_URL", "https://ada:s3cret@other.invalid/simple/")
    refused = aegis(*command, "-r", "corp", "--json")
    assert refused.code == UsageError.exit_code, refused.err
    assert refused.document["message"] == (
        "-r names corp, which is at https://corp.invalid/simple/, and PYPI_INDEX_URL names "
        "another index, https://other.invalid/simple/."
    )
    assert "unset PYPI_INDEX_URL" in refused.document["hint"]
    assert "s3cret" not in refused.out + refused.err


def test_a_repository_may_be_named_where_both_are_one(
    other: RegistryServer, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    know(corp=f"{other.url}/legacy/")
    monkeypatch.setenv("PYPI_INDEX_URL", f"{other.url}/simple")
    shown = aegis("yank", "there==1.0", "--dry-run", "-r", "corp")
    assert shown.code == 0, shown.err


def test_where_poetry_knows_no_repository_the_address_is_enough(
    other: RegistryServer, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    know()
    assert aegis("project", "there").code == UsageError.exit_code
    monkeypatch.setenv("PYPI_INDEX_URL", other.authenticated_url("rae", "/"))
    assert aegis("project", "there").code == 0


def test_a_version_is_published_there_and_read_back(
    one: RegistryServer,
    other: RegistryServer,
    know: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    know(corp=f"{one.url}/legacy/")
    monkeypatch.setenv("PYPI_INDEX_URL", other.authenticated_url("pub"))
    done = aegis("publish", "--json")
    assert done.code == 0, done.err
    assert done.document["url"] == f"{other.url}/simple/"
    assert done.document["verified"]
    assert f"Index: {other.url}/simple/, named in PYPI_INDEX_URL" in done.err
    assert len(listed_files(other, "tiny-library")) == 2
    assert listed_files(one, "tiny-library") == {}


def test_nothing_is_published_where_no_address_for_it_is_known(
    one: RegistryServer, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from poetry_aegis.poetry_api import pypi_urls

    know(corp=f"{one.url}/legacy/")
    for url in (pypi_urls()[1], f"{one.url}/root/dev/+simple/"):
        monkeypatch.setenv("PYPI_INDEX_URL", url)
        refused = aegis("publish")
        assert refused.code == UsageError.exit_code, refused.err
        assert "PYPI_INDEX_URL" in refused.err


def test_a_release_that_goes_on_may_be_at_another_address_than_its_repository(
    know: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    corp = Repository("corp", "https://corp.invalid/legacy/", "https://corp.invalid/simple/", "ada")
    monkeypatch.setattr(poetry_api, "find_repository", lambda *_: corp)
    said: list[str] = []
    command = cast(
        "AegisCommand", SimpleNamespace(messages=BufferedIO().output, say_aside=said.append)
    )
    know()
    assert relocate(command, "corp") == corp
    monkeypatch.setenv("PYPI_INDEX_URL", "https://corp.invalid/simple/")
    assert relocate(command, "corp") == corp
    assert said == []
    monkeypatch.setenv("PYPI_INDEX_URL", "https://bob:pw@other.invalid/simple/")
    moved = relocate(command, "corp")
    assert moved.upload_url == "https://other.invalid/simple/"
    assert (moved.name, moved.username, moved.password) == ("corp", "bob", "pw")
    assert "in place of that of corp" in said[0]


def test_a_promotion_goes_between_the_repositories_that_it_names(
    one: RegistryServer,
    other: RegistryServer,
    know: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    know(source=f"{other.url}/legacy/", target=f"{one.url}/legacy/")
    monkeypatch.setenv("PYPI_INDEX_URL", "https://nowhere.invalid/simple/")
    done = aegis("promote", "there==2.0", "--from", "source", "--to", "target")
    assert done.code == 0, done.err
    assert "PYPI_INDEX_URL" not in done.err
    assert set(listed_files(one, "there")) == {"there-2.0-py3-none-any.whl"}


def test_what_is_no_address_is_said_and_not_shown(
    one: RegistryServer, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    know(corp=f"{one.url}/legacy/")
    monkeypatch.setenv("PYPI_INDEX_URL", "https://ada:1/s3cret@h/")
    refused = aegis("project", "there", "--json")
    assert refused.code == UsageError.exit_code
    assert "PYPI_INDEX_URL is no address of an index." in refused.document["message"]
    assert "s3cret" not in refused.out + refused.err
