"""Two homes whose stacks were given the same name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.errors import NotRunning, ServerError, StackError
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.docker.project import ComposeProject, project_of
from poetry_aegis.server.drivers import former
from poetry_aegis.server.drivers.compose import ComposeDriver
from poetry_aegis.server.drivers.embedded import EmbeddedDriver
from poetry_aegis.server.drivers.stack_files import StackFiles
from poetry_aegis.server.stack.settings import ContainerSettings, MonitoringSettings, WebSettings
from poetry_aegis.server.template import render_settings
from tests.support import fake_docker
from tests.support.fake_docker import service
from tests.support.server import free_ports

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome
    from tests.support.fake_docker import FakeDocker

WELL = [service("nginx"), service("pypi-server")]
DEEDS = ("up", "stop", "down", "restart", "run", "kill", "image")


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    docker = fake_docker.install(tmp_path / "bin", monkeypatch)
    docker.says(names=["nginx", "pypi-server"], ps=[WELL])
    docker.on("stop", ps=[[service("nginx", "exited", "")]])
    return docker


@pytest.fixture
def other(tmp_path: Path, docker: FakeDocker) -> Path:
    """Return another home, whose containers have the name that ours are to have."""
    other = tmp_path / "other, home"
    other.mkdir()
    docker.on("container", out=f"{json.dumps(str(other))}\n" * 2)
    return other


@pytest.fixture
def driver(set_up: ServerHome, docker: FakeDocker) -> ComposeDriver:
    http, https = free_ports(2)
    settings = ServerSettings(
        driver="compose",
        web=WebSettings(listen="127.0.0.1", http_port=http, https_port=https),
        monitoring=MonitoringSettings(prometheus=False, grafana=False),
    )
    atomic.write_text(set_up.settings_file, render_settings(settings))
    set_up.compose_file.write_text('name: "aegis"\n')
    docker.forget()
    return ComposeDriver(set_up, settings, patience=5, poll=0.01)


def done(docker: FakeDocker) -> list[str]:
    return [call[0] for call in docker.calls if call[0] in DEEDS]


def renamed(driver: ComposeDriver, name: str) -> ComposeDriver:
    web, monitoring = driver.settings.web, driver.settings.monitoring
    containers = ContainerSettings(project=name)
    settings = ServerSettings(
        driver="compose", web=web, monitoring=monitoring, containers=containers
    )
    return ComposeDriver(driver.home, settings, patience=5, poll=0.01)


def test_the_containers_of_another_home_are_left_alone(
    driver: ComposeDriver, docker: FakeDocker, other: Path
) -> None:
    deeds = (
        driver.start,
        driver.apply,
        driver.upgrade,
        driver.stop,
        driver.restart,
        lambda: driver.restart("nginx"),
        lambda: driver.run(started=lambda: None),
        lambda: driver.debug(started=lambda: None),
        lambda: list(driver.logs(lines=1, follow=False)),
        lambda: driver.destroy(data=True),
    )
    for deed in deeds:
        with pytest.raises(StackError, match="the project aegis belong to another home") as caught:
            deed()
        assert str(caught.value).endswith(f"{other}.")
        assert "[containers]" in caught.value.hint
    assert done(docker) == []
    assert driver.home.data.is_dir()


def test_the_containers_of_another_home_are_not_this_server(
    driver: ComposeDriver, other: Path
) -> None:
    status = driver.status()
    assert (status.state, status.services) == ("stopped", ())
    (note,) = status.notes
    assert str(other) in note
    assert note.endswith('project = "NAME"')


def test_a_name_of_its_own_is_the_way_out(driver: ComposeDriver, docker: FakeDocker) -> None:
    asked: list[str] = []

    def folders(project: ComposeProject) -> frozenset[str]:
        asked.append(project.project)
        return frozenset({"/"} if project.project == "aegis" else {str(driver.home.root)})

    driver.home.compose_file.unlink()
    files = StackFiles(driver.home, driver.settings)
    files.write(files.plan())
    ours = renamed(driver, "ours")
    with pytest.MonkeyPatch.context() as patch:  # The fake docker answers alike for all names.
        patch.setattr(ComposeProject, "folders", folders)
        assert ours.project.project == "ours"
        docker.says(ps=[[], WELL])
        assert not ours.start().already_running
    assert done(docker) == ["up"]
    assert set(asked) == {"aegis", "ours"}
    assert project_of(driver.home) == "ours"


def test_a_home_does_not_take_the_name_of_another(
    driver: ComposeDriver, docker: FakeDocker, other: Path
) -> None:
    with pytest.raises(StackError, match="the project theirs belong to another home"):
        renamed(driver, "theirs").start()
    assert done(docker) == []
    assert other.is_dir()


@pytest.mark.parametrize("where", ["itself", "a link to it", "gone"])
def test_the_containers_of_a_home_that_was_moved_are_its_own(
    driver: ComposeDriver, docker: FakeDocker, tmp_path: Path, where: str
) -> None:
    (tmp_path / "link").symlink_to(driver.home.root)
    folder = {"itself": driver.home.root, "a link to it": tmp_path / "link"}.get(where)
    docker.on("container", out=json.dumps(str(folder or tmp_path / "gone")) + "\n")
    assert driver.stop()
    assert done(docker) == ["stop"]


def test_a_process_does_not_stop_the_containers_of_another_home(
    driver: ComposeDriver, docker: FakeDocker, other: Path
) -> None:
    process = EmbeddedDriver(driver.home, ServerSettings())
    assert process.status().notes == ()
    assert not process.stop()
    assert done(docker) == []
    assert other.is_dir()


# Ends and restarts that go no further


def test_one_service_of_a_server_that_does_not_run_is_not_restarted(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    docker.says(ps=[[service("nginx", "exited", ""), service("pypi-server", "exited", "")]])
    with pytest.raises(NotRunning) as caught:
        driver.restart("nginx")
    assert caught.value.hint == "Start it with: poetry aegis server start"
    assert done(docker) == []


def test_ctrl_c_in_a_stop_says_how_to_go_on(
    driver: ComposeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ComposeProject, "do", interrupted)
    for one in (driver, EmbeddedDriver(driver.home, ServerSettings())):
        with pytest.raises(KeyboardInterrupt) as caught:
            one.stop()
        assert getattr(caught.value, "__notes__", ()) == [former.HALF_STOPPED]


def test_a_dry_run_for_a_process_tells_of_the_containers_that_run(driver: ComposeDriver) -> None:
    with pytest.raises(ServerError, match="still runs in containers"):
        EmbeddedDriver(driver.home, ServerSettings()).plan()


def test_passwords_that_are_missing_are_named(driver: ComposeDriver, docker: FakeDocker) -> None:
    said = (
        "error while interpolating services.grafana.environment.GF_SECURITY_ADMIN_PASSWORD: "
        "required variable GRAFANA_PASSWORD is missing a value: it is in .env\n"
    )
    for verb in ("ps", "logs"):
        docker.on(verb, code=1, err=said)
    for deed in (driver.status, lambda: list(driver.logs(lines=1, follow=False))):
        with pytest.raises(StackError, match="Passwords of the services are missing in") as caught:
            deed()
        assert str(driver.home.env_file) in str(caught.value)
        assert caught.value.hint.endswith("poetry aegis server doctor --fix")
