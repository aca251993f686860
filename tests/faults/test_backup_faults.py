"""Backups and restores that are killed at every point at which something is about to change."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.store.store import Store
from poetry_aegis.server.backup.ending import recover
from poetry_aegis.server.backup.folder import backups_in
from poetry_aegis.server.backup.marker import path_of
from poetry_aegis.server.backup.reading import verify
from poetry_aegis.server.backup.restoring import RestoreOrder, restore
from poetry_aegis.server.backup.taking import Order, Taken, take
from poetry_aegis.server.config import load_settings, new_settings
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.template import render_settings
from tests.support.backups import hidden, make_server, put, tree, unseen
from tests.support.faults import Killer, apart

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")


@dataclass(frozen=True)
class Stage:
    """A home as it is before each kill, kept in *copy*."""

    home: ServerHome
    copy: Path

    def reset(self) -> None:
        """Make the home what it was."""
        shutil.rmtree(self.home.root, ignore_errors=True)
        if self.copy.exists():
            shutil.copytree(self.copy, self.home.root, symlinks=True)

    def kill_everywhere(self, work: Callable[[], object], check: Callable[[], None]) -> int:
        """Kill *work* at each point and *check* what is left; return how many points there are."""
        point = 0
        while True:
            point += 1
            self.reset()

            def hunted(last: int = point) -> None:
                sys.addaudithook(Killer(self.home.root.parent, last))
                work()

            code = apart(hunted)
            if code == 0:
                return point - 1
            assert code == -signal.SIGKILL, f"point {point}"
            check()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Return a home with a backup, and with changes since."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # Nobody cuts the power here.
    monkeypatch.setattr(os, "sync", lambda: None)
    home = make_server(tmp_path / "world" / "home", tmp_path / "dist", projects=1)
    back_up(home)
    (tmp_path / "more").mkdir()
    put(home, tmp_path / "more", "newcomer", "1.0")
    shutil.copytree(home.root, tmp_path / "copy", symlinks=True)
    return Stage(home, tmp_path / "copy")


def back_up(home: ServerHome) -> Taken:
    return take(home, load_settings(home), Order(), unseen)


def test_a_backup_that_is_killed_harms_nothing_and_the_next_one_cleans_up(stage: Stage) -> None:
    home, now = stage.home, tree(stage.home)

    def check() -> None:
        assert tree(home) == now
        for archive in backups_in(home.root / "backups"):
            verify(archive.path, unseen)
        names = {path.name for path in (home.root / "backups").glob("backup-*")}
        assert names == {archive.path.name for archive in backups_in(home.root / "backups")}
        verify(back_up(home).archive, unseen)
        assert hidden(home) == []

    assert stage.kill_everywhere(lambda: back_up(home), check) > 20


def test_a_restore_that_is_killed_leaves_the_old_index_or_the_new(stage: Stage) -> None:
    home, new = stage.home, tree(stage.home)
    (archive,) = (home.root / "backups").iterdir()
    order = RestoreOrder(archive, replace_settings=True)
    home.settings_file.write_text(render_settings(new_settings(port=1234)))
    home.tls.joinpath("ca.crt").write_text("another")
    shutil.rmtree(stage.copy)
    shutil.copytree(home.root, stage.copy, symlinks=True)
    now = tree(home)
    restore(home, order, unseen)
    wanted = tree(home)
    assert wanted != now
    assert wanted != new
    ends: list[bool] = []

    def check() -> None:
        was_marked, said = path_of(home).exists(), recover(home)
        assert was_marked == (said is not None)
        found = tree(home)
        assert found in (now, wanted)
        ends.append(found == wanted)
        assert not path_of(home).exists()
        assert list(home.root.glob("data.before-*")) == []
        assert Store(DataDirectory(home.data)).check().is_clean
        with closing(sqlite3.connect(home.data / "state.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        restore(home, order, unseen)
        assert tree(home) == wanted
        assert hidden(home) == []

    assert stage.kill_everywhere(lambda: restore(home, order, unseen), check) > 50
    assert ends == sorted(ends)  # first the old, then the new
    assert True in ends


def test_an_end_of_a_restore_that_is_killed_can_be_ended_again(stage: Stage) -> None:
    home = stage.home
    (archive,) = (home.root / "backups").iterdir()
    now = tree(home)
    restore(home, RestoreOrder(archive), unseen)
    wanted = tree(home)
    stage.reset()
    killed = 0
    for point in range(1, 1000):
        stage.reset()

        def hunted(last: int = point) -> None:
            sys.addaudithook(Killer(home.root.parent, last))
            restore(home, RestoreOrder(archive), unseen)

        if apart(hunted) == 0:
            break
        if not path_of(home).exists():
            continue
        half = home.root.with_name(f"half{point}")
        shutil.copytree(home.root, half, symlinks=True)
        again = Stage(home, half)

        def check() -> None:
            recover(home)
            assert tree(home) in (now, wanted)
            assert not path_of(home).exists()
            assert list(home.root.glob("data.before-*")) == []

        killed += again.kill_everywhere(lambda: recover(home), check)
    assert killed > 10


def test_a_restore_into_an_empty_home_that_is_killed_can_be_done_again(
    stage: Stage, tmp_path: Path
) -> None:
    (archive,) = (stage.home.root / "backups").iterdir()
    kept = shutil.copy(archive, tmp_path / archive.name)
    order = RestoreOrder(tmp_path / archive.name)
    assert kept
    reference = ServerHome(tmp_path / "reference")
    restore(reference, order, unseen)
    (tmp_path / "empty").mkdir()
    new = ServerHome(tmp_path / "empty" / "home")
    empty = Stage(new, tmp_path / "nothing")

    def check() -> None:
        recover(new)
        restore(new, order, unseen)
        assert tree(new) == tree(reference)
        assert hidden(new) == []

    assert empty.kill_everywhere(lambda: restore(new, order, unseen), check) > 30
