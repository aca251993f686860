from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.errors import BackupError, NotReady, SettingsError
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.locks import exclusive, shared
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.store.store import Store
from poetry_aegis.server import probe
from poetry_aegis.server.backup import marker as markers
from poetry_aegis.server.backup import place, swap, taking
from poetry_aegis.server.backup.ending import recover
from poetry_aegis.server.backup.marker import Marker
from poetry_aegis.server.backup.restoring import RestoreOrder, rehearse, restore
from poetry_aegis.server.config import load_settings, new_settings
from poetry_aegis.server.drivers import driver_of
from poetry_aegis.server.drivers.interface import Silence
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.statistics import audit_entries
from poetry_aegis.server.template import render_settings
from tests.support.backups import hidden, put, tree, unseen
from tests.support.registry import listed_files, running_registry
from tests.support.registry_load import Load, settle
from tests.support.server import vacant_home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.server.backup.conftest import BackUp


@pytest.fixture
def changed(home: ServerHome, back_up: BackUp, tmp_path: Path) -> tuple[dict[str, bytes], Path]:
    """Return what the home was when it was backed up, and the archive; it has changed since."""
    before, archive = tree(home), back_up().archive
    (tmp_path / "more").mkdir()
    put(home, tmp_path / "more", "newcomer", "1.0")
    Store(DataDirectory.open(home.data)).delete_project("demo0")
    return before, archive


