"""Pain 15: uploads that lose their credentials or give up at the first hiccup. Here they do not.

https://github.com/python-poetry/poetry/issues/8201, /7156, /5189 (keyring, environment),
https://github.com/pypa/twine/issues/1017 (retry)
"""

from __future__ import annotations

import os
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from tests.support.distributions import make_built_project
from tests.support.faulty import FaultyIndex, Reply, faulty_index

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

PASSWORD = "correct-horse-battery"
KEYRING = f"""\
from keyring.backend import KeyringBackend

class Backend(KeyringBackend):
    priority = 9

    def get_password(self, service, username):
        if service == "poetry-repository-corp" and username == "ada":
            return "{PASSWORD}"

    def set_password(self, service, username, password):
        raise NotImplementedError
"""


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with faulty_index() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_built_project(tmp_path / "project")


def publish(
    poetry: PoetryHome, project: Path, index: FaultyIndex
) -> subprocess.CompletedProcess[str]:
    poetry.extra_env["POETRY_REPOSITORIES_CORP_URL"] = f"{index.url}/simple/"
    run = poetry.run("aegis", "publish", "--skip-build", cwd=project)
    assert PASSWORD not in run.stdout + run.stderr
    return run


def assert_authenticated(index: FaultyIndex) -> None:
    basic = "Basic " + b64encode(f"ada:{PASSWORD}".encode()).decode()
    assert index.posts
    assert {post.headers["Authorization"] for post in index.posts} == {basic}


def test_a_busy_index_and_a_cut_connection_lose_nothing(
    poetry: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    poetry.extra_env["POETRY_HTTP_BASIC_CORP_USERNAME"] = "ada"
    poetry.extra_env["POETRY_HTTP_BASIC_CORP_PASSWORD"] = PASSWORD
    busy = Reply(503, headers={"Retry-After": "0"})
    index.script(busy, Reply(cut_after=700), Reply(stores=True), busy)
    run = publish(poetry, project, index)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 uploaded; verified on the index." in run.stdout
    assert index.files == {path.name: path.read_bytes() for path in (project / "dist").iterdir()}
    assert_authenticated(index)


def test_the_password_may_be_in_the_keyring(
    poetry: PoetryHome, project: Path, index: FaultyIndex, tmp_path: Path
) -> None:
    (tmp_path / "team_keyring.py").write_text(KEYRING)
    poetry.extra_env.update(
        PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        PYTHON_KEYRING_BACKEND="team_keyring.Backend",
        POETRY_KEYRING_ENABLED="true",
    )
    config = poetry.root / "config"
    config.mkdir()
    (config / "auth.toml").write_text('[http-basic.corp]\nusername = "ada"\n')
    run = publish(poetry, project, index)
    assert run.returncode == 0, run.stdout + run.stderr
    assert_authenticated(index)


def test_a_missing_password_is_named_and_not_waited_for(
    poetry: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    index.script(Reply(401), Reply(401))
    run = publish(poetry, project, index)
    assert run.returncode == 44
    assert "poetry config http-basic.corp" in run.stderr
