"""The compose driver with a docker that answers as told; real Docker is in `tests/stack`."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from poetry_aegis import atomic
from poetry_aegis.errors import (
    CertificateError,
    NoDaemon,
    NotReady,
    NotRunning,
    PortInUse,
    ServerError,
    StackError,
    UsageError,
)
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.drivers import driver_of
from poetry_aegis.server.drivers.access_log import LARGEST
from poetry_aegis.server.drivers.compose import ComposeDriver
from poetry_aegis.server.drivers.pending import Pending
from poetry_aegis.server.drivers.removal import delete_data
from poetry_aegis.server.stack.settings import (
    ContainerSettings,
    ImageSettings,
    MonitoringSettings,
    WebSettings,
)
from poetry_aegis.server.template import render_settings
from tests.support import fake_docker
from tests.support.fake_docker import DOWN, service
from tests.support.server import busy_port, free_port, free_ports

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from poetry_aegis.server.docker.services import ServiceStatus
    from poetry_aegis.server.home import ServerHome
    from tests.support.fake_docker import FakeDocker

NAMES = ("nginx", "pypi-server", "prometheus", "nginx-exporter", "node-exporter", "grafana")
WELL = [service(name) for name in NAMES]


class Witness:
    """A listener that keeps what it was told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.states: list[dict[str, str]] = []

    def step(self, what: str) -> None:
        self.steps.append(what)

    def services(self, services: Sequence[ServiceStatus]) -> None:
        self.states.append({found.name: found.health or found.state for found in services})


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    docker = fake_docker.install(tmp_path / "bin", monkeypatch)
    docker.says(names=sorted(NAMES))
    docker.on("up", ps=[WELL])
    docker.on("stop", ps=[[service(name, "exited", "") for name in NAMES]])
    docker.on("down", ps=[[]])
    return docker


@pytest.fixture
def settings() -> ServerSettings:
    http, https, prometheus, grafana = free_ports(4)
    return ServerSettings(
        driver="compose",
        web=WebSettings(listen="127.0.0.1", http_port=http, https_port=https),
        monitoring=MonitoringSettings(prometheus_port=prometheus, grafana_port=grafana),
    )


@pytest.fixture
def driver(set_up: ServerHome, settings: ServerSettings, docker: FakeDocker) -> ComposeDriver:
    atomic.write_text(set_up.settings_file, render_settings(settings))
    return ComposeDriver(set_up, settings, patience=5, poll=0.01)


def changed(driver: ComposeDriver, **settings: Any) -> ComposeDriver:
    """Return a driver for the same home whose server.toml says something else now."""
    return ComposeDriver(driver.home, replace(driver.settings, **settings), patience=5, poll=0.01)


def written(home: ServerHome) -> dict[str, bytes]:
    files = (path for path in home.root.rglob("*") if path.is_file())
    return {path.relative_to(home.root).as_posix(): path.read_bytes() for path in files}


def test_settings_name_the_driver(set_up: ServerHome, settings: ServerSettings) -> None:
    assert isinstance(driver_of(set_up, settings), ComposeDriver)


def test_a_life(driver: ComposeDriver, docker: FakeDocker) -> None:
    assert driver.status().state == "stopped"

    started = driver.start()
    assert (started.url, started.pid, started.already_running) == (driver.settings.url, None, False)
    assert {found.name for found in started.services} == set(NAMES)
    assert docker.asked("up") == [["up", "--detach", "--remove-orphans"]]
    assert driver.home.compose_file.exists()
    assert driver.home.env_file.stat().st_mode & 0o777 == 0o600
    assert (driver.home.tls / "server.crt").exists()

    status = driver.status()
    assert status.is_running
    assert len(status.services) == len(NAMES)
    assert status.certificate_days is not None
    assert status.certificate_days > 300
    assert status.last_backup is None

    docker.forget()
    assert driver.start().already_running
    assert docker.asked("up") == []

    assert driver.stop()
    assert docker.asked("stop") == [["stop"]]
    assert not driver.stop()
    assert driver.status().state == "stopped"

    docker.forget()
    driver.start()
    assert docker.asked("up") == [["up", "--detach", "--remove-orphans"]]


def test_no_secret_is_an_argument(driver: ComposeDriver, docker: FakeDocker) -> None:
    driver.start()
    secrets = [
        line.partition("=")[2]
        for line in driver.home.env_file.read_text().splitlines()
        if "=" in line and not line.startswith("#")
    ]
    assert len(secrets) == 2
    told = "".join(str(note) for note in docker.notes) + str(driver.status().to_json())
    assert not any(secret in told for secret in secrets)


