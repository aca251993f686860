from __future__ import annotations

import logging
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from watchfiles import watch

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.store.store import open_store
from poetry_aegis.registry.watching import watched
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import PATIENCE, listed_files, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.registry import RegistryServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    root = tmp_path_factory.mktemp("watched")
    settings = root / "settings.toml"
    settings.write_text("watch = true\n")
    with running_registry(root / "data", arguments=["--settings", str(settings)]) as server:
        yield server


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "It did not come to pass."
        time.sleep(0.05)


def test_files_appear_and_disappear_with_their_copies(
    server: RegistryServer, tmp_path: Path
) -> None:
    packages = server.data / "packages"
    copied = tmp_path / "made" / "demo"
    make_wheel(copied)
    second = make_sdist(tmp_path)

    shutil.copytree(copied, packages / "demo")
    wait_for(lambda: len(listed_files(server, "demo")) == 1)

    shutil.copy(second, packages / "demo")
    wait_for(lambda: len(listed_files(server, "demo")) == 2)

    (packages / "demo" / second.name).unlink()
    wait_for(lambda: len(listed_files(server, "demo")) == 1)


def test_a_file_is_whole_before_it_appears(server: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "slow").read_bytes()
    copy = server.data / "packages" / "slow" / "slow-1.0.0-py3-none-any.whl"
    copy.parent.mkdir()

    copy.write_bytes(wheel[:-100])
    wait_for(lambda: f"{copy.name} is not listed" in server.log())
    assert listed_files(server, "slow") == {}

    with copy.open("ab") as stream:
        stream.write(wheel[-100:])
    wait_for(lambda: copy.name in listed_files(server, "slow"))


def test_uploads_are_left_to_the_registry(server: RegistryServer, tmp_path: Path) -> None:
    assert upload(server, make_wheel(tmp_path, "uploaded")).status_code == 200

    by_hand = server.data / "packages" / "zz"
    by_hand.mkdir()
    shutil.copy(make_wheel(tmp_path, "zz"), by_hand)
    wait_for(lambda: "Brought the pages of zz up to date" in server.log())

    assert "Brought the pages of uploaded up to date" not in server.log()


def test_other_files_are_nothing_to_look_at(server: RegistryServer, tmp_path: Path) -> None:
    packages = server.data / "packages"
    (packages / "Not Normalised").mkdir()
    (packages / "stray.txt").write_text("stray")
    (packages / "aa").mkdir()
    (packages / "aa" / "notes.txt").write_text("notes")
    shutil.copy(make_wheel(tmp_path, "aa"), packages / "aa")
    wait_for(lambda: len(listed_files(server, "aa")) == 1)

    assert server.process.poll() is None
    assert "Traceback" not in server.log()


def test_what_comes_before_the_watch_is_there_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(DataDirectory.open(tmp_path / "data"))
    has_come = threading.Event()

    def watch_late(*arguments: Any, **options: Any) -> Iterator[Any]:
        assert has_come.wait(PATIENCE)
        return watch(*arguments, **options)

    monkeypatch.setattr("watchfiles.watch", watch_late)
    with watched(store):
        make_wheel(store.data.project_files("demo"))
        has_come.set()
        wait_for(lambda: store.listing("demo").files)


def test_a_project_that_is_deleted_while_it_is_looked_at_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(DataDirectory.open(tmp_path / "data"))
    wheel = make_wheel(store.data.project_files("gone"), "gone")
    store.reindex("gone")
    read, before = store.listing, [store.listing("gone")]  # one reader has it as it was
    shutil.rmtree(store.data.project_pages("gone"))

    caplog.set_level(logging.INFO, logger="poetry_aegis")
    monkeypatch.setattr(store, "listing", lambda name: before.pop() if before else read(name))
    with watched(store):
        wheel.touch()
        wait_for(lambda: "Brought the pages of gone up to date" in caplog.text)
        make_wheel(store.data.project_files("demo"))
        wait_for(lambda: store.listing("demo").files)


def test_a_folder_that_cannot_be_watched_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(DataDirectory.open(tmp_path / "data"))
    store.data.packages.rmdir()

    with watched(store):
        wait_for(lambda: "no longer noticed" in caplog.text)
