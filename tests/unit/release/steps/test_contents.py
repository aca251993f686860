from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.release.steps.contents import KeptCopies, digest, read, remove

if TYPE_CHECKING:
    from pathlib import Path


def test_a_copy_is_kept_once_and_told_of(tmp_path: Path) -> None:
    said: list[str] = []
    copies = KeptCopies(tmp_path / "kept", tmp_path, said.append)
    (tmp_path / "a").write_bytes(b"\xff\n")
    for _ in range(2):
        copies.keep(tmp_path / "a")
    (copy,) = (tmp_path / "kept").iterdir()
    assert copy.read_bytes() == b"\xff\n"
    assert said == [f"a had other contents; a copy of them is {copy}"] * 2


def test_of_two_contents_both_are_kept(tmp_path: Path) -> None:
    copies = KeptCopies(tmp_path / "kept", tmp_path, lambda line: None)
    for text in ("one", "two"):
        (tmp_path / "a").write_text(text)
        copies.keep(tmp_path / "a")
    assert {path.read_text() for path in (tmp_path / "kept").iterdir()} == {"one", "two"}


def test_no_file_needs_no_copy(tmp_path: Path) -> None:
    copies = KeptCopies(tmp_path / "kept", tmp_path, lambda line: None)
    copies.keep(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_holds_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "a") is None
    assert read(tmp_path) is None
    assert digest(None) == digest(b"") != digest(b"a")


def test_empty_directories_go_with_the_last_file(tmp_path: Path) -> None:
    below = tmp_path / "a" / "b" / "c"
    below.mkdir(parents=True)
    (tmp_path / "a" / "stays").touch()
    (below / "file").touch()
    for _ in range(2):
        remove(below / "file", tmp_path)
        assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["stays"]
    (tmp_path / "file").touch()
    (tmp_path / "a" / "stays").unlink()
    (tmp_path / "a").rmdir()
    remove(tmp_path / "file", tmp_path)
    assert tmp_path.is_dir()
