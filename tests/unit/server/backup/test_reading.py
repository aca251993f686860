from __future__ import annotations

import gzip
import hashlib
import io
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.errors import BackupError
from poetry_aegis.server.backup import archive as archives
from poetry_aegis.server.backup import manifest as manifests
from poetry_aegis.server.backup import tar
from poetry_aegis.server.backup.archive import ArchiveWriter, open_archive
from poetry_aegis.server.backup.manifest import Entry, Manifest, parse_manifest
from poetry_aegis.server.backup.reading import extract, require_not_newer, verify
from poetry_aegis.tables import InvalidTable
from tests.support.backups import put, unseen

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome
    from tests.unit.server.backup.conftest import BackUp

CHOICE = random.Random(7)  # noqa: S311 -- a test's choice


def test_each_place_where_a_backup_may_be_cut_short_is_found(
    back_up: BackUp, tmp_path: Path
) -> None:
    whole = back_up().archive.read_bytes()
    cut = tmp_path / "cut.tar.gz"
    lengths = {
        *range(200),
        *range(len(whole) - 200, len(whole)),
        *CHOICE.sample(range(len(whole)), 100),
    }
    for length in lengths:
        cut.write_bytes(whole[:length])
        with pytest.raises(BackupError, match="cut short"):
            verify(cut, unseen)


def test_each_altered_byte_is_found(back_up: BackUp, tmp_path: Path) -> None:
    whole = back_up().archive.read_bytes()
    altered = tmp_path / "altered.tar.gz"
    ends = {*range(40), *range(len(whole) - 200, len(whole))}
    for place in ends | set(CHOICE.sample(range(len(whole)), 150)):
        for flip in (0x01, 0x80):
            content = bytearray(whole)
            content[place] ^= flip
            altered.write_bytes(content)
            with pytest.raises(BackupError):
                verify(altered, unseen)


def test_what_is_appended_or_put_into_it_is_found(back_up: BackUp, tmp_path: Path) -> None:
    whole = back_up().archive.read_bytes()
    altered = tmp_path / "altered.tar.gz"
    for content in (whole + b"\0", b"\0" + whole, gzip.compress(b"more") + whole, whole + whole):
        altered.write_bytes(content)
        with pytest.raises(BackupError):
            verify(altered, unseen)


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"x" * 1000, mtime=0)],
    ids=["empty", "no archive", "no tar"],
)
def test_what_is_no_backup_is_told_of(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.tar.gz"
    path.write_bytes(content)
    with pytest.raises(BackupError, match="is no backup"):
        verify(path, unseen)


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="cannot be read"):
        verify(tmp_path / "none.tar.gz", unseen)


def test_a_missing_or_damaged_backup_that_is_needed_is_named(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    first = back_up().archive
    put(home, tmp_path / "more", "newcomer", "1.0")
    second = back_up().archive
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    with pytest.raises(BackupError, match=first.name):
        verify(second, unseen)
    first.unlink()
    with pytest.raises(BackupError, match=f"needs {first.name}"):
        verify(second, unseen)


def test_another_backup_of_the_same_name_does_not_take_its_place(
    home: ServerHome, back_up: BackUp, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    first = back_up().archive
    put(home, tmp_path / "more", "newcomer", "1.0")
    second = back_up().archive
    first.unlink()
    home.env_file.write_text("REDIS_PASSWORD=another\n")
    back_up(output=tmp_path / "other.tar.gz").archive.rename(first)
    home.env_file.write_text("")
    with pytest.raises(BackupError, match=r"does not hold \.env"):
        verify(second, unseen)


SETTINGS = b'driver = "embedded"\n'


def hostile(path: Path, *entries: Entry, **changes: Any) -> Path:
    """Write an archive whose digest is right, and whose manifest has *entries* without checks."""
    manifest = object.__new__(Manifest)
    fields = {"created": "2026-01-01", "version": "0.0.0", "entries": entries, "format": 1}
    for name, value in (fields | changes).items():
        object.__setattr__(manifest, name, value)
    with path.open("wb") as stream:
        writer = ArchiveWriter(stream)
        for entry in entries:
            if entry.held_in is None:
                head = tar.head_of(entry.path, entry.size, entry.mode, entry.mtime_ns)
                writer._files.write(head + SETTINGS + tar.padding_of(len(SETTINGS)))
        writer.finish(manifest)
    return path


def entry_of(path: str, /, **changes: Any) -> Entry:
    """Return an entry that is not checked, of the content `SETTINGS`."""
    entry = object.__new__(Entry)
    digest = hashlib.sha256(SETTINGS).hexdigest()
    fields = {"path": path, "sha256": digest, "size": len(SETTINGS), "mode": 0o644}
    for name, value in (fields | {"mtime_ns": 0, "inode": 0, "held_in": None} | changes).items():
        object.__setattr__(entry, name, value)
    return entry


GOOD = entry_of("server.toml")


def test_an_archive_made_by_hand_is_read_if_it_is_right(tmp_path: Path) -> None:
    path = hostile(tmp_path / "good.tar.gz", GOOD, entry_of("data/packages/a/b.whl"))
    (tmp_path / "out").mkdir()
    extract(open_archive(path), tmp_path / "out", unseen)
    assert (tmp_path / "out/data/packages/a/b.whl").read_bytes() == SETTINGS


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../outside", "data/../../outside", "data/packages/../../../outside"),
        *("data//packages/a", "data/packages/", "", ".", "data", "data/packages", "compose.yaml"),
        *("data/.work/locks/a.lock", "tls/../server.toml", "data/packages/a\\..\\b", "run/lock"),
        *("data/packages/a\0b", "C:/windows", "server.toml/x", "data/state.db/x"),
    ],
)
def test_a_path_that_is_not_of_a_backup_is_refused(path: str, tmp_path: Path) -> None:
    archive = hostile(tmp_path / "hostile.tar.gz", GOOD, entry_of(path))
    with pytest.raises(BackupError, match="cannot be used"):
        verify(archive, unseen)


