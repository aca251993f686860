"""From a commit to an installed package, and what remains where the last step fails."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.people.users import Users
from tests.support.registry import running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome
    from tests.support.registry import RegistryServer

PASSWORD = "correct-horse-battery"
USERS = {"ada": (PASSWORD, "publisher"), "rea": (PASSWORD, "reader")}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryServer]:
    with running_registry(tmp_path / "data", users=USERS) as server:
        yield server


@pytest.fixture
def remote(project: GitProject, tmp_path: Path) -> GitProject:
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    return bare


def log_in(poetry: PoetryHome, registry: RegistryServer, user: str, password: str) -> None:
    poetry.extra_env.update(
        POETRY_REPOSITORIES_CORP_URL=registry.url,
        POETRY_HTTP_BASIC_CORP_USERNAME=user,
        POETRY_HTTP_BASIC_CORP_PASSWORD=password,
    )


def test_a_commit_becomes_an_installed_package(
    poetry: PoetryHome,
    project: GitProject,
    remote: GitProject,
    registry: RegistryServer,
    tmp_path: Path,
) -> None:
    log_in(poetry, registry, "ada", PASSWORD)
    run = poetry.run("aegis", "release", "0.2.0", "--push-tag", "--publish", cwd=project.root)
    assert (run.returncode, run.stderr) == (0, "")
    assert remote.tags() == ["v0.2.0"]
    assert "publish to corp and verify" in run.stdout
    target = tmp_path / "installed"
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login ada password {PASSWORD}\n")
    netrc.chmod(0o600)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--isolated", "install", "--no-cache-dir", "--quiet"),
            *("--target", str(target), "--index-url", f"{registry.url.rstrip('/')}/simple/"),
            "demo-pkg==0.2.0",
        ],
        env=poetry.env | {"NETRC": str(netrc), "PIP_CONFIG_FILE": "/dev/null"},
        stdin=subprocess.DEVNULL,
        check=True,
    )
    assert (target / "demo_pkg" / "__init__.py").is_file()
    assert (target / "demo_pkg-0.2.0.dist-info").is_dir()


def test_a_wrong_password_is_found_before_anything_is_released(
    poetry: PoetryHome, project: GitProject, remote: GitProject, registry: RegistryServer
) -> None:
    log_in(poetry, registry, "ada", "wrong-password")
    before, theirs = project.state(), remote.git("for-each-ref")
    run = poetry.run("aegis", "release", "auto", "--push-tag", "--publish", cwd=project.root)
    assert run.returncode == 44
    assert "taken back" not in run.stderr
    assert (project.state(), remote.git("for-each-ref")) == (before, theirs)


def test_a_version_that_is_on_the_index_is_found_before_anything_is_released(
    poetry: PoetryHome, project: GitProject, registry: RegistryServer
) -> None:
    project.commit("feat: x")
    log_in(poetry, registry, "ada", PASSWORD)
    assert poetry.run("aegis", "publish", cwd=project.root).returncode == 0
    before = project.state()
    run = poetry.run("aegis", "release", "auto", "--publish", cwd=project.root)
    assert run.returncode == 47
    assert "corp already has 0.1.0 of demo-pkg: demo_pkg-0.1.0-py3-none-any.whl" in run.stderr
    assert project.state() == before


def demoted(project: GitProject, registry: RegistryServer, user: str) -> None:
    """Let *user* lose the right to upload while a release is under way, after its checks."""
    (project.root / "demote.py").write_text(
        "from pathlib import Path\n"
        "from poetry_aegis.registry.people.users import Users\n"
        f"Users(Path({str(registry.data / 'auth')!r})).change({user!r}, role='reader')\n"
    )
    with project.pyproject.open("a") as stream:
        hook = f"'{sys.executable}' demote.py"
        stream.write(f'\n[tool.poetry-aegis.hooks]\npre_bump = ["{hook}"]\n')
    project.git("add", "-A")
    project.commit("feat: somebody is demoted")


def test_an_upload_refused_after_the_push_leaves_the_release_and_says_how_to_finish(
    poetry: PoetryHome, project: GitProject, remote: GitProject, registry: RegistryServer
) -> None:
    demoted(project, registry, "ada")
    log_in(poetry, registry, "ada", PASSWORD)
    run = poetry.run("aegis", "release", "auto", "--push-tag", "--publish", cwd=project.root)
    assert run.returncode == 45
    assert run.stderr.splitlines()[-1] == (
        "0.1.0 is released all the same: others may have seen it. "
        "What is left to do: poetry aegis release --resume"
    )
    assert project.tags() == remote.tags() == ["v0.1.0"]
    refused = poetry.run("aegis", "release", "auto", cwd=project.root)
    assert refused.returncode == 35
    assert "poetry aegis release --abort" in refused.stderr
    Users(registry.data / "auth").change("ada", role="publisher")
    finish = poetry.run("aegis", "release", "--resume", cwd=project.root)
    assert finish.returncode == 0, finish.stderr
    assert "build the sdist" not in finish.stdout
    assert "Published 0.1.0: 2 uploaded; verified on the index." in finish.stdout


def test_an_upload_refused_without_a_push_takes_the_release_back(
    poetry: PoetryHome, project: GitProject, registry: RegistryServer
) -> None:
    demoted(project, registry, "ada")
    log_in(poetry, registry, "ada", PASSWORD)
    before = project.state()
    run = poetry.run("aegis", "release", "auto", "--publish", cwd=project.root)
    assert run.returncode == 45
    assert "The release was taken back; the repository is as it was." in run.stderr
    assert project.state() == before


def test_who_may_not_upload_is_told_before_anything_is_released(
    poetry: PoetryHome, project: GitProject, remote: GitProject, registry: RegistryServer
) -> None:
    log_in(poetry, registry, "rea", PASSWORD)
    before = project.state()
    run = poetry.run("aegis", "release", "auto", "--push-tag", "--publish", cwd=project.root)
    assert run.returncode == 45
    assert "has the role reader, and so may not upload" in run.stderr
    assert "poetry aegis server user add" in run.stderr
    assert (project.state(), remote.tags()) == (before, [])
