from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import (
    IncompleteHistory,
    OutdatedChangelog,
    ReleaseError,
    SettingsError,
    UnknownVersion,
)
from poetry_aegis.release.changelog.agreement import require_agreement
from poetry_aegis.release.changelog.chronicle import Chronicle
from poetry_aegis.release.changelog.notes import find_notes, write_notes
from poetry_aegis.release.changelog.text import read_text_file
from poetry_aegis.settings import Settings
from tests.golden.history import Script
from tests.support.git import PYPROJECT, GitProject, clone

if TYPE_CHECKING:
    from pathlib import Path

TWO_RELEASES = """\
commit feat: begin
tag v1.0.0
commit fix: count guests
tag v1.0.1
commit @new feat: add parties
"""


def project_of(root: Path, script: str = TWO_RELEASES, version: str = "1.0.1") -> GitProject:
    Script(root).run(script)
    (root / "pyproject.toml").write_text(PYPROJECT.format(version=version), encoding="utf-8")
    return GitProject(root)


def test_a_past_version_comes_from_its_tag(tmp_path: Path) -> None:
    notes = find_notes(project_of(tmp_path).pyproject, Settings(), "v1.0.1")
    assert notes.text == "## [1.0.1] - 2026-01-01\n\n### Fixed\n\n- count guests (ea32ded)\n"
    document = notes.to_json()
    assert document["tag"] == "v1.0.1"
    assert document["sections"] == [{"heading": "Fixed", "entries": ["- count guests (ea32ded)"]}]


def test_what_stands_in_the_file_is_shown_as_it_stands(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    project.changelog.write_text("# C\n\n## 1.0.1\n\nBy hand.\n", encoding="utf-8")
    notes = find_notes(project.pyproject, Settings(), "1.0.1")
    assert notes.text == "## 1.0.1\n\nBy hand.\n"
    assert not write_notes(notes)


@pytest.mark.parametrize("version", ["9.9", "0.9.0", "1.0.2"])
def test_a_version_that_nobody_knows_is_not_made_up(tmp_path: Path, version: str) -> None:
    with pytest.raises(UnknownVersion) as raised:
        find_notes(project_of(tmp_path).pyproject, Settings(), version)
    assert raised.value.hint == ("The last releases are: 1.0.1, 1.0.0. The next one will be 1.1.0.")


def shallow_clone(tmp_path: Path) -> GitProject:
    """Return a clone of one commit, whose changelog tells of 1.0.0 and lacks 1.0.1."""
    origin = project_of(tmp_path / "origin")
    origin.commit("docs: tell", **{"CHANGELOG.md": "# C\n\n## 1.0.0\n\nBy hand.\n"})
    return clone(origin, tmp_path / "cut", "--depth=1")


def test_a_shallow_clone_is_not_taken_for_the_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = shallow_clone(tmp_path)
    with pytest.raises(IncompleteHistory, match="shallow"):
        require_agreement(cut.pyproject, Settings())
    for version in (None, "1.0.1"):
        with pytest.raises(IncompleteHistory, match="shallow"):
            find_notes(cut.pyproject, Settings(), version)
    notes = find_notes(cut.pyproject, Settings(), "1.0.0")
    assert (notes.text, notes.changes) == ("## 1.0.0\n\nBy hand.\n", ())


def test_a_pipeline_fetches_the_history_that_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    cut = shallow_clone(tmp_path)
    with pytest.raises(OutdatedChangelog, match=r"no section for 1\.0\.1"):
        require_agreement(cut.pyproject, Settings())
    assert "add parties" in find_notes(cut.pyproject, Settings(), None).text
    assert "count guests" in find_notes(cut.pyproject, Settings(), "1.0.1").text


def test_the_next_version_is_shown_beforehand(tmp_path: Path) -> None:
    notes = find_notes(project_of(tmp_path).pyproject, Settings(), "1.1.0")
    assert "- add parties (" in notes.text
    assert notes.edition.tag == "v1.1.0"


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    project = project_of(tmp_path, "commit feat: begin\ntag v1.0.0\ncommit docs: x\n")
    notes = find_notes(project.pyproject, Settings(), None)
    assert notes.text == "## [Unreleased]\n\nNo notable changes.\n"
    assert not write_notes(notes)
    assert not project.changelog.exists()


def test_what_is_unreleased_is_written_once(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    assert write_notes(find_notes(project.pyproject, Settings(), None))
    written = project.changelog.read_bytes()
    assert written.count(b"add parties") == 1
    assert not write_notes(find_notes(project.pyproject, Settings(), None))
    assert project.changelog.read_bytes() == written


def test_the_check_names_what_is_missing(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    with pytest.raises(OutdatedChangelog, match=r"1\.0\.1, tagged v1\.0\.1; .*1\.0\.0") as raised:
        require_agreement(project.pyproject, Settings())
    assert "--all --write" in raised.value.hint
    assert Chronicle(project.pyproject, Settings()).write()
    assert require_agreement(project.pyproject, Settings()) == project.changelog


def test_hand_written_text_never_fails_the_check(tmp_path: Path) -> None:
    project = project_of(tmp_path)
    project.changelog.write_text(
        "## Unreleased\n\n- mine\n\n## v1.0.1\n\nWords.\n\n"
        "<details>\n\n## 1.0.0\n\n</details>\n\n## 0.0.1\n\nBefore git.\n",
        encoding="utf-8",
    )
    require_agreement(project.pyproject, Settings())


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ("- count guests (ea32ded)", "ea32ded stands under [Unreleased], and 1.0.1 has it"),
        ("- something else (1234567)", "is not told of under [Unreleased]"),
    ],
)
def test_the_check_reads_the_commits_that_are_named(
    tmp_path: Path, told: str, problem: str
) -> None:
    project = project_of(tmp_path)
    project.changelog.write_text(
        f"## Unreleased\n\n### Fixed\n\n{told}\n\n## 1.0.1\n\n- a\n\n## 1.0.0\n\n- b\n",
        encoding="utf-8",
    )
    with pytest.raises(OutdatedChangelog) as raised:
        require_agreement(project.pyproject, Settings())
    assert problem in str(raised.value)


def test_the_changelog_stays_in_the_repository(tmp_path: Path) -> None:
    project = project_of(tmp_path / "repository")
    with pytest.raises(SettingsError, match="leaves the repository"):
        find_notes(project.pyproject, Settings(changelog="../CHANGELOG.md"), None)


@pytest.mark.parametrize("content", [b"\xff\x00\xfe", b"# C\n\xe9\n"])
def test_what_is_no_text_is_not_touched(tmp_path: Path, content: bytes) -> None:
    project = project_of(tmp_path)
    project.changelog.write_bytes(content)
    with pytest.raises(ReleaseError, match="cannot be read"):
        find_notes(project.pyproject, Settings(), None)
    assert project.changelog.read_bytes() == content


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encoding_is_kept(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "C.md"
    path.write_bytes("# 변경\r\n".encode(encoding))
    file = read_text_file(path)
    assert file.text == "# 변경\r\n"
    assert file.encode(file.text) == file.content == path.read_bytes()
