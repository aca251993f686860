"""``poetry aegis client poetry`` against a real server, and what Poetry and pip make of it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.errors import NoServer, Unauthorized, Unreachable, UsageError
from poetry_aegis.server import installation
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.drivers.embedded import EmbeddedDriver
from tests.support.poetry import make_library, make_user
from tests.support.server import free_port, vacant_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.errors import AegisError
    from tests.support.poetry import PoetryHome

PASSWORD = "correct horse battery staple"


@pytest.fixture
def server(poetry: PoetryHome) -> Iterator[EmbeddedDriver]:
    """Return the driver of a running server in Poetry's default home."""
    settings = ServerSettings(port=free_port())
    with vacant_home(Path(poetry.env["AEGIS_SERVER_HOME"])) as home:
        installation.create(home, settings, user="ada", password=PASSWORD)
        driver = EmbeddedDriver(home, settings)
        driver.start()
        yield driver


def configure(
    poetry: PoetryHome, *options: str, password: str | None = PASSWORD
) -> subprocess.CompletedProcess[str]:
    named = [] if password is None else ["--password-stdin"]
    return poetry.run(
        *("aegis", "client", "poetry", *named, *options), cwd=poetry.root, stdin=password
    )


def configured(poetry: PoetryHome, *options: str) -> dict[str, Any]:
    done = configure(poetry, "--json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def refused(done: subprocess.CompletedProcess[str], error: type[AegisError]) -> str:
    assert done.returncode == error.exit_code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return done.stderr


def nothing_written(poetry: PoetryHome) -> bool:
    return not list((poetry.root / "config").glob("*"))


def test_poetry_gets_its_repository_and_credentials(
    poetry: PoetryHome, server: EmbeddedDriver
) -> None:
    done = configure(poetry)
    assert done.returncode == 0, done.stderr
    url = server.settings.url
    assert PASSWORD not in done.stdout + done.stderr
    for line in (
        str(poetry.root / "config" / "auth.toml"),
        "poetry aegis publish -r aegis",
        f"poetry source add --priority=explicit aegis {url}simple/",
        f"pip install --index-url {url}simple/ PACKAGE",
    ):
        assert line in done.stdout
    shown = poetry.run("config", "repositories.aegis", cwd=poetry.root)
    assert f"{url}legacy/" in shown.stdout
    assert PASSWORD in (poetry.root / "config" / "auth.toml").read_text()
    assert PASSWORD not in (poetry.root / "config" / "config.toml").read_text()


def test_a_dry_run_writes_nothing(poetry: PoetryHome, server: EmbeddedDriver) -> None:
    document = configured(poetry, "--dry-run")
    assert document["written"] is False
    assert document["password_in"] is None
    assert "Nothing was written" in configure(poetry, "--dry-run").stdout
    assert nothing_written(poetry)


def test_a_wrong_password_is_found_out_first(poetry: PoetryHome, server: EmbeddedDriver) -> None:
    told = refused(configure(poetry, password="wrong"), Unauthorized)
    assert "'ada'" in told
    assert nothing_written(poetry)


def test_a_wrong_password_is_found_out_where_none_is_needed(
    poetry: PoetryHome, server: EmbeddedDriver
) -> None:
    server.stop()
    EmbeddedDriver(server.home, replace(server.settings, anonymous_read=True)).start()
    assert refused(configure(poetry, "--username", "nobody"), Unauthorized)
    assert nothing_written(poetry)


def test_a_server_that_is_down(poetry: PoetryHome, server: EmbeddedDriver) -> None:
    server.stop()
    assert "poetry aegis server start" in refused(configure(poetry), Unreachable)
    assert nothing_written(poetry)


def test_no_server_and_no_address(poetry: PoetryHome) -> None:
    assert "--url" in refused(configure(poetry), NoServer)


def test_what_is_missing_is_named(poetry: PoetryHome, server: EmbeddedDriver) -> None:
    assert "--password-stdin" in refused(configure(poetry, password=None), UsageError)
    assert "--username" in refused(configure(poetry, "--url", server.settings.url), UsageError)
    assert nothing_written(poetry)


def test_what_hides_the_configuration_is_told(poetry: PoetryHome, server: EmbeddedDriver) -> None:
    poetry.extra_env["POETRY_REPOSITORIES_OTHER_URL"] = "https://other.example/"
    assert "POETRY_REPOSITORIES_OTHER_URL" in configure(poetry).stderr


def test_the_lines_it_prints_work(
    poetry: PoetryHome, server: EmbeddedDriver, tmp_path: Path
) -> None:
    """Publish with Poetry, add the source to a project, install with pip: as told."""
    url = f"{server.settings.url}simple/"
    steps = configured(poetry, "--name", "corp", "--url", url, "--username", "ada")["next"]
    library = make_library(tmp_path / "library")
    published = poetry.run("publish", "--build", "-r", "corp", cwd=library)
    assert published.returncode == 0, published.stdout + published.stderr

    user = make_user(tmp_path / "user")
    added = poetry.run(*shlex.split(steps["add_source"])[1:], cwd=user)
    assert added.returncode == 0, added.stdout + added.stderr
    assert f'url = "{url}"' in (user / "pyproject.toml").read_text()
    line = steps["install_with_poetry"].replace("PACKAGE", "tiny-library")
    locked = poetry.run(*shlex.split(line)[1:], "--lock", cwd=user)
    assert locked.returncode == 0, locked.stdout + locked.stderr
    assert 'name = "tiny-library"\nversion = "1.2.3"' in (user / "poetry.lock").read_text()

    netrc = poetry.root / ".netrc"
    netrc.write_text(f'machine 127.0.0.1 login ada password "{PASSWORD}"\n')
    netrc.chmod(0o600)
    pip, install, *options, _ = shlex.split(steps["install_with_pip"])
    assert (pip, install) == ("pip", "install")
    installed = subprocess.run(
        [
            *(sys.executable, "-m", "pip", install, *options, "--no-input", "--no-cache-dir"),
            *("--target", str(tmp_path / "installed"), "tiny-library"),
        ],
        env=poetry.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, installed.stderr
    assert (tmp_path / "installed" / "tiny_library").is_dir()
    assert server.status().usage.files == 2
