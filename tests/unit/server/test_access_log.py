"""nginx's access log, put aside while nginx writes it and the registry reads it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.metrics import Metrics
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.state.downloads import Downloads
from poetry_aegis.registry.state.follow import LogFollower
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.docker.client import PATIENCE
from poetry_aegis.server.docker.project import ComposeProject
from poetry_aegis.server.drivers.access_log import rotate, rotate_beside_others
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.locks import locked
from poetry_aegis.server.stack.settings import WebSettings
from tests.support import fake_docker
from tests.support.distributions import make_wheel
from tests.support.fake_docker import DOWN
from tests.support.registry import USERS, running_registry, upload
from tests.unit.server.stack.running import address_of, running_nginx

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fake_docker import FakeDocker
    from tests.unit.server.stack.running import Nginx

REOPEN = ["exec", "-T", "nginx", "sh", "-c", "kill -USR1 1"]
WHEEL = "/packages/demo/demo-1.0.0-py3-none-any.whl"
RAE = ("rae", USERS["rae"][0])


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return fake_docker.install(tmp_path / "bin", monkeypatch)


@pytest.fixture
def project(home: ServerHome, docker: FakeDocker) -> ComposeProject:
    home.make_directories()
    home.nginx_logs.mkdir()
    home.compose_file.write_text('name: "aegis"\n')
    return ComposeProject(home, "aegis")


def write(project: ComposeProject, **logs: str) -> None:
    for suffix, content in logs.items():
        name = "access.log" + suffix.replace("_", ".") if suffix != "log" else "access.log"
        (project.home.nginx_logs / name).write_text(content)


def logs_of(project: ComposeProject) -> dict[str, str]:
    return {path.name: path.read_text() for path in project.home.nginx_logs.iterdir()}


def test_a_log_that_is_small_or_not_there_is_left_alone(
    project: ComposeProject, docker: FakeDocker
) -> None:
    assert not rotate(project, largest=3)
    write(project, log="abc")
    assert not rotate(project, largest=3)
    assert logs_of(project) == {"access.log": "abc"}
    assert docker.calls == []


def test_a_log_that_has_grown_is_put_aside_and_two_are_kept(
    project: ComposeProject, docker: FakeDocker
) -> None:
    for content in ("first", "second", "third"):
        write(project, log=content)
        assert rotate(project, largest=3)
    assert logs_of(project) == {"access.log.1": "third", "access.log.2": "second"}
    assert docker.calls == [REOPEN] * 3


def test_an_nginx_that_was_not_reached_is_told_the_next_time(
    project: ComposeProject, docker: FakeDocker
) -> None:
    write(project, log="first", _1="before")
    docker.says(refusal=DOWN)
    assert not rotate(project, largest=3)
    docker.says(refusal="")
    docker.forget()
    assert rotate(project, largest=3)
    assert docker.calls == [REOPEN]
    assert logs_of(project) == {"access.log.1": "first", "access.log.2": "before"}


def test_what_is_no_file_and_what_cannot_be_renamed_stays(
    project: ComposeProject, docker: FakeDocker, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not ours")
    log = project.home.nginx_logs / "access.log"
    log.symlink_to(elsewhere)
    assert not rotate(project, largest=3)
    assert log.is_symlink()
    log.unlink()
    write(project, log="first")
    (log.with_name("access.log.1") / "folder").mkdir(parents=True)
    (log.with_name("access.log.2") / "folder").mkdir(parents=True)
    assert not rotate(project, largest=3)
    assert log.read_text() == "first"
    assert docker.calls == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_the_log_stays_the_property_of_its_owner(
    project: ComposeProject, docker: FakeDocker
) -> None:
    write(project, log="first")
    log = project.home.nginx_logs / "access.log"
    os.chown(log, 4321, 4321)
    rotate(project, largest=3)
    assert log.with_name("access.log.1").stat().st_uid == 4321


def test_while_another_command_is_at_work_nothing_is_done(
    project: ComposeProject, docker: FakeDocker
) -> None:
    write(project, log="first")
    with locked(project.home):
        assert not rotate_beside_others(project.home, largest=3)
    assert rotate_beside_others(project.home, largest=3)
    assert docker.calls == [REOPEN]
    project.home.compose_file.unlink()
    assert not rotate_beside_others(project.home, largest=3)


@dataclass(frozen=True)
class OnThisMachine(ComposeProject):
    """A stack whose nginx is a process of this machine."""

    nginx: Nginx

    def ask(self, *arguments: str, timeout: float | None = PATIENCE) -> str:
        assert list(arguments) == REOPEN
        self.nginx.process.send_signal(signal.SIGUSR1)
        return ""


def test_under_load_every_download_is_counted_once(tmp_path: Path) -> None:
    settings = ServerSettings(driver="compose", web=WebSettings(rate=10000, burst=5000))
    home = ServerHome(tmp_path / "server")
    (home.root / "logs").mkdir(parents=True)
    with running_registry(tmp_path / "data") as server:
        assert upload(server, make_wheel(tmp_path, "demo")).is_success
        engine = address_of(server)
        with (
            running_nginx(tmp_path / "web", settings, engine=engine, data=server.data) as nginx,
            closing(Database.open(tmp_path / "state.db")) as database,
        ):
            home.nginx_logs.symlink_to(nginx.home / "logs")
            follower = LogFollower(database, home.nginx_logs / "access.log", Metrics())
            answered = loaded(nginx, follower, OnThisMachine(home, "aegis", nginx))
            time.sleep(1.5)  # nginx writes its last lines within a second.
            follower.catch_up()
            counted = Downloads(database).of("demo").downloads
    assert set(answered) == {200}
    assert answered[200] > 100
    assert counted == answered[200]


def loaded(nginx: Nginx, follower: LogFollower, project: ComposeProject) -> Counter[int]:
    """Download for a while, follow the log, and put it aside; return the answers by status."""
    answered: Counter[int] = Counter()
    stop = threading.Event()

    def download() -> None:
        with nginx.client(RAE) as rae:
            while not stop.is_set():
                answered[rae.get(WHEEL).status_code] += 1

    def follow() -> None:
        while not stop.wait(0.05):
            follower.catch_up()

    threads = [threading.Thread(target=download) for _ in range(2)]
    threads.append(threading.Thread(target=follow))
    for thread in threads:
        thread.start()
    try:
        assert rotations(project) == 5
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return answered


def rotations(project: ComposeProject) -> int:
    """Put the log aside five times; it has something in it a second after it was opened."""
    done = 0
    deadline = time.monotonic() + 30
    while done < 5 and time.monotonic() < deadline:
        time.sleep(0.1)
        done += rotate(project, largest=1)
    return done
