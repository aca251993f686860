"""What a refused release names as a way out is one that the command in question has."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import DirtyTree, IncompleteHistory, TagExists
from tests.support.commands import aegis
from tests.support.git import GitProject, clone

if TYPE_CHECKING:
    from pathlib import Path

STASH = "Commit them, or put them aside with: git stash\n"
UNSHALLOW = "Get the whole history with: git fetch --unshallow --tags\n"


@pytest.fixture(autouse=True)
def history(project: GitProject, monkeypatch: pytest.MonkeyPatch) -> GitProject:
    """Return a project with a release, a fix since, and an index that is never asked."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("POETRY_REPOSITORIES_CORP_URL", "http://127.0.0.1:9/legacy/")
    monkeypatch.chdir(project.root)
    project.tag("v0.1.0")
    project.commit("fix: x")
    return project


@pytest.mark.parametrize(
    "command",
    [
        "publish --bump patch",
        "ci snapshot",
        "ci snapshot --print",
        "release auto --publish",
        "release finish --publish",
        "release auto --branch release/{version}",
    ],
)
def test_edits_that_cannot_be_left_out_are_committed_or_put_aside(
    history: GitProject, command: str
) -> None:
    history.pyproject.write_text(f"{history.pyproject.read_text()}\n# edited\n")
    refused = aegis(*command.split())
    assert refused.code == DirtyTree.exit_code
    assert refused.err.endswith(STASH)
    history.git("stash")
    assert "uncommitted" not in aegis(*command.split()).err


def test_edits_that_can_be_left_out_are_told_how(history: GitProject) -> None:
    history.pyproject.write_text(f"{history.pyproject.read_text()}\n# edited\n")
    assert "or release without them: --allow-dirty" in aegis("release", "auto").err


@pytest.mark.parametrize("command", ["publish --bump patch", "ci snapshot", "ci snapshot --print"])
def test_a_shallow_clone_is_completed_by_git(
    history: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    cut = clone(history, tmp_path / "cut", "--depth=1")
    monkeypatch.chdir(cut.root)
    refused = aegis(*command.split())
    assert refused.code == IncompleteHistory.exit_code
    assert refused.err.endswith(UNSHALLOW)
    assert "--fetch" in aegis("release", "auto").err
    cut.git("fetch", "--unshallow", "--tags")
    assert "shallow" not in aegis(*command.split()).err


def test_the_next_free_version_is_released_by_the_command_that_can(history: GitProject) -> None:
    history.git("switch", "--quiet", "-c", "other")
    history.commit("fix: elsewhere")
    history.tag("v0.1.1")
    history.git("switch", "--quiet", "main")
    assert aegis("release", "patch").err.endswith("take the next free version: --next-free\n")
    refused = aegis("publish", "--bump", "patch")
    assert refused.code == TagExists.exit_code
    way_out = refused.err.rpartition("take the next free version: ")[2]
    assert way_out == "poetry aegis release patch --next-free\n"
    assert "Released 0.1.2" in aegis(*shlex.split(way_out)[2:]).out