def test_the_index_becomes_what_it_was(
    home: ServerHome, changed: tuple[dict[str, bytes], Path]
) -> None:
    before, archive = changed
    assert tree(home) != before

    restored = restore(home, RestoreOrder(archive), unseen)

    assert tree(home) == before
    assert restored.files == len(before) + 1
    assert not restored.was_running
    assert restored.mended == ()
    assert restored.kept is None
    told = audit_entries(home, limit=1)[0]
    assert (told.action, told.detail) == ("restore", archive.name)
    assert hidden(home) == []
    assert Store(DataDirectory(home.data)).check().is_clean
    with closing(sqlite3.connect(home.data / "state.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_empty_home_is_set_up_by_it(home: ServerHome, back_up: BackUp, tmp_path: Path) -> None:
    new = ServerHome(tmp_path / "far" / "away")
    restore(new, RestoreOrder(back_up().archive), unseen)
    assert tree(new) == tree(home)
    assert new.env_file.stat().st_mode & 0o777 == 0o600
    assert (new.tls / "ca.key").stat().st_mode & 0o777 == 0o600
    assert new.auth.stat().st_mode & 0o777 == 0o700
    told, here = (DataDirectory(of.data).last_backup.stat().st_mtime for of in (new, home))
    assert told == pytest.approx(here, abs=60)
    shutil.rmtree(home.root)
    assert load_settings(new).port
    assert Store(DataDirectory(new.data)).check().is_clean


def test_a_backup_that_refers_to_another_is_restored_from_both(
    home: ServerHome, changed: tuple[dict[str, bytes], Path], back_up: BackUp
) -> None:
    wanted, second = tree(home), back_up().archive
    restore(home, RestoreOrder(changed[1]), unseen)
    restore(home, RestoreOrder(second), unseen)
    assert tree(home) == wanted


def test_settings_come_back_only_where_they_are_missing_unless_asked_for(
    home: ServerHome, back_up: BackUp
) -> None:
    archive, before = back_up().archive, home.settings_file.read_bytes()
    mine = render_settings(new_settings(port=1234)).encode()
    home.settings_file.write_bytes(mine)
    home.env_file.unlink()

    restore(home, RestoreOrder(archive), unseen)
    assert home.settings_file.read_bytes() == mine
    assert home.env_file.exists()

    restore(home, RestoreOrder(archive, replace_settings=True), unseen)
    assert home.settings_file.read_bytes() == before
    (kept,) = home.root.glob("settings.before-*/server.toml")
    assert kept.read_bytes() == mine
    assert kept.stat().st_mode & 0o777 == 0o600


def test_the_old_data_stay_where_they_are_wanted(
    home: ServerHome, changed: tuple[dict[str, bytes], Path]
) -> None:
    restored = restore(home, RestoreOrder(changed[1], keep_old=True), unseen)
    assert restored.kept
    assert (restored.kept / "packages" / "newcomer").is_dir()


class Steps(Silence):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, what: str) -> None:
        self.steps.append(what)


def test_a_server_that_runs_is_stopped_and_runs_again(
    home: ServerHome, changed: tuple[dict[str, bytes], Path]
) -> None:
    before, archive = changed
    driver = driver_of(home, load_settings(home))
    with vacant_home(home.root):
        old = driver.start().pid
        listener = Steps()
        restored = restore(home, RestoreOrder(archive), unseen, listener)
        assert listener.steps == [
            "stopping the server",
            "swapping the data",
            "starting the server",
        ]
        status = driver.status()
        assert restored.was_running
        assert status.state == "running"
        assert status.pid != old
        assert probe.is_ready(status.url)
        driver.stop()
    assert tree(home).keys() == before.keys()


def test_a_server_that_does_not_come_up_leaves_the_old_data(
    home: ServerHome, changed: tuple[dict[str, bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, archive = changed

    class Broken:
        def __init__(self, *_: Any) -> None: ...

        def status(self) -> Any:
            return replace(driver.status(), state="running")

        def stop(self) -> bool:
            return True

        def start(self) -> None:
            raise NotReady("It did not come up.", hint="Look at the log.")

    driver = driver_of(home, load_settings(home))
    monkeypatch.setattr(swap, "driver_of", Broken)
    with pytest.raises(NotReady) as caught:
        restore(home, RestoreOrder(archive), unseen)
    assert "The restored data are in place. The old ones are in" in caught.value.hint
    assert "Look at the log." in caught.value.hint
    assert tree(home) == before
    assert recover(home) is None
    assert len(list(home.root.glob("data.before-*"))) == 1


def test_a_rehearsal_changes_nothing(
    home: ServerHome, changed: tuple[dict[str, bytes], Path], tmp_path: Path
) -> None:
    now = tree(home)
    manifest = rehearse(home, RestoreOrder(changed[1]), unseen)
    assert len(manifest.entries) == len(changed[0]) + 1
    assert tree(home) == now
    new = ServerHome(tmp_path / "new")
    rehearse(new, RestoreOrder(changed[1]), unseen)
    assert not new.root.exists()


def test_a_damaged_backup_changes_nothing(
    home: ServerHome, changed: tuple[dict[str, bytes], Path]
) -> None:
    now, content = tree(home), bytearray(changed[1].read_bytes())
    content[len(content) // 2] ^= 1
    changed[1].write_bytes(content)
    with pytest.raises(BackupError, match="altered"):
        restore(home, RestoreOrder(changed[1]), unseen)
    assert tree(home) == now
    assert hidden(home) == []


def test_a_backup_of_a_newer_version_changes_nothing(
    home: ServerHome, back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poetry_aegis.registry.version.version", lambda: "99.0")
    archive = back_up().archive
    monkeypatch.undo()
    with pytest.raises(BackupError, match=r"taken by poetry-aegis 99\.0"):
        restore(home, RestoreOrder(archive), unseen)


def test_a_database_of_a_newer_version_changes_nothing(home: ServerHome, back_up: BackUp) -> None:
    with closing(sqlite3.connect(home.data / "state.db")) as database:
        database.execute("PRAGMA user_version = 99")
    settings = replace(load_settings(home), driver="compose", engine="pypiserver")
    order = taking.Order(output=home.root / "newer.tar.gz")
    archive = taking.take(home, settings, order, unseen).archive
    (home.data / "state.db").unlink()
    now = tree(home)
    with pytest.raises(BackupError, match="newer version"):
        restore(home, RestoreOrder(archive), unseen)
    assert tree(home) == now
    assert hidden(home) == []


def test_settings_that_cannot_be_used_change_nothing(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    good = load_settings(home)
    home.settings_file.write_text("prot = 1\n")
    order = taking.Order(output=tmp_path / "broken.tar.gz")
    archive = taking.take(home, good, order, unseen).archive
    with pytest.raises(SettingsError, match="prot"):
        restore(ServerHome(tmp_path / "new"), RestoreOrder(archive), unseen)
    assert hidden(ServerHome(tmp_path / "new")) == []


def test_a_disk_that_is_too_small_is_told_of(
    home: ServerHome, back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collections import namedtuple

    archive = back_up().archive
    usage = namedtuple("usage", "free")  # noqa: PYI024 -- a stand-in
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10))
    with pytest.raises(BackupError, match="There is no space left"):
        restore(home, RestoreOrder(archive), unseen)


def test_a_disk_of_its_own_is_not_swapped(
    home: ServerHome, back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = back_up().archive
    monkeypatch.setattr(os.path, "ismount", lambda _: True)
    with pytest.raises(BackupError, match="a disk of its own"):
        restore(home, RestoreOrder(archive), unseen)


def test_data_behind_a_link_stay_behind_it(
    home: ServerHome, changed: tuple[dict[str, bytes], Path], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    home.data.rename(disk / "index")
    home.data.symlink_to(disk / "index")
    restore(home, RestoreOrder(changed[1]), unseen)
    assert home.data.is_symlink()
    assert [path.name for path in disk.iterdir()] == ["index"]
    assert tree(home) == changed[0]


def test_data_that_somebody_works_on_are_not_swapped(
    home: ServerHome,
    changed: tuple[dict[str, bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(swap, "_PAUSE", 0.2)
    now, data = tree(home), DataDirectory(home.data)
    for lock, held in ((data.in_use, shared), (data.locks / ".backup", exclusive)):
        with held(lock), pytest.raises(BackupError, match="at work"):
            restore(home, RestoreOrder(changed[1]), unseen)
    assert tree(home) == now
    assert hidden(home) == []


def test_two_restores_at_once_are_one_too_many(home: ServerHome, back_up: BackUp) -> None:
    archive = back_up().archive
    with (
        exclusive(home.root / "run" / "restoring.lock"),
        pytest.raises(BackupError, match="Another restore"),
    ):
        restore(home, RestoreOrder(archive), unseen)


def test_a_rename_that_fails_is_taken_back(
    home: ServerHome,
    changed: tuple[dict[str, bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, real = tree(home), place.rename

    def fail(source: Path, target: Path) -> None:
        if source.parent.name.startswith("data.restoring-"):
            raise OSError(5, "Input/output error")
        real(source, target)

    monkeypatch.setattr(swap, "rename", fail)
    with pytest.raises(OSError, match="Input/output"):
        restore(home, RestoreOrder(changed[1]), unseen)
    assert tree(home) == now
    assert hidden(home) == []
    assert recover(home) is None


def test_nothing_is_done_beside_a_restore_that_was_cut_off(
    home: ServerHome, back_up: BackUp
) -> None:
    archive = back_up().archive
    markers.write(home, Marker("x.tar.gz", "data.restoring-1", "data.before-1"))
    with pytest.raises(BackupError, match="was interrupted"):
        back_up()
    with pytest.raises(BackupError, match="was interrupted"):
        restore(home, RestoreOrder(archive), unseen)


def test_where_only_a_person_can_tell_a_person_is_asked(home: ServerHome) -> None:
    markers.write(home, Marker("x.tar.gz", "data.restoring-1", "data.before-1"))
    (home.root / "data.restoring-1" / "data").mkdir(parents=True)
    (home.root / "data.before-1").mkdir()
    with pytest.raises(BackupError, match="came into being"):
        recover(home)


@pytest.mark.parametrize("content", ["", "{}", '{"archive": "a", "stage": "..", "before": "b"}'])
def test_a_marker_that_cannot_be_read_is_told_of(home: ServerHome, content: str) -> None:
    markers.path_of(home).write_text(content)
    with pytest.raises(BackupError, match="cannot be read"):
        recover(home)


def test_backups_under_load_are_consistent(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    load = Load(tmp_path / "clients", seed=3)
    with running_registry(home.data) as server:
        settle(server)
        with load.on(server):
            archives = [back_up(keep=0).archive for _ in range(4)]
        settle(server)
    for number, archive in enumerate(archives):
        new = ServerHome(tmp_path / f"new{number}")
        restored = restore(new, RestoreOrder(archive), unseen)
        assert restored.mended == ()
        assert Store(DataDirectory(new.data)).check().is_clean
    with running_registry(new.data) as server:
        assert listed_files(server, "demo0")


def test_what_a_crash_left_half_done_is_mended_before_it_is_backed_up(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    data = DataDirectory(home.data)
    (data.pending / "demo0").write_text(
        '{"writing": null, "deleting": [], "removing_project": true}'
    )
    new = ServerHome(tmp_path / "new")
    restore(new, RestoreOrder(back_up().archive), unseen)
    assert Store(DataDirectory(new.data)).projects() == ["demo1"]
    Database.open(new.data / "state.db").close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_what_root_restores_belongs_to_whose_it_was(home: ServerHome, back_up: BackUp) -> None:
    archive = back_up().archive
    for path in (home.data, *home.data.rglob("*")):
        os.chown(path, 10001, 10001)
    restore(home, RestoreOrder(archive), unseen)
    assert {path.stat().st_uid for path in (home.data, *home.data.rglob("*"))} == {10001}


def test_the_trusted_keys_come_back_where_there_are_none(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    home.trust_file().write_text("threshold = 2\n")
    archive = back_up().archive
    home.trust_file().write_text("threshold = 3\n")
    empty = ServerHome(tmp_path / "empty")

    restore(home, RestoreOrder(archive), unseen)
    restore(empty, RestoreOrder(archive), unseen)

    # A key that was revoked since then stays so.
    assert home.trust_file().read_text() == "threshold = 3\n"
    assert empty.trust_file().read_text() == "threshold = 2\n"
