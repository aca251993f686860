"""What is said where Docker is missing, too old, down or closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import DockerForbidden, NoCompose, NoDaemon, NoDocker, StackError
from poetry_aegis.server.docker import client
from tests.support.fake_docker import DOWN, FORBIDDEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fake_docker import FakeDocker


def test_versions_of_a_docker_that_is_well(docker: FakeDocker) -> None:
    assert client.require_docker() == client.Versions(engine="27.1.1", compose="2.29.1")


def test_no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoDocker, match="no docker on PATH") as caught:
        client.require_docker()
    assert "embedded" in caught.value.hint


def test_docker_without_compose(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    docker.says(compose=None)
    monkeypatch.setattr("shutil.which", lambda name: _only(docker, name, "docker"))
    with pytest.raises(NoCompose, match="This Docker has no Compose plugin") as caught:
        client.require_docker()
    assert "compose/install" in caught.value.hint


def test_only_the_first_compose(docker: FakeDocker) -> None:
    docker.says(compose=None)
    (docker.folder / "docker-compose").write_text("#!/bin/sh\n")
    (docker.folder / "docker-compose").chmod(0o755)
    with pytest.raises(NoCompose, match="Only the old docker-compose is here"):
        client.require_docker()


@pytest.mark.parametrize("version", ["1.29.2", "2.19.9", "v2.3.3", "nonsense"])
def test_a_compose_that_is_too_old(docker: FakeDocker, version: str) -> None:
    docker.says(compose=version)
    with pytest.raises(NoCompose):
        client.require_docker()


@pytest.mark.parametrize(
    "version", ["2.20.0", "v2.26.1", "2.40.3-desktop.1", "5.0.0", "2.24.6+ds1-0ubuntu1~22.04.1"]
)
def test_a_compose_that_is_new_enough(docker: FakeDocker, version: str) -> None:
    docker.says(compose=version)
    assert client.compose_version() == version.removeprefix("v")


def test_a_daemon_that_is_down(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    docker.says(refusal=DOWN)
    with pytest.raises(NoDaemon, match=r"The Docker daemon does not answer\.") as caught:
        client.require_docker()
    assert "systemctl start docker" in caught.value.hint

    monkeypatch.setenv("DOCKER_HOST", "tcp://user:secret@10.0.0.9:2375")
    with pytest.raises(NoDaemon, match=r"at 10\.0\.0\.9:2375\.") as elsewhere:
        client.require_docker()
    assert "secret" not in str(elsewhere.value)


def test_a_user_who_may_not_talk_to_the_daemon(docker: FakeDocker) -> None:
    docker.says(refusal=FORBIDDEN)
    with pytest.raises(DockerForbidden, match="may not talk to the Docker daemon") as caught:
        client.require_docker()
    assert "usermod -aG docker" in caught.value.hint


def test_a_daemon_that_does_not_answer_in_time(docker: FakeDocker) -> None:
    docker.on("version", seconds=30)
    with pytest.raises(NoDaemon, match="did not answer within 1 seconds"):
        client.ask(["version"], timeout=1)


def test_an_error_of_docker_is_told_in_its_last_meaningful_lines(docker: FakeDocker) -> None:
    warning = 'time="2026-01-01" level=warning msg="never mind"'
    docker.on("pull", code=1, err=f"pulling\n\x1b[31mno such image\x1b[0m\n{warning}\n\n")
    with pytest.raises(StackError) as caught:
        client.ask(["pull", "nothing"])
    assert str(caught.value) == "docker pull nothing failed: no such image"
    assert caught.value.hint == "pulling"


def test_what_poetry_keeps_and_what_misleads_compose_is_not_handed_on(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "GRAFANA_PASSWORD"):
        monkeypatch.setenv(name, "wrong")
    monkeypatch.setenv("POETRY_HTTP_BASIC_A_PASSWORD", "secret")
    client.engine_version()
    assert set(docker.notes[-1]["environment"].values()) == {None}


def _only(docker: FakeDocker, name: str, wanted: str) -> str | None:
    return str(docker.folder / name) if name == wanted else None