def test_the_services_are_told_of_as_they_come(driver: ComposeDriver, docker: FakeDocker) -> None:
    starting = [service("nginx", "created", ""), service("pypi-server", health="starting")]
    docker.on("up", ps=[starting, starting, WELL])
    witness = Witness()
    driver.start(witness)
    assert witness.steps == ["writing the configuration", "building and starting"]
    assert witness.states[0] == {"nginx": "created", "pypi-server": "starting"}
    assert witness.states[-1] == dict.fromkeys(NAMES, "healthy")
    assert len(witness.states) == 2


# What stands against a start


def test_nothing_is_written_before_docker_is_known_to_answer(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    docker.says(refusal=DOWN)
    before = written(driver.home)
    for deed in (driver.start, driver.apply, driver.upgrade, driver.status):
        with pytest.raises(NoDaemon):
            deed()
    assert written(driver.home) == before


def test_a_port_that_another_program_has(driver: ComposeDriver) -> None:
    with busy_port() as port:
        taken = replace(driver.settings.web, https_port=port)
        with pytest.raises(PortInUse, match=rf"Port {port} .*\(pid {os.getpid()}\)") as caught:
            changed(driver, web=taken).start()
    assert "server.toml" in caught.value.hint
    assert not driver.home.compose_file.exists()


def test_our_own_ports_are_not_in_our_way(driver: ComposeDriver, docker: FakeDocker) -> None:
    with busy_port() as port:
        driver = changed(driver, web=replace(driver.settings.web, https_port=port))
        driver.home.compose_file.write_text("name: aegis\n")
        driver.home.stack.mkdir()
        docker.says(ps=[[service("nginx", published=[port])]])
        driver.apply(overwrite=True)


def test_a_port_that_docker_finds_taken(driver: ComposeDriver, docker: FakeDocker) -> None:
    said = (
        "Error response from daemon: driver failed programming external connectivity on endpoint "
        "aegis-nginx-1: Bind for 0.0.0.0:443 failed: port is already allocated"
    )
    docker.on("up", code=1, err=said, ps=[[]])
    with pytest.raises(PortInUse, match=r"Port 443 of 0\.0\.0\.0 is already in use"):
        driver.start()


def test_data_that_are_gone(driver: ComposeDriver) -> None:
    driver.home.auth.rmdir()
    with pytest.raises(ServerError, match="is not there") as caught:
        driver.start()
    assert "restore" in caught.value.hint


def test_a_certificate_of_your_own_that_cannot_be_used(driver: ComposeDriver) -> None:
    web = replace(driver.settings.web, certificate="own.crt", certificate_key="own.key")
    with pytest.raises(CertificateError):
        changed(driver, web=web).start()
    assert not driver.home.compose_file.exists()


def test_a_user_to_whom_nothing_can_be_given(
    driver: ComposeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(StackError, match="run as user 4321:4321"):
        changed(driver, containers=ContainerSettings(user="4321")).start()


def test_what_was_edited_by_hand_is_not_overwritten(driver: ComposeDriver) -> None:
    driver.start()
    conf = driver.home.stack / "nginx" / "nginx.conf"
    conf.write_text("# mine\n")
    for deed in (driver.start, driver.apply, driver.upgrade):
        with pytest.raises(StackError, match=r"nginx\.conf was edited by hand") as caught:
            deed()
        assert "--dry-run" in caught.value.hint
    assert conf.read_text() == "# mine\n"
    driver.apply(overwrite=True)
    assert conf.read_text() != "# mine\n"


# What does not come up


def test_a_service_that_is_not_well_is_named_with_its_last_words(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    ill = [
        service("nginx", "created", ""),
        service("pypi-server", health="unhealthy"),
        service("prometheus"),
    ]
    said = "dependency failed to start: container aegis-pypi-server-1 is unhealthy"
    docker.on("up", ps=[ill], code=1, err=said)
    docker.on("logs", out="no such table\n")
    health = {"Health": {"Log": [{"Output": "connection refused"}]}}
    docker.says(inspect={"pypi-server-": {"Id": "pypi-server-", "State": health}})
    with pytest.raises(NotReady) as caught:
        driver.start()
    assert str(caught.value) == "pypi-server is unhealthy: connection refused."
    assert caught.value.hint == "The last lines of pypi-server:\n  no such table"


def test_a_service_that_ends_again_and_again(driver: ComposeDriver, docker: FakeDocker) -> None:
    docker.on("up", ps=[[*WELL[1:], service("nginx", "restarting", "")]])
    facts = {"Id": "nginx-1", "RestartCount": 3, "State": {"ExitCode": 1}}
    docker.says(inspect={"nginx-1": facts})
    with pytest.raises(NotReady, match=r"nginx ends again and again: exit code 1\."):
        driver.start()


def test_a_service_that_takes_too_long(driver: ComposeDriver, docker: FakeDocker) -> None:
    docker.on("up", ps=[[*WELL[1:], service("nginx", health="starting")]])
    driver.patience = 0.3
    with pytest.raises(NotReady, match=r"nginx is starting\.") as caught:
        driver.start()
    assert caught.value.hint == "nginx has logged nothing."


def test_an_image_that_cannot_be_had(driver: ComposeDriver, docker: FakeDocker) -> None:
    image = driver.settings.images.nginx
    docker.on("up", code=1, err=f" nginx Pulling \n nginx Error manifest for {image} not found\n")
    with pytest.raises(StackError) as caught:
        driver.start()
    assert str(caught.value) == f"The image {image} of nginx cannot be had."
    assert "[images] in server.toml" in caught.value.hint


def test_an_image_that_cannot_be_built(driver: ComposeDriver, docker: FakeDocker) -> None:
    docker.on("up", code=1, err="#9 1.2 ERROR: No matching distribution found\nfailed to solve\n")
    with pytest.raises(StackError, match="cannot be built: No matching distribution") as caught:
        driver.start()
    assert "stack/image/wheels" in caught.value.hint


def test_ctrl_c_stops_the_waiting_and_says_what_stays(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    docker.on("up", seconds=60, ps=[[service("nginx", health="starting")]])
    timer = threading.Timer(3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            driver.start()
    finally:
        timer.cancel()
    assert "server stop" in "".join(getattr(caught.value, "__notes__", ()))
    docker.on("up", ps=[WELL])
    assert not driver.start().already_running


# Changes of a stack that runs


# Signals from within: what Docker was told to kill it would not restart after a crash.
HANG_UP = ["exec", "-T", "nginx", "sh", "-c", "kill -HUP 1"]
REOPEN = ["exec", "-T", "nginx", "sh", "-c", "kill -USR1 1"]


def restarts(docker: FakeDocker) -> list[list[str]]:
    verbs = ("restart", "exec", "kill")
    return [call for call in docker.calls if call[0] in verbs]


def test_nothing_has_changed(driver: ComposeDriver, docker: FakeDocker) -> None:
    driver.start()
    docker.forget()
    applied = driver.apply()
    assert (applied.changes, applied.recreated, applied.running) == ((), (), True)
    assert restarts(docker) == []


def test_what_nginx_alone_reads_is_reloaded(driver: ComposeDriver, docker: FakeDocker) -> None:
    driver.start()
    docker.forget()
    later = changed(driver, web=replace(driver.settings.web, rate=7))
    assert [change.path for change in later.plan()] == ["stack/nginx/nginx.conf"]
    applied = later.apply()
    assert (applied.reloaded, applied.restarted, applied.recreated) == (("nginx",), (), ())
    check, kill = restarts(docker)
    assert check[:4] == ["exec", "-T", "nginx", "nginx"]
    assert "-t" in check
    assert kill == HANG_UP
    assert docker.asked("up") == [["up", "--detach", "--remove-orphans"]]
    assert later.plan() == ()


def test_what_the_registry_alone_reads_restarts_it_alone(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    docker.forget()
    applied = changed(driver, minimum_free_space="1GiB").apply()
    assert (applied.restarted, applied.reloaded) == (("pypi-server",), ())
    assert restarts(docker) == [["restart", "pypi-server"]]


def test_what_compose_recreates_is_told_of_and_not_restarted_again(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    docker.forget()
    anew = [service("nginx", container="another"), *WELL[1:]]
    docker.on("up", ps=[anew])
    web = replace(driver.settings.web, https_port=free_port(), rate=3)
    applied = changed(driver, web=web).apply()
    assert applied.recreated == ("nginx",)
    assert restarts(docker) == []


def test_a_configuration_that_nginx_does_not_take(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    docker.on("exec", code=1, err="nginx: [emerg] unknown directive in nginx.conf:3\n")
    docker.forget()
    later = changed(driver, web=replace(driver.settings.web, rate=7))
    with pytest.raises(StackError, match="goes on with the old one") as caught:
        later.apply()
    assert "unknown directive" in caught.value.hint
    assert HANG_UP not in docker.asked("exec")


def test_what_a_broken_off_command_left_to_do_is_done_by_the_next(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    docker.on("up", code=1, err="no space left on device")
    later = changed(driver, web=replace(driver.settings.web, rate=7))
    with pytest.raises(StackError):
        later.apply()
    docker.on("up", ps=[WELL])
    assert later.plan() == ()
    assert later.start().already_running is False
    assert HANG_UP in restarts(docker)
    assert later.start().already_running


def test_folders_that_were_removed_are_mounted_again(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    docker.forget()
    shutil.rmtree(driver.home.stack)
    applied = driver.apply()
    assert set(applied.restarted) == {"pypi-server", "nginx", "prometheus", "grafana"}
    assert applied.reloaded == ()
    assert {call[0] for call in restarts(docker)} == {"restart"}

    docker.forget()
    shutil.rmtree(driver.home.tls)
    assert not driver.start().already_running
    assert {call[1] for call in restarts(docker)} == {"nginx", "pypi-server"}
    docker.forget()
    assert driver.start().already_running
    assert restarts(docker) == []


def test_folders_that_are_not_needed_are_not_waited_for(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    monitoring = replace(driver.settings.monitoring, prometheus=False, grafana=False)
    driver = changed(driver, monitoring=monitoring)
    driver.start()
    assert not (driver.home.stack / "grafana").exists()
    assert driver.start().already_running


def test_nobody_edited_what_was_written_before_its_record_was_lost(driver: ComposeDriver) -> None:
    driver.start()
    shutil.rmtree(driver.home.stack)
    driver.apply()
    later = changed(driver, containers=replace(driver.settings.containers, memory="300m"))
    assert {change.path: change.kind for change in later.plan()} == {"compose.yaml": "changed"}


def test_a_record_of_what_is_left_to_do_that_cannot_be_read(driver: ComposeDriver) -> None:
    pending = driver.home.lock_file.with_name("pending.json")
    for text in ("{", "[[1]]", '"x"', "[" * 100_000):
        pending.write_text(text)
        assert Pending(driver.home).paths == frozenset()


def test_a_certificate_that_is_due_is_renewed_and_read(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    docker.forget()
    (driver.home.tls / "server.key").unlink()
    assert not driver.start().already_running
    assert [call for call in restarts(docker) if "-t" not in call] == [
        ["restart", "pypi-server"],
        HANG_UP,
    ]


def test_a_stack_that_does_not_run_is_only_written(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    applied = driver.apply()
    assert applied.changes
    assert not applied.running
    assert docker.asked("up") == []


def test_a_stack_of_another_name_makes_room_first(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    docker.forget()
    changed(driver, containers=ContainerSettings(project="other")).apply()
    done = [note["asked"] for note in docker.notes]
    names = {
        verb: next(words[words.index("--project-name") + 1] for words in done if verb in words)
        for verb in ("down", "up")
    }
    assert names == {"down": "aegis", "up": "other"}


def test_an_upgrade_builds_and_says_how_to_go_back(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    docker.forget()
    applied = driver.upgrade(pull=True)
    assert applied.running
    assert docker.asked("pull") == [["pull", "--ignore-buildable"]]
    assert docker.asked("build") == [["build", "--pull"]]
    assert docker.asked("up") == [["up", "--detach", "--remove-orphans"]]

    docker.on("up", ps=[[service("pypi-server", "exited", "")]])
    with pytest.raises(NotReady) as caught:
        driver.upgrade()
    assert "To go back, install the version from before" in caught.value.hint


def test_an_access_log_that_has_grown_is_put_aside(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    log = driver.home.nginx_logs / "access.log"
    for deed in (driver.start, driver.apply):
        docker.forget()
        with log.open("wb") as stream:
            stream.truncate(LARGEST + 1)
        deed()
        assert REOPEN in docker.asked("exec")
        assert not log.exists()
        log.touch()
    docker.forget()
    driver.apply()
    assert docker.asked("exec") == []


# Services


def test_one_service_is_restarted(driver: ComposeDriver, docker: FakeDocker) -> None:
    driver.start()
    docker.forget()
    driver.restart("nginx")
    assert restarts(docker) == [["restart", "nginx"]]
    with pytest.raises(UsageError, match="There is no service 'nginks'") as caught:
        driver.restart("nginks")
    assert "nginx-exporter" in caught.value.hint


def test_all_services_are_restarted(driver: ComposeDriver, docker: FakeDocker) -> None:
    driver.start()
    docker.forget()
    driver.restart()
    assert [call[0] for call in docker.calls if call[0] in ("stop", "up")] == ["stop", "up"]


def test_logs(driver: ComposeDriver, docker: FakeDocker) -> None:
    assert list(driver.logs(lines=5, follow=False)) == []
    driver.start()
    docker.on("logs", out="nginx-1  | hello\n")
    assert list(driver.logs(lines=5, follow=True, service="nginx")) == ["nginx-1  | hello"]
    assert docker.asked("logs")[-1] == ["logs", "--no-color", "--tail", "5", "--follow", "nginx"]
    with pytest.raises(UsageError):
        list(driver.logs(lines=5, follow=False, service="--help"))


def test_a_service_without_a_container_is_missing(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    driver.start()
    docker.says(ps=[WELL[1:]])
    status = driver.status()
    assert status.state == "not ready"
    states = {found.name: found.state for found in status.services}
    assert (states["nginx"], states["grafana"]) == ("missing", "running")


def test_in_the_foreground(driver: ComposeDriver, docker: FakeDocker) -> None:
    said: list[str] = []
    assert driver.run(started=lambda: said.append("started")) == 0
    assert said == ["started"]
    assert docker.asked("up") == [["up", "--remove-orphans"]]
    docker.says(ps=[WELL])
    with pytest.raises(PortInUse, match="already running"):
        driver.run(started=lambda: None)


def test_in_the_foreground_until_ctrl_c(driver: ComposeDriver, docker: FakeDocker) -> None:
    docker.on("up", seconds=60)
    interrupt = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    assert driver.run(started=interrupt.start) == 0


def test_the_engine_in_the_foreground(driver: ComposeDriver, docker: FakeDocker) -> None:
    with pytest.raises(UsageError):
        driver.debug(started=lambda: None)
    driver.start()
    docker.forget()
    docker.on("run", code=3)
    with pytest.raises(StackError, match="exit code 3"):
        driver.debug(started=lambda: None)
    deeds = [call for call in docker.calls if call[0] in ("stop", "run", "rm", "start")]
    assert [deed[0] for deed in deeds] == ["stop", "run", "stop", "rm", "start"]
    assert deeds[1][-1] == deeds[4][-1] == "pypi-server"
    assert deeds[2][-1] == deeds[3][-1] == "aegis-pypi-server-debug"
    docker.says(ps=[[]])
    with pytest.raises(NotRunning):
        driver.debug(started=lambda: None)


# The end


def test_what_was_made_is_removed_and_the_data_kept(
    driver: ComposeDriver, docker: FakeDocker
) -> None:
    assert not driver.destroy(data=False)
    driver.start()
    built = service("pypi-server", image="poetry-aegis-registry:0123456789ab")
    docker.says(ps=[[*WELL, built]])
    assert driver.destroy(data=False)
    assert docker.asked("down")[-1] == [
        *("down", "--volumes", "--rmi", "local", "--remove-orphans"),
    ]
    assert docker.asked("image") == [["image", "rm", "poetry-aegis-registry:0123456789ab"]]
    assert driver.home.auth.is_dir()


def test_the_data_are_deleted_where_asked_for(driver: ComposeDriver) -> None:
    driver.start()
    (driver.home.data / "packages" / "demo").mkdir(parents=True, exist_ok=True)
    assert driver.destroy(data=True)
    assert not driver.home.data.exists()
    assert driver.home.settings_file.exists()
    assert [path.name for path in driver.home.root.glob("data*")] == []


def test_a_deletion_that_was_cut_off_is_ended_by_the_next(
    driver: ComposeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_path: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("poetry_aegis.server.drivers.removal.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            delete_data(driver.home)
    assert delete_data(driver.home)
    assert [path.name for path in driver.home.root.glob("data*")] == []
    assert not delete_data(driver.home)


def test_data_on_another_disk_are_left_alone(driver: ComposeDriver, tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk"
    driver.home.data.rename(elsewhere)
    driver.home.data.symlink_to(elsewhere)
    with pytest.raises(ServerError, match="leads to another disk"):
        driver.destroy(data=True)
    assert (elsewhere / "auth").is_dir()


def test_images_of_your_own_need_no_build(driver: ComposeDriver) -> None:
    images = ImageSettings(registry="mirror.example.com/registry:1")
    paths = [change.path for change in changed(driver, images=images).plan()]
    assert not any(path.startswith("stack/image") for path in paths)
