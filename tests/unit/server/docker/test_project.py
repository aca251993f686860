"""A Compose project: how it is asked, and what its answers are read as."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import NoDaemon, StackError
from poetry_aegis.server.docker.project import end, project_of
from poetry_aegis.server.docker.services import (
    ServiceStatus,
    read_percent,
    read_services,
    read_size,
    version_of,
)
from tests.support.fake_docker import DOWN, service

if TYPE_CHECKING:
    from poetry_aegis.server.docker.project import ComposeProject
    from tests.support.fake_docker import FakeDocker


def test_compose_is_told_where_the_project_is(project: ComposeProject, docker: FakeDocker) -> None:
    project.services(thorough=False)
    home = project.home
    assert docker.notes[-1]["asked"] == [
        *("compose", "--project-directory", str(home.root), "--project-name", "aegis"),
        *("--file", str(home.compose_file), "--env-file", str(home.env_file)),
        *("ps", "--all", "--format", "json"),
    ]


@pytest.mark.parametrize("array", [True, False])
def test_services_in_either_shape(project: ComposeProject, docker: FakeDocker, array: bool) -> None:
    started = datetime.now(timezone.utc) - timedelta(hours=1)
    docker.says(
        array=array,
        ps=[
            [
                service("nginx", published=[443, 80, 0]),
                service("grafana", "exited", "", image="grafana/grafana:12.1.0@sha256:1234"),
                service("pypi-server", health="unhealthy", image="host:5000/registry"),
            ]
        ],
        inspect={
            "nginx-1": {
                "Id": "nginx-1",
                "RestartCount": 2,
                "State": {"StartedAt": started.strftime("%Y-%m-%dT%H:%M:%S.123456789Z")},
                "Config": {"Labels": {"org.opencontainers.image.version": "1.28.0"}},
            },
            "pypi-server-": {
                "Id": "pypi-server-",
                "State": {"Health": {"Log": [{"Output": "old"}, {"Output": "\nrefused\nmore"}]}},
            },
            "grafana-1": {"Id": "grafana-1", "State": {"ExitCode": 137, "OOMKilled": True}},
        },
        stats={"nginx-1": {"ID": "nginx-1", "CPUPerc": "0.15%", "MemUsage": "20.5MiB / 512MiB"}},
    )
    grafana, nginx, registry = project.services()

    assert (nginx.name, nginx.state, nginx.health, nginx.version) == (
        *("nginx", "running", "healthy"),
        "1.28.0",
    )
    assert nginx.uptime == pytest.approx(3600, abs=10)
    assert (nginx.cpu, nginx.memory, nginx.restarts) == (0.15, int(20.5 * 1024**2), 2)
    assert nginx.ports == (80, 443)
    assert nginx.is_well
    assert nginx.reason == ""

    assert (grafana.version, grafana.uptime, grafana.cpu) == ("12.1.0", None, None)
    assert grafana.reason == "out of memory"
    assert grafana.is_lost
    assert (registry.version, registry.reason) == ("", "refused")
    assert not registry.is_well
    assert len(docker.calls) == 3


def test_a_project_that_was_never_written_has_no_services(
    project: ComposeProject, docker: FakeDocker
) -> None:
    project.home.compose_file.unlink()
    assert project.services() == []
    assert docker.calls == []


def test_docker_is_not_asked_about_the_containers_of_others(
    project: ComposeProject, docker: FakeDocker
) -> None:
    docker.says(ps=[[service("nginx", "exited", "")]])
    project.services()
    assert docker.asked("stats") == []


def test_measurements_that_cannot_be_had_are_unknown(
    project: ComposeProject, docker: FakeDocker
) -> None:
    docker.says(ps=[[service("nginx")]])
    docker.on("stats", code=1, err="busy")
    docker.on("inspect", out="[not json")
    (nginx,) = project.services()
    assert (nginx.cpu, nginx.memory, nginx.uptime) == (None, None, None)


def test_a_daemon_that_is_down_is_no_empty_stack(
    project: ComposeProject, docker: FakeDocker
) -> None:
    docker.says(refusal=DOWN)
    with pytest.raises(NoDaemon):
        project.services()


def test_what_older_versions_print() -> None:
    assert read_services("") == []
    assert read_services("null") == []
    assert read_services('warning: never mind\n{"Service": "a", "State": "Running"}') == [
        ServiceStatus("a", "running")
    ]


def test_a_container_that_was_run_beside_a_service_is_none_of_it() -> None:
    beside = '{"Service": "a", "State": "running", "Labels": "x=y,com.docker.compose.oneoff=True"}'
    assert read_services(beside) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0B", 0),
        ("20.1MiB", int(20.1 * 2**20)),
        ("1.5kB", 1500),
        ("2GiB", 2**31),
        ("--", None),
        ("", None),
        ("1.2.3MiB", None),
        ("3 parsecs", None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    assert read_size(text) == size


def test_percentages_and_versions() -> None:
    assert (read_percent("12.5%"), read_percent("--")) == (12.5, None)
    assert version_of("mirror.example.com:5000/a/nginx:1.28@sha256:ab") == "1.28"
    assert version_of("mirror.example.com:5000/nginx") == ""


def test_lines_come_without_what_steers_a_terminal(
    project: ComposeProject, docker: FakeDocker
) -> None:
    docker.on("logs", out="one\n\x1b[31mtwo\x1b[0m\x07\r\n")
    assert list(project.lines("logs")) == ["one", "two"]
    assert project.last_lines("nginx") == ["one", "two"]


def test_logs_that_cannot_be_had(project: ComposeProject, docker: FakeDocker) -> None:
    docker.on("logs", code=1, out="no such service: x\n")
    with pytest.raises(StackError, match="docker compose logs failed: no such service: x"):
        list(project.lines("logs", "x"))
    assert project.last_lines("x") == []


def test_who_has_read_enough_ends_the_program(project: ComposeProject, docker: FakeDocker) -> None:
    docker.on("logs", seconds=60)
    process = project.begin("logs", output=subprocess.DEVNULL)
    end(process)
    assert process.returncode


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("# written\nname: corp\n", "corp"),
        ('name: "corp-2"\nservices:\n  name: no\n', "corp-2"),
        ("services: {}\n", None),
    ],
)
def test_the_name_that_a_project_was_written_with(
    project: ComposeProject, text: str, name: str | None
) -> None:
    project.home.compose_file.write_text(text)
    assert project_of(project.home) == name
