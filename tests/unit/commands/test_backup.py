"""``poetry aegis server backup``, ``backup verify`` and ``restore``, as they are typed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import BackupError, NoServer, UsageError
from tests.support.backups import make_server, put, tree
from tests.support.commands import Terminal, aegis

if TYPE_CHECKING:
    from poetry_aegis.server.home import ServerHome


@pytest.fixture
def home(tmp_path: Path) -> ServerHome:
    """Return a home with an index that nobody serves."""
    return make_server(tmp_path / "home", tmp_path / "dist")


def test_a_backup_is_taken_verified_and_restored(home: ServerHome, tmp_path: Path) -> None:
    where, before = ("--home", str(home.root)), tree(home)
    taken = aegis("server", "backup", *where)
    assert taken.code == 0, taken.err
    assert "Backed up" in taken.out
    (archive,) = (home.root / "backups").iterdir()
    assert "Nothing has changed" in aegis("server", "backup", *where).out

    verified = aegis("server", "backup", "verify", str(archive))
    assert "is whole" in verified.out
    assert re.search(r"taken +\d{4}-\d\d-\d\d \d\d:\d\d UTC\n", verified.out)
    document = aegis("server", "backup", "verify", str(archive), "--json").document
    assert document["files"] == len(before) + 1

    (tmp_path / "more").mkdir()
    put(home, tmp_path / "more", "newcomer", "1.0")
    checked = aegis("server", "restore", str(archive), "--dry-run", *where)
    assert "Nothing was changed." in checked.out
    asked = aegis("server", "restore", str(archive), *where)
    assert asked.code == UsageError.exit_code
    assert "--yes" in asked.err
    assert tree(home) != before
    restored = aegis("server", "restore", str(archive), "--yes", *where)
    assert restored.code == 0, restored.err
    assert f"poetry aegis server start --home {home.root}" in restored.out
    assert "Swapping the data.\n" in restored.out
    assert re.search(r"what it was at \d{4}-\d\d-\d\d \d\d:\d\d UTC: ", restored.out)
    assert tree(home) == before


def test_a_backup_is_found_by_its_name(home: ServerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    where = ("--home", str(home.root))
    aegis("server", "backup", *where)
    (archive,) = (home.root / "backups").iterdir()
    for command in (["backup", "verify"], ["restore", "--dry-run"]):
        assert aegis("server", *command, archive.name, *where).code == 0, command
        missing = aegis("server", *command, "backup-20200101-000000.tar.gz", *where)
        assert missing.code == BackupError.exit_code
        assert str(Path.cwd() / "backup-20200101-000000.tar.gz") in missing.err

    monkeypatch.chdir(archive.parent)
    assert aegis("server", "backup", "verify", archive.name, "--home", "/nowhere").code == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2), ("", 2)])
def test_on_a_terminal_it_is_asked(
    home: ServerHome, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    where = ("--home", str(home.root))
    aegis("server", "backup", *where)
    (archive,) = (home.root / "backups").iterdir()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    result = aegis("server", "restore", archive.name, *where)
    assert f"Replace the index in {home.root}? [y/N] " in result.err
    assert result.code == code, result.err


def test_an_empty_home_needs_no_consent(home: ServerHome, tmp_path: Path) -> None:
    archive = tmp_path / "index.tar.gz"
    taken = aegis(
        *("server", "backup", "--output", str(archive), "--home", str(home.root), "--json")
    ).document
    assert taken["new"]
    assert taken["archive"] == str(archive)
    new = tmp_path / "new"
    restored = aegis("server", "restore", str(archive), "--home", str(new), "--json").document
    assert restored["files"] == taken["files"]
    assert not restored["restarted"]


def test_a_damaged_backup_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(b"no backup")
    for command in (["backup", "verify"], ["restore"]):
        result = aegis("server", *command, str(path))
        assert result.code == BackupError.exit_code
        assert "is no backup" in result.err


def test_what_makes_no_sense_is_refused(home: ServerHome, tmp_path: Path) -> None:
    where = ("--home", str(home.root))
    for arguments in (["backup", "--keep=-1"], ["backup", "--schedule", "sometimes"], ["restore"]):
        assert aegis("server", *arguments, *where).code == UsageError.exit_code, arguments
    assert aegis("server", "backup", "--home", str(tmp_path)).code == NoServer.exit_code


def test_a_schedule_names_the_home_and_this_poetry(
    home: ServerHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poetry = tmp_path / "poetry"
    poetry.touch()
    monkeypatch.setattr(sys, "argv", [str(poetry)])
    where = ("--home", str(home.root))
    cron = aegis("server", "backup", "--schedule", "cron", *where).out
    assert f"17 3 * * * {poetry} aegis server backup --home {home.root} --quiet" in cron
    timer = aegis("server", "backup", "--schedule", "systemd", *where).out
    assert f"ExecStart={poetry} aegis server backup --home" in timer
    assert str(home.root) in timer
    assert "OnCalendar=" in timer


def test_what_a_schedule_cannot_say_is_refused(tmp_path: Path) -> None:
    home = make_server(tmp_path / "100%", tmp_path / "dist", projects=0)
    result = aegis("server", "backup", "--schedule", "cron", "--home", str(home.root))
    assert result.code == UsageError.exit_code
