from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tarfile
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import BackupError
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.locks import exclusive
from poetry_aegis.server.backup.archive import MANIFEST, open_archive
from poetry_aegis.server.backup.reading import verify
from poetry_aegis.server.backup.taking import Order, take
from poetry_aegis.server.config import load_settings
from poetry_aegis.server.drivers.access_log import LARGEST
from tests.support import fake_docker
from tests.support.backups import hidden, put, tree, unseen
from tests.support.needs import needs_program

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome
    from tests.unit.server.backup.conftest import BackUp


def test_a_backup_holds_what_cannot_be_made_anew_and_nothing_else(
    home: ServerHome, back_up: BackUp
) -> None:
    (home.data / "upstream").mkdir()
    (home.data / "upstream" / "page").write_text("of another index")

    taken = back_up()

    paths = {entry.path for entry in verify(taken.archive, unseen).entries}
    assert paths == {*tree(home), "data/state.db"}
    assert taken.is_new
    assert taken.files == taken.stored == len(paths)
    assert taken.size == taken.archive.stat().st_size
    assert hidden(home) == []
    assert DataDirectory(home.data).last_backup.exists()


def test_a_backup_of_a_stack_puts_its_access_log_aside(
    home: ServerHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = fake_docker.install(tmp_path / "bin", monkeypatch)
    home.compose_file.write_text('name: "aegis"\n')
    home.nginx_logs.mkdir(parents=True)
    log = home.nginx_logs / "access.log"
    with log.open("wb") as stream:
        stream.truncate(LARGEST + 1)
    settings = replace(load_settings(home), driver="compose")

    take(home, settings, Order(), unseen)

    assert docker.calls == [["exec", "-T", "nginx", "sh", "-c", "kill -USR1 1"]]
    assert [path.name for path in home.nginx_logs.iterdir()] == ["access.log.1"]


@pytest.mark.skipif(os.name == "nt", reason="modes mean little there")
def test_nobody_else_may_read_a_backup(back_up: BackUp) -> None:
    archive = back_up().archive
    assert archive.stat().st_mode & 0o777 == 0o600
    assert archive.parent.stat().st_mode & 0o077 == 0


def test_every_program_that_knows_tar_opens_it(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    archive = back_up().archive
    with tarfile.open(archive) as members:
        names = members.getnames()
        held = {name: members.extractfile(name).read() for name in names}  # type: ignore[union-attr]
    assert names[-1] == MANIFEST
    assert tree(home).items() <= held.items()
    assert json.loads(held[MANIFEST])["format"] == 1
    (tmp_path / "out").mkdir()
    subprocess.run(
        [needs_program("tar"), "xzf", archive, "-C", tmp_path / "out"], check=True, timeout=30
    )
    assert (tmp_path / "out" / "server.toml").read_bytes() == home.settings_file.read_bytes()


def test_names_that_are_long_or_not_ascii_come_back(home: ServerHome, back_up: BackUp) -> None:
    names = ["grüße-日本.bin", "x" * 150, os.fsdecode(b"no-utf8-\xff")]
    for name in names:
        (home.data / "packages" / "demo0" / name).write_bytes(name.encode("utf-8", "replace"))

    archive = back_up().archive

    assert {f"data/packages/demo0/{name}" for name in names} <= {
        entry.path for entry in verify(archive, unseen).entries
    }
    with tarfile.open(archive) as members:
        assert {f"data/packages/demo0/{name}" for name in names} <= set(members.getnames())


def test_where_nothing_has_changed_no_archive_is_written(back_up: BackUp) -> None:
    first, second = back_up(), back_up()
    assert not second.is_new
    assert second.archive == first.archive
    assert len(list(first.archive.parent.iterdir())) == 1


def test_what_an_earlier_backup_holds_is_not_stored_again(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    first = back_up()
    put(home, tmp_path / "more", "newcomer", "1.0")
    second = back_up()
    put(home, tmp_path / "more", "newcomer", "2.0")
    third = back_up()

    assert first.stored > second.stored >= 6
    stored = {entry.path for entry in open_archive(third.archive).manifest.stored}
    assert "data/packages/newcomer/newcomer-2.0-py3-none-any.whl" in stored
    assert "data/packages/newcomer/newcomer-1.0-py3-none-any.whl" not in stored
    for entry in open_archive(third.archive).manifest.entries:  # never a chain
        if entry.held_in:
            other = open_archive(third.archive.with_name(entry.held_in))
            assert entry.path in {held.path for held in other.manifest.stored}
    needed = {first.archive.name, second.archive.name}
    assert set(verify(third.archive, unseen).others) == needed


def test_the_digest_of_a_file_that_has_not_changed_is_not_computed_again(
    home: ServerHome, back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poetry_aegis.registry import digests

    back_up()
    read: list[str] = []
    real = digests.sha256_of

    def seen(path: Path) -> str:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(digests, "sha256_of", seen)
    back_up()
    assert read == ["state.db"]


def test_a_file_that_was_only_touched_is_recognised_by_its_digest(
    home: ServerHome, back_up: BackUp
) -> None:
    back_up()
    os.utime(home.settings_file)
    assert not back_up().is_new


def test_a_full_one_and_one_in_a_file_stand_alone(back_up: BackUp, tmp_path: Path) -> None:
    back_up()
    assert verify(back_up(full=True).archive, unseen).others == []
    alone = back_up(output=tmp_path / "alone.tar.gz").archive
    assert alone == tmp_path / "alone.tar.gz"
    assert verify(alone, unseen).others == []
    with pytest.raises(BackupError, match="is there already"):
        back_up(output=alone)


def test_the_oldest_go_that_no_kept_one_needs(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    archives = []
    for number in range(4):
        put(home, tmp_path / "more", f"extra{number}", "1.0")
        archives.append(back_up(full=number == 2, keep=2))
    folder = archives[0].archive.parent
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [archives[2].archive.name, archives[3].archive.name]
    )
    assert archives[3].removed == (archives[0].archive.name, archives[1].archive.name)
    put(home, tmp_path / "more", "extra9", "1.0")
    last = back_up(keep=1)
    assert archives[2].archive.name not in last.removed
    verify(last.archive, unseen)


def test_an_empty_index_can_be_backed_up(home: ServerHome, back_up: BackUp) -> None:
    for name in ("packages", "simple"):
        shutil.rmtree(home.data / name)
    (home.data / "state.db").unlink()
    assert verify(back_up().archive, unseen).entries


def test_data_that_are_gone_are_no_empty_index(home: ServerHome, back_up: BackUp) -> None:
    home.data.rename(home.root / "elsewhere")
    with pytest.raises(BackupError, match="is not there") as caught:
        back_up()
    assert caught.value.hint.endswith(f"poetry aegis server restore FILE --home {home.root}")


def test_links_are_told_of_and_not_followed(home: ServerHome, back_up: BackUp) -> None:
    secret = home.root / "secret"
    secret.write_text("of somebody else")
    (home.data / "packages" / "demo0" / "link.whl").symlink_to(secret)
    taken = back_up()
    assert taken.skipped == ("data/packages/demo0/link.whl",)
    with gzip.open(taken.archive) as content:
        assert b"of somebody else" not in content.read()


def test_settings_that_are_a_link_are_refused(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    """A server runs with them, and a backup without them could not be restored."""
    kept = tmp_path / "kept.toml"
    home.settings_file.rename(kept)
    home.settings_file.symlink_to(kept)
    with pytest.raises(BackupError, match=r"server\.toml is a symbolic link"):
        back_up()
    assert hidden(home) == []


def test_a_link_in_place_of_all_packages_is_refused(home: ServerHome, back_up: BackUp) -> None:
    (home.data / "packages").rename(home.root / "packages")
    (home.data / "packages").symlink_to(home.root / "packages")
    with pytest.raises(BackupError, match="is a symbolic link"):
        back_up()


def test_a_file_system_without_links_is_copied_from(
    back_up: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    verify(back_up().archive, unseen)
    assert not back_up().is_new


def test_a_disk_that_is_too_small_is_told_of_before_anything_is_written(
    back_up: BackUp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "free")  # noqa: PYI024 -- a stand-in
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10))
    with pytest.raises(BackupError, match="There is no space left"):
        back_up(output=tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_database_that_is_damaged_is_told_of(home: ServerHome, back_up: BackUp) -> None:
    (home.data / "state.db").write_bytes(b"no database, whatever it is called")
    with pytest.raises(BackupError, match="damaged"):
        back_up()
    assert hidden(home) == []


def test_two_backups_at_once_are_one_too_many(home: ServerHome, back_up: BackUp) -> None:
    with (
        exclusive(DataDirectory(home.data).locks / ".backup"),
        pytest.raises(BackupError, match="under way"),
    ):
        back_up()


def test_a_project_that_is_being_changed_is_waited_for(home: ServerHome, back_up: BackUp) -> None:
    with exclusive(DataDirectory(home.data).locks / "demo1.lock"):
        thread = threading.Thread(target=back_up)
        thread.start()
        time.sleep(0.3)
        assert thread.is_alive()
    thread.join(20)
    assert not thread.is_alive()


def test_what_killed_backups_left_is_removed(home: ServerHome, back_up: BackUp) -> None:
    folder = home.root / "backups"
    folder.mkdir()
    (folder / ".tmp-abc.part").write_text("half")
    (home.data / ".work" / "backup-dead").mkdir()
    back_up()
    assert hidden(home) == []


def test_a_damaged_backup_is_not_referred_to(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    first = back_up().archive
    first.write_bytes(first.read_bytes()[:-10])
    taken = back_up()
    assert taken.is_new
    assert verify(taken.archive, unseen).others == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_what_root_makes_in_the_data_belongs_to_whose_they_are(
    home: ServerHome, back_up: BackUp
) -> None:
    for path in (home.data / ".work" / "locks").iterdir():
        path.unlink()
    for path in (home.data, *home.data.rglob("*")):
        os.chown(path, 10001, 10001)
    back_up()
    assert {path.stat().st_uid for path in (home.data, *home.data.rglob("*"))} == {10001}
    assert (home.data / ".work" / "locks" / "demo0.lock").exists()
