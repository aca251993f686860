"""The embedded driver with real processes of the real registry."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from poetry_aegis.errors import NotReady, PortInUse, ServerError, UnreadableUsers
from poetry_aegis.registry.options import LoginLimits, RegistrySettings, RetentionRule
from poetry_aegis.registry.settings import load_settings as load_registry_settings
from poetry_aegis.server import processes
from poetry_aegis.server.drivers import driver_of
from poetry_aegis.server.drivers.embedded import EmbeddedDriver
from poetry_aegis.server.probe import is_ready, read_health
from tests.support.server import busy_port

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.drivers.interface import Started
    from poetry_aegis.server.home import ServerHome


@pytest.fixture
def driver(set_up: ServerHome, settings: ServerSettings) -> EmbeddedDriver:
    return EmbeddedDriver(set_up, settings)


def alive(pid: int) -> bool:
    return processes.creation_mark(pid) is not None


def test_settings_name_the_driver(set_up: ServerHome, settings: ServerSettings) -> None:
    assert isinstance(driver_of(set_up, settings), EmbeddedDriver)


def test_a_life(driver: EmbeddedDriver) -> None:
    before = driver.status()
    assert (before.state, before.pid, before.uptime) == ("stopped", None, None)

    started = driver.start()
    assert not started.already_running
    assert started.url == driver.settings.url
    assert is_ready(started.url)

    during = driver.status()
    assert during.is_running
    assert during.pid == started.pid
    assert during.version == read_health(started.url)["version"]
    assert during.uptime is not None
    assert any(started.url.rstrip("/") in line for line in driver.logs(lines=50, follow=False))

    again = driver.start()
    assert again == replace(started, already_running=True)

    assert driver.stop()
    assert not alive(pid_of(started))
    assert not driver.home.pid_file.exists()
    assert not driver.stop()
    assert driver.status().state == "stopped"


def test_settings_reach_the_process(set_up: ServerHome, settings: ServerSettings) -> None:
    limits = LoginLimits(per_address=7)
    rules = (RetentionRule(projects=("acme-*",), keep_pre_releases=3),)
    changed = replace(settings, anonymous_read=True, logins=limits, retention=rules)
    driver = EmbeddedDriver(set_up, changed)
    pid = pid_of(driver.start())

    arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    read = load_registry_settings(Path(arguments[arguments.index("--settings") + 1]))
    assert read == RegistrySettings(**{f.name: getattr(changed, f.name) for f in fields(read)})
    assert httpx.get(f"{changed.url}simple/", trust_env=False).status_code == 200


def test_what_poetry_keeps_in_the_environment_is_not_handed_on(
    driver: EmbeddedDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POETRY_HTTP_BASIC_CORP_PASSWORD", "s3cret")
    environment = Path(f"/proc/{driver.start().pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"s3cret" not in environment


def test_a_port_in_use(set_up: ServerHome, settings: ServerSettings) -> None:
    with busy_port() as port:
        driver = EmbeddedDriver(set_up, replace(settings, port=port))
        with pytest.raises(PortInUse, match=f"Port {port}") as caught:
            driver.start()
    assert f"(pid {os.getpid()})" in str(caught.value)
    assert "server.toml" in caught.value.hint
    assert not set_up.pid_file.exists()


def test_a_port_that_is_taken_meanwhile(
    driver: EmbeddedDriver, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The check cannot see what happens after it; the registry's exit code tells.
    monkeypatch.setattr("poetry_aegis.server.ports.require_free_port", lambda *_, **__: None)
    with busy_port() as port:
        taken = EmbeddedDriver(driver.home, replace(settings, port=port), patience=10)
        monkeypatch.setattr("poetry_aegis.server.probe.is_ready", lambda url: False)
        with pytest.raises(PortInUse):
            taken.start()
    assert not driver.home.pid_file.exists()


@pytest.mark.parametrize("content", ["", "4194305", "{"])
def test_a_pid_file_that_says_nothing(driver: EmbeddedDriver, content: str) -> None:
    driver.home.pid_file.write_text(content)
    assert driver.status().state == "stopped"
    assert not driver.stop()
    assert not driver.home.pid_file.exists()


def test_a_stale_pid_file(driver: EmbeddedDriver) -> None:
    first = driver.start()
    stale = driver.home.pid_file.read_text()
    driver.stop()
    driver.home.pid_file.write_text(stale)
    assert driver.status().state == "stopped"
    second = driver.start()
    assert not second.already_running
    assert second.pid != first.pid


def test_a_recycled_pid(driver: EmbeddedDriver) -> None:
    # This test's own process stands for the program that got the pid later.
    ours = processes.record_of(os.getpid(), url=driver.settings.url)
    processes.write_pid_file(driver.home.pid_file, replace(ours, created="before the reboot"))
    assert driver.status().state == "stopped"
    assert not driver.stop(), "another program was taken for the server"
    processes.write_pid_file(driver.home.pid_file, replace(ours, created="before the reboot"))
    assert not driver.start().already_running


def pid_of(started: Started) -> int:
    assert started.pid is not None
    return started.pid


def test_two_starts_at_once(driver: EmbeddedDriver, settings: ServerSettings) -> None:
    together = threading.Barrier(2)

    def start(_: int) -> tuple[int | None, bool]:
        together.wait()
        started = EmbeddedDriver(driver.home, settings).start()
        return started.pid, started.already_running

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(start, range(2)))
    assert {pid for pid, _ in results} == {results[0][0]}
    assert sorted(already for _, already in results) == [False, True]


def test_a_server_that_dies_shows_its_last_words(driver: EmbeddedDriver) -> None:
    driver.home.log_file.write_text("words of an earlier run\n")
    (driver.home.data / "packages").write_text("not a directory")
    with pytest.raises(NotReady, match="exit code 97") as caught:
        driver.start()
    assert str(driver.home.log_file) in caught.value.hint
    assert "cannot be used" in caught.value.hint
    assert "earlier" not in caught.value.hint
    assert not driver.home.pid_file.exists()


def test_a_server_that_cannot_read_its_users(driver: EmbeddedDriver) -> None:
    (driver.home.auth / "htpasswd").write_bytes(b"\xff\xfe")
    with pytest.raises(UnreadableUsers, match="cannot read its users") as caught:
        driver.start()
    assert "htpasswd" in caught.value.hint
    assert not driver.home.pid_file.exists()


def test_a_server_that_never_answers_is_ended(
    set_up: ServerHome, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poetry_aegis.server.probe.is_ready", lambda url: False)
    pids = []
    write = processes.write_pid_file

    def remember(path: Path, record: processes.ProcessRecord) -> None:
        pids.append(record.pid)
        write(path, record)

    monkeypatch.setattr("poetry_aegis.server.processes.write_pid_file", remember)
    with pytest.raises(NotReady, match="did not answer"):
        EmbeddedDriver(set_up, settings, patience=0.1).start()
    assert len(pids) == 1
    assert not alive(pids[0])
    assert not set_up.pid_file.exists()


def test_ctrl_c_during_a_start_leaves_nothing_running(
    driver: EmbeddedDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = []

    def interrupt(url: str) -> bool:
        record = processes.read_pid_file(driver.home.pid_file)
        assert record is not None
        pids.append(record.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr("poetry_aegis.server.probe.is_ready", interrupt)
    with pytest.raises(KeyboardInterrupt):
        driver.start()
    assert len(pids) == 1
    assert not alive(pids[0])
    assert not driver.home.pid_file.exists()


def test_a_log_that_cannot_be_written(driver: EmbeddedDriver) -> None:
    driver.home.log_file.mkdir()
    with pytest.raises(ServerError, match=r"registry\.log cannot be written"):
        driver.start()


def test_a_changed_port_is_not_the_running_ones(
    driver: EmbeddedDriver, settings: ServerSettings
) -> None:
    started = driver.start()
    changed = EmbeddedDriver(driver.home, replace(settings, port=1))
    assert changed.status().url == started.url
    assert changed.start().url == started.url
    assert changed.stop()


def test_a_process_that_hangs_is_not_ready(driver: EmbeddedDriver) -> None:
    import signal

    pid = pid_of(driver.start())
    os.kill(pid, signal.SIGSTOP)
    try:
        status = driver.status()
        assert status.state == "not ready"
        assert status.version is None
    finally:
        os.kill(pid, signal.SIGCONT)


def test_another_users_process(driver: EmbeddedDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = pid_of(driver.start())

    def refuse(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr(os, "kill", refuse)  # the tests may run as root, who may end anything
        with pytest.raises(ServerError, match="another user"):
            driver.stop()
    assert alive(pid)


def test_logs_go_on(driver: EmbeddedDriver) -> None:
    driver.home.log_file.write_text("one\ntwo\n")
    following = driver.logs(lines=1, follow=True)
    assert next(following) == "two"
    with driver.home.log_file.open("a") as log:
        log.write("three\n")
    assert next(following) == "three"
