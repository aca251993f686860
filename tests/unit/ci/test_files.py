"""What is written of a pipeline, and what is left as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from poetry_aegis.ci.files import compare, write
from poetry_aegis.ci.rendering import Part
from poetry_aegis.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.ci.files import Change

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"))
WHOLE = Part(".github/workflows/aegis.yml", "on: push\n")
BLOCK = Part("Makefile", "pypi-help:\n\techo help\n", whole=False)
INCLUDE = Part(".gitlab-ci.yml", "include:\n  - local: .gitlab/aegis.yml\n", whole=False)


def one(root: Path, part: Part) -> Change:
    (change,) = compare(root, "github", [part])
    return change


def put(root: Path, part: Part) -> str:
    write(compare(root, "github", [part]))
    return (root / part.path).read_bytes().decode()


def test_a_new_file_says_what_wrote_it(tmp_path: Path) -> None:
    assert one(tmp_path, WHOLE).state == "new"
    text = put(tmp_path, WHOLE)
    assert text.startswith("# Written by: poetry aegis ci init github (sha256:")
    assert text.endswith("\n\non: push\n")
    assert one(tmp_path, WHOLE).state == "unchanged"


def test_what_is_as_it_was_written_is_written_anew(tmp_path: Path) -> None:
    put(tmp_path, WHOLE)
    newer = Part(WHOLE.path, "on: pull_request\n")
    change = one(tmp_path, newer)
    assert change.state == "changed"
    assert "-on: push\n+on: pull_request" in change.diff()


@pytest.mark.parametrize("part", [WHOLE, BLOCK], ids=["a file", "a block"])
def test_what_was_edited_by_hand_is_found(tmp_path: Path, part: Part) -> None:
    text = put(tmp_path, part)
    path = tmp_path / part.path
    path.write_text(text.replace("push", "pull").replace("echo help", "echo mine"))
    assert one(tmp_path, part).state == "edited by hand"


def test_a_file_of_somebody_else_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / WHOLE.path
    path.parent.mkdir(parents=True)
    path.write_text("on: push\n")
    assert one(tmp_path, WHOLE).state == "not ours"


def test_line_ends_that_git_changed_are_no_edit_and_stay(tmp_path: Path) -> None:
    text = put(tmp_path, WHOLE)
    (tmp_path / WHOLE.path).write_bytes(text.replace("\n", "\r\n").encode())
    assert one(tmp_path, WHOLE).state == "unchanged"
    newer = put(tmp_path, Part(WHOLE.path, "on: pull_request\n"))
    assert newer.endswith("\r\non: pull_request\r\n")


@example(before="\t", after="\t")
@example(before="", after="\x0c")
@example(before="a\n", after=" b")
@given(before=TEXT, after=TEXT)
def test_a_block_leaves_all_around_it_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str
) -> None:
    root = tmp_path_factory.mktemp("block")
    path = root / "notes"
    part = Part("notes", "ours\n", whole=False)
    path.write_bytes(before.encode())
    text = put(root, part)
    assert text.startswith(before)
    path.write_bytes((text + after).encode())
    changed = put(root, Part("notes", "new\n", whole=False))
    assert changed.startswith(before)
    assert changed.endswith(f"new\n# <<< poetry aegis ci init github\n{after}")
    assert one(root, Part("notes", "new\n", whole=False)).state == "unchanged"


def test_a_block_begins_a_line_after_what_only_looks_empty(tmp_path: Path) -> None:
    (tmp_path / BLOCK.path).write_bytes(b"\x0c")
    assert put(tmp_path, BLOCK).startswith("\x0c\n# >>> ")
    assert one(tmp_path, BLOCK).state == "unchanged"


def test_a_second_include_is_not_written(tmp_path: Path) -> None:
    (tmp_path / INCLUDE.path).write_text("include:\n  - local: mine.yml\n")
    with pytest.raises(SettingsError, match="has an include already"):
        one(tmp_path, INCLUDE)


def test_an_include_beside_our_block_is_found(tmp_path: Path) -> None:
    text = put(tmp_path, INCLUDE)
    (tmp_path / INCLUDE.path).write_text(f"{text}\ninclude:\n  - local: mine.yml\n")
    with pytest.raises(SettingsError, match="an include beside the marked block"):
        one(tmp_path, INCLUDE)


def test_an_include_that_names_our_file_is_enough(tmp_path: Path) -> None:
    (tmp_path / INCLUDE.path).write_text("include:\n  - mine.yml\n  - local: .gitlab/aegis.yml\n")
    assert one(tmp_path, INCLUDE).state == "unchanged"


def test_stages_are_looked_at_whether_our_block_is_there_or_not(tmp_path: Path) -> None:
    text = put(tmp_path, INCLUDE)
    (tmp_path / INCLUDE.path).write_text(f"stages: [build]\n{text}")
    with pytest.raises(SettingsError, match="has stages of its own"):
        one(tmp_path, INCLUDE)


@pytest.mark.parametrize("part", [WHOLE, BLOCK], ids=["a file", "a block"])
@pytest.mark.parametrize(
    ("there", "here"), [("libs/a", "libs/c"), ("libs/a", ""), ("", "libs/c"), ("가 (x)", "나")]
)
def test_what_was_written_for_another_folder_is_found(
    tmp_path: Path, part: Part, there: str, here: str
) -> None:
    put(tmp_path, replace(part, folder=there))
    change = one(tmp_path, replace(part, folder=here))
    assert (change.state, change.folder) == ("of another folder", there)
    assert one(tmp_path, replace(part, folder=there)).state == "unchanged"


def test_a_target_that_is_there_is_not_written_twice(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("pypi-help:\n\techo mine\n")
    with pytest.raises(SettingsError, match="other targets of these names: pypi-help"):
        one(tmp_path, BLOCK)


def test_a_link_that_leads_out_of_the_repository_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "project", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / ".github").symlink_to(outside)
    with pytest.raises(SettingsError, match="outside of the repository"):
        one(root, WHOLE)


def test_what_is_no_text_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        one(tmp_path, BLOCK)
