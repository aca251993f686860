"""A registry whose disk is full: nothing is lost, what can go on goes on, and it says so."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.store.store import Store
from tests.support.distributions import make_sdist, make_wheel
from tests.support.needs import missing
from tests.support.registry import (
    HTTP,
    JSON,
    PATIENCE,
    UNLIMITED_LOGINS,
    RegistryServer,
    listed_files,
    read,
    running_registry,
    upload,
)
from tests.support.registry_load import settle
from tests.support.store import everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIZE = "12m"
SETTINGS = f'minimum_free_space = "64KiB"\n{UNLIMITED_LOGINS}'
WHEEL = "demo-1.0.0-py3-none-any.whl"
FULL = "The registry has no space left for the file.\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes; what is beside it has all the space it needs."""
    folder = tmp_path / "data"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if sys.platform != "linux" or shutil.which("mount") is None:
        missing("needs a small file system, which is made on Linux")
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        missing("needs the right to mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def registry(disk: Path) -> Iterator[RegistryServer]:
    with running_registry(disk, settings=SETTINGS) as server:
        assert upload(server, make_wheel(disk.parent / "dist")).status_code == 200
        settle(server)  # The project list, which is written soon after, is part of what is there.
        yield server


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave no byte of the disk free while the block runs."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        for size in (1024 * 1024, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    stream.write(b"x" * size)
    assert shutil.disk_usage(disk).free == 0
    try:
        yield
    finally:
        ballast.unlink()


def test_changes_are_507_and_leave_everything_as_it_was(
    registry: RegistryServer, disk: Path
) -> None:
    before = tree(registry)
    api = f"{registry.url}/api/v1/projects/demo"
    admin = ("ada", registry.users["ada"][0])
    with filled(disk):
        answers = {
            "a new project": upload(registry, make_wheel(disk.parent, "fresh")),
            "a new file": upload(registry, make_sdist(disk.parent)),
            "a yank": HTTP.put(f"{api}/versions/1.0.0/yank", auth=admin),
            "a deletion": HTTP.delete(f"{api}/files/{WHEEL}", auth=admin),
            "a status": HTTP.patch(api, json={"status": "archived"}, auth=admin),
        }

        told = {what: (answer.status_code, answer.text) for what, answer in answers.items()}
        assert told == dict.fromkeys(answers, (507, FULL))
        assert tree(registry) == before
    assert Store(DataDirectory(registry.data)).check().is_clean
    assert "Traceback" not in registry.log()


def test_what_needs_no_space_goes_on(registry: RegistryServer, disk: Path) -> None:
    upload(registry, make_wheel(disk.parent, "other"))
    wheel = (disk.parent / "dist" / WHEEL).read_bytes()
    with filled(disk):
        answers = {
            path: read(registry, path, user="ada", headers={"accept": accept})
            for path, accept in [
                ("/simple/", JSON),
                ("/simple/demo/", JSON),
                (f"/packages/demo/{WHEEL}", "*/*"),
                (f"/packages/demo/{WHEEL}.metadata", "*/*"),
                ("/pypi/demo/json", "*/*"),
                ("/?q=demo", "text/html"),
                ("/project/demo/", "text/html"),
                ("/audit", "text/html"),
                ("/api/v1/audit", "*/*"),
                ("/api/v1/whoami", "*/*"),
                ("/api/v1/downloads/demo", "*/*"),
                ("/health", "*/*"),
            ]
        }
        wrong = HTTP.get(f"{registry.url}/simple/", auth=("ada", "wrong"))
        same = upload(registry, disk.parent / "dist" / WHEEL)

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(
        answers, 200
    )
    assert answers[f"/packages/demo/{WHEEL}"].content == wheel
    assert wrong.status_code == 401
    assert same.status_code in (200, 507)


def test_ready_says_so_and_all_works_again_with_space(registry: RegistryServer, disk: Path) -> None:
    large = make_wheel(disk.parent, "large", files={"noise": os.urandom(2_000_000)})
    with filled(disk):
        wait_until(lambda: not is_ready(registry))
        told = read(registry, "/ready", user=None).text
        assert upload(registry, large).status_code == 507
        for _ in range(3):
            assert read(registry, f"/packages/demo/{WHEEL}").status_code == 200
        time.sleep(1.5)  # Downloads are written each second, which fails now.
    wait_until(lambda: is_ready(registry))
    accepted = upload(registry, large)
    yanked = HTTP.put(
        f"{registry.url}/api/v1/projects/demo/versions/1.0.0/yank",
        json={"reason": "broken"},
        auth=("ada", registry.users["ada"][0]),
    )
    wait_until(lambda: downloads_of_demo(registry) == 3)

    assert "free" in told or "cannot be written" in told
    assert str(registry.data) not in told
    assert (accepted.status_code, yanked.status_code) == (200, 200), accepted.text
    assert listed_files(registry, "demo")[WHEEL]["yanked"] == "broken"
    assert set(listed_files(registry, "large")) == {large.name}
    entries = read(registry, "/api/v1/audit", user="ada").json()["entries"]
    assert [entry["action"] for entry in entries] == ["yank", "upload", "upload"]
    assert read(registry, "/simple/").status_code == 200
    assert Store(DataDirectory(registry.data)).check().is_clean
    assert list((registry.data / ".work" / "pending").iterdir()) == []


def test_what_the_trail_could_not_take_is_in_the_log(registry: RegistryServer, disk: Path) -> None:
    with filled(disk):
        for number in range(50):
            wrong = HTTP.get(f"{registry.url}/simple/", auth=("mallory", f"guess {number}"))
            assert wrong.status_code == 401
        wait_until(lambda: len(logged_of(registry, "mallory")) > 0)

    def entries() -> list[dict[str, object]]:
        told = read(registry, "/api/v1/audit?user=mallory", user="ada").json()
        return list(told["entries"])

    wait_until(lambda: len(entries()) + len(logged_of(registry, "mallory")) == 50)
    assert "guess" not in registry.log()


def test_a_log_on_the_full_disk_stops_nothing(disk: Path) -> None:
    with running_registry(disk / "data", settings=SETTINGS) as server:
        assert upload(server, make_wheel(disk.parent)).status_code == 200
        with filled(disk):
            statuses = [read(server, f"/packages/demo/{WHEEL}").status_code for _ in range(300)]
            refused = upload(server, make_sdist(disk.parent))
        accepted = upload(server, make_sdist(disk.parent))
        assert server.terminate() == 0

    assert statuses == [200] * 300
    assert (refused.status_code, accepted.status_code) == (507, 200)


def test_it_does_not_begin_on_a_full_disk(disk: Path) -> None:
    with running_registry(disk, settings=SETTINGS):
        pass
    command = [sys.executable, "-m", "poetry_aegis.registry", "serve", "--port", "0"]
    with filled(disk):
        done = subprocess.run(
            [*command, "--data", str(disk)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    assert done.returncode == 97
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def tree(server: RegistryServer) -> dict[str, bytes]:
    """Return files and pages, and what is under way."""
    folders = ("packages", "simple", ".work/incoming")
    return {f"{one}/{k}": v for one in folders for k, v in everything(server.data / one).items()}


def logged_of(server: RegistryServer, user: str) -> list[dict[str, object]]:
    """Return what the audit trail could not take of *user*."""
    lines = [line["entry"] for line in server.log_lines() if line["event"] == "audit"]
    return [entry for entry in lines if entry["user"] == user]


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when *holds* does; fail when it does not in good time."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_ready(server: RegistryServer) -> bool:
    return read(server, "/ready", user=None).status_code == 200


def downloads_of_demo(server: RegistryServer) -> int:
    return int(read(server, "/api/v1/downloads/demo").json()["total"])
