from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import ReleaseError
from poetry_aegis.release.steps import FileChange, WriteFiles

if TYPE_CHECKING:
    from tests.unit.release.steps.conftest import Bench


def write_files(bench: Bench) -> WriteFiles:
    """Return a step that changes one file and makes another one, in new directories."""
    docs = bench.root / "docs"
    changes = (
        FileChange(bench.root / "old", b"old\r\n", b"new\r\n"),
        FileChange(docs / "news" / "made", None, b"made\n"),
    )
    return WriteFiles(bench.root, changes, bench.copies, (docs, docs / "news"))


@pytest.fixture
def step(bench: Bench) -> WriteFiles:
    """Return such a step, begun."""
    (bench.root / "old").write_bytes(b"old\r\n")
    step = write_files(bench)
    bench.begin(step)
    return step


def test_it_says_what_it_writes(step: WriteFiles) -> None:
    assert step.describe() == "write old, docs/news/made"


def test_what_is_written_is_put_back_to_the_byte(bench: Bench, step: WriteFiles) -> None:
    assert not step.is_done()
    step.do()
    assert step.is_done()
    assert (bench.root / "old").read_bytes() == b"new\r\n"
    assert (bench.root / "docs" / "news" / "made").read_bytes() == b"made\n"
    again = write_files(bench)
    bench.again(again)
    for _ in range(2):
        again.undo()
        assert (bench.root / "old").read_bytes() == b"old\r\n"
        assert not (bench.root / "docs").exists()
    assert bench.kept() == []


def test_an_edit_since_the_plan_is_neither_overwritten_nor_put_back(
    bench: Bench, step: WriteFiles
) -> None:
    (bench.root / "old").write_bytes(b"edited")
    with pytest.raises(ReleaseError, match="old was edited while the release was planned"):
        step.do()
    step.undo()
    assert (bench.root / "old").read_bytes() == b"edited"
    assert not (bench.root / "docs").exists()


def test_a_copy_of_a_later_edit_is_kept_and_told_of(bench: Bench, step: WriteFiles) -> None:
    step.do()
    (bench.root / "old").write_bytes(b"edited")
    step.undo()
    assert (bench.root / "old").read_bytes() == b"old\r\n"
    assert bench.kept() == [b"edited"]
    (said,) = bench.said
    assert said.startswith("old had other contents; a copy of them is ")


def test_what_hooks_made_of_it_is_nobodys_edit(bench: Bench, step: WriteFiles) -> None:
    step.do()
    (bench.root / "old").write_bytes(b"formatted")
    step.accept()
    again = write_files(bench)
    bench.again(again)
    again.undo()
    assert (bench.root / "old").read_bytes() == b"old\r\n"
    assert bench.kept() == []


def test_what_a_killed_write_leaves_is_swept_away(bench: Bench, step: WriteFiles) -> None:
    (bench.root / ".tmp-abc.part").write_bytes(b"{")
    step.do()
    (bench.root / "docs" / "news" / ".tmp-def.part").write_bytes(b"{")
    step.undo()
    assert list(bench.root.rglob(".tmp-*")) == []
    assert not (bench.root / "docs").exists()


def test_a_directory_that_others_use_by_now_stays(bench: Bench, step: WriteFiles) -> None:
    step.do()
    theirs = bench.root / "docs" / "theirs"
    theirs.write_text("theirs")
    step.undo()
    assert theirs.read_text() == "theirs"
    assert not (bench.root / "docs" / "news").exists()
