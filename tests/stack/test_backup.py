"""A backup under uploads, all of it destroyed, and restored: byte by byte what it was."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.registry.data import DataDirectory
from tests.stack.test_gate import upload
from tests.support.distributions import make_wheel
from tests.support.docker import leftovers
from tests.support.store import assert_page_tells_the_truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.stack.stack import Stack

FOLDERS = ("packages", "simple", "auth")


def content(data: Path) -> dict[str, str]:
    """Return the digest of each file that is the index."""
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in FOLDERS
        for path in sorted((data / folder).rglob("*"))
        if path.is_file()
    }


@dataclass
class Uploads:
    """What was uploaded: *done* are the files that were answered with 200."""

    done: list[Path] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)


@contextlib.contextmanager
def uploading(stack: Stack, folder: Path) -> Iterator[Uploads]:
    """Upload one wheel after the other until the block ends."""
    met = Uploads()
    stop = threading.Event()

    def work() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            file = make_wheel(folder, f"load{number % 4}", f"1.{number}")
            status = upload(stack, file, "pub").status_code
            if status == 200:
                met.done.append(file)
            else:
                met.refused.append(status)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield met
    finally:
        stop.set()
        thread.join()


def test_destroyed_and_restored(own_stack: Stack, tmp_path: Path) -> None:
    stack = own_stack
    stack.ok("start")
    data = stack.home.data
    busy, quiet = tmp_path / "busy.tar.gz", tmp_path / "quiet.tar.gz"

    with uploading(stack, tmp_path / "uploads") as uploads:
        while len(uploads.done) < 10:
            assert uploads.refused == []
            time.sleep(0.05)
        before = list(uploads.done)
        stack.ok("backup", "--output", str(busy))
        so_many = len(uploads.done)
    assert uploads.refused == []
    assert len(uploads.done) >= so_many > len(before)
    stack.ok("backup", "verify", str(busy))

    elsewhere = tmp_path / "elsewhere"
    stack.ok("restore", str(busy), "--home", str(elsewhere), "--yes")
    restored = DataDirectory(elsewhere / "data")
    names = {path.name for path in restored.packages.rglob("*.whl")}
    assert {file.name for file in before} <= names <= {file.name for file in uploads.done}
    for folder in restored.packages.iterdir():
        assert_page_tells_the_truth(restored, folder.name)

    stack.ok("backup", "--output", str(quiet))
    assert stack.json("status")["last_backup"] is not None
    was = content(data)
    stack.ok("destroy", "--data", "--yes")
    assert leftovers(stack.project) == []
    assert not data.exists()

    stack.ok("restore", str(quiet), "--yes")
    assert content(data) == was
    stack.bring_wheels()
    stack.ok("start")
    assert content(data) == was
    with stack.client() as client:
        for file in uploads.done:
            project = file.name.partition("-")[0]
            got = client.get(f"/packages/{project}/{file.name}")
            assert got.content == file.read_bytes(), got.status_code
    assert upload(stack, make_wheel(tmp_path, "and-on"), "pub").status_code == 200


def test_a_restore_under_way_brings_the_stack_back(own_stack: Stack, tmp_path: Path) -> None:
    stack = own_stack
    stack.ok("start")
    kept, later = make_wheel(tmp_path, "kept"), make_wheel(tmp_path, "later")
    assert upload(stack, kept, "pub").status_code == 200
    archive = tmp_path / "one.tar.gz"
    stack.ok("backup", "--output", str(archive))
    assert upload(stack, later, "pub").status_code == 200

    stack.ok("restore", str(archive), "--dry-run")
    with stack.client() as client:
        assert client.get("/simple/later/").status_code == 200
    stack.ok("restore", str(archive), "--yes")

    assert stack.json("status")["state"] == "running"
    with stack.client() as client:
        assert client.get("/simple/kept/").status_code == 200
        assert client.get("/simple/later/").status_code == 404