@pytest.mark.parametrize(
    "change",
    [
        {"mode": 0o4755},
        {"mode": -1},
        {"size": -1},
        {"sha256": "abc"},
        {"held_in": "../other.tar.gz"},
        {"held_in": "/other.tar.gz"},
        {"held_in": ".tar.gz"},
        {"held_in": "passwd"},
        {"path": 5},
    ],
)
def test_a_file_that_is_described_as_none_can_be_is_refused(
    change: dict[str, Any], tmp_path: Path
) -> None:
    entry = entry_of("data/packages/a/b.whl", **change)
    content = Manifest("", "", (Entry(**vars(GOOD)),)).to_bytes().decode()
    table = content.replace('"entries":[', '"entries":[' + _as_json(entry) + ",")
    with pytest.raises(BackupError, match="cannot be used"):
        parse_manifest(table.encode(), where="x")


def _as_json(entry: Entry) -> str:
    import json

    return json.dumps({key: value for key, value in vars(entry).items() if value is not None})


def test_files_that_are_there_twice_or_below_each_other_are_refused(tmp_path: Path) -> None:
    for paths in (
        ["data/packages/a", "data/packages/a"],
        ["data/packages/a", "data/packages/a/b"],
        ["server.toml"],
    ):
        archive = hostile(tmp_path / "hostile.tar.gz", GOOD, *map(entry_of, paths))
        with pytest.raises(BackupError, match="cannot be used"):
            verify(archive, unseen)


def test_a_link_or_a_device_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = tar._block
    for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"L", b"S", b"g"):
        with monkeypatch.context() as patch:
            patch.setattr(tar, "_block", lambda *values, k=kind: real(*values[:4], k))
            archive = hostile(tmp_path / "hostile.tar.gz", GOOD)
        with pytest.raises(BackupError):
            verify(archive, unseen)


def test_content_that_is_not_what_the_manifest_says_is_refused(tmp_path: Path) -> None:
    for change in ({"sha256": "0" * 64}, {"size": 3}, {"size": 600}, {"size": 10**15}):
        archive = hostile(tmp_path / "hostile.tar.gz", entry_of("server.toml", **change))
        with pytest.raises(BackupError, match="altered"):
            verify(archive, unseen)


def test_more_than_the_manifest_tells_of_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    with path.open("wb") as stream:
        writer = ArchiveWriter(stream)
        writer._files.write(bytes(200 << 20))
        writer.finish(Manifest("", "", (Entry(**vars(GOOD)),)))
    with pytest.raises(BackupError, match="altered"):
        verify(path, unseen)


def test_a_manifest_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LARGEST_MANIFEST", 2000)
    archive = hostile(tmp_path / "bomb.tar.gz", *[GOOD] * 100)
    with pytest.raises(BackupError, match="altered"):
        open_archive(archive)


def test_a_newer_format_and_a_newer_version_are_refused(tmp_path: Path) -> None:
    archive = hostile(tmp_path / "newer.tar.gz", GOOD, format=2, version="9.1")
    with pytest.raises(BackupError, match=r"written by poetry-aegis 9\.1, in a newer format"):
        verify(archive, unseen)
    manifest = open_archive(hostile(tmp_path / "newer.tar.gz", GOOD, version="9.1")).manifest
    with pytest.raises(BackupError, match=r"taken by poetry-aegis 9\.1"):
        require_not_newer(manifest)
    require_not_newer(replace(manifest, version="unknown"))


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"format": 1}', b"[" * 100000])
def test_a_manifest_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(BackupError, match="The manifest of x"):
        parse_manifest(content, where="x")


def test_a_manifest_survives_names_of_all_kinds() -> None:
    names = ["data/packages/a/日本", "data/packages/a/\udcff", 'data/packages/a/"']
    entries = [Entry(**vars(entry_of(name))) for name in ["server.toml", *names]]
    manifest = Manifest("2026", "1", tuple(entries))
    assert parse_manifest(manifest.to_bytes(), where="x") == manifest


def test_a_file_that_shrinks_while_it_is_read_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    with file.open("rb") as source:
        source.read(2)  # as if it had had more
        with pytest.raises(BackupError, match="became shorter"):
            ArchiveWriter(io.BytesIO()).add("server.toml", source)


def test_the_suffix_of_a_backup_is_known_to_all() -> None:
    with pytest.raises(InvalidTable):
        Entry(**(vars(GOOD) | {"held_in": f"{manifests.SUFFIX}"}))
