"""A server whose ``server.toml`` names another driver than the one that it runs by."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import BackupError, ServerError, StackError
from poetry_aegis.server import processes
from poetry_aegis.server.backup import marker, place
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.drivers.compose import ComposeDriver
from poetry_aegis.server.drivers.embedded import EmbeddedDriver
from tests.support import fake_docker
from tests.support.fake_docker import DOWN, service

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome
    from tests.support.fake_docker import FakeDocker

WAY_OUT = "Stop it with: poetry aegis server stop"


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    docker = fake_docker.install(tmp_path / "bin", monkeypatch)
    docker.says(ps=[[service("nginx"), service("pypi-server", "exited", "")]])
    docker.on("stop", ps=[[service("nginx", "exited", "")]])
    return docker


@pytest.fixture
def driver(set_up: ServerHome, settings: ServerSettings, docker: FakeDocker) -> EmbeddedDriver:
    """Return the driver of a process, in a home whose stack still runs."""
    set_up.compose_file.write_text('name: "other"\n')
    return EmbeddedDriver(set_up, settings)


def test_a_process_does_not_start_beside_containers(driver: EmbeddedDriver) -> None:
    for deed in (driver.start, driver.apply, driver.upgrade):
        with pytest.raises(ServerError, match=r"still runs in containers \(project other\)") as e:
            deed()
        assert e.value.hint == WAY_OUT
    with pytest.raises(ServerError, match="in containers"):
        driver.run(started=lambda: None)
    assert not driver.home.pid_file.exists()


def test_containers_that_still_run_are_told_of_and_stopped(
    driver: EmbeddedDriver, docker: FakeDocker
) -> None:
    status = driver.status()
    (note,) = status.notes
    assert note.startswith("The server still runs in containers (project other).")
    assert note.endswith(WAY_OUT)
    assert status.to_json()["notes"] == [note]

    assert driver.stop()
    assert docker.asked("stop") == [["stop"]]
    stopped = next(note["asked"] for note in docker.notes if note["asked"][-1] == "stop")
    assert stopped[stopped.index("--project-name") + 1] == "other"
    assert not driver.stop()
    assert driver.status().notes == ()
    assert not driver.start().already_running


def test_containers_that_cannot_be_stopped(driver: EmbeddedDriver, docker: FakeDocker) -> None:
    docker.on("stop", code=1, err="no space left on device")
    with pytest.raises(StackError, match="no space left"):
        driver.stop()


def test_without_docker_nothing_is_known_of_containers(
    driver: EmbeddedDriver, docker: FakeDocker
) -> None:
    docker.says(refusal=DOWN)
    assert driver.status().notes == ()
    assert not driver.stop()
    assert not driver.start().already_running


def test_a_home_that_was_never_a_stack_does_not_ask_docker(
    driver: EmbeddedDriver, docker: FakeDocker
) -> None:
    driver.home.compose_file.unlink()
    assert driver.status().notes == ()
    assert not driver.stop()
    assert docker.calls == []


def test_containers_do_not_start_beside_a_process(
    set_up: ServerHome, docker: FakeDocker, settings: ServerSettings
) -> None:
    ours = processes.record_of(os.getpid(), url=settings.url)
    processes.write_pid_file(set_up.pid_file, ours)
    try:
        stack = ComposeDriver(set_up, ServerSettings(driver="compose"))
        with pytest.raises(ServerError, match=f"without containers .pid {os.getpid()}.") as caught:
            stack.start()
        assert caught.value.hint == WAY_OUT
        assert WAY_OUT in stack.status().notes[0]
    finally:
        set_up.pid_file.unlink()


@pytest.mark.parametrize("kind", [EmbeddedDriver, ComposeDriver])
def test_no_server_starts_on_data_of_which_a_restore_was_cut_off(
    set_up: ServerHome,
    settings: ServerSettings,
    docker: FakeDocker,
    kind: type[EmbeddedDriver | ComposeDriver],
) -> None:
    marker.write(set_up, marker.Marker("b.tar.gz", "data.restoring-1", "data.before-1"))
    driver = kind(set_up, settings)
    for deed in (driver.start, driver.apply, driver.upgrade):
        with pytest.raises(BackupError, match="was interrupted") as caught:
            deed()
        assert "poetry aegis server restore" in caught.value.hint
    with pytest.raises(BackupError):
        driver.run(started=lambda: None)
    assert docker.calls == []
    assert not driver.stop()


def test_a_restore_starts_the_server_that_it_has_stopped(
    set_up: ServerHome, settings: ServerSettings
) -> None:
    marker.write(set_up, marker.Marker("b.tar.gz", "data.restoring-1", "data.before-1"))
    with place.alone(set_up):
        assert not EmbeddedDriver(set_up, settings).start().already_running
