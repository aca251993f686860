from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import CommitRefused, ReleaseError
from poetry_aegis.release.steps import FileChange, MakeCommit, WriteFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.git import GitProject
    from tests.unit.release.steps.conftest import Bench

MESSAGE = "chore(release): 0.2.0"


def make_commit(bench: Bench, parent: str, also: Sequence[str] = ()) -> MakeCommit:
    changes = (FileChange(bench.root / "made", None, b"made\n"),)
    files = WriteFiles(bench.root, changes, bench.copies)
    files.attach(bench.record)
    return MakeCommit(
        bench.repository,
        files,
        parent,
        MESSAGE,
        workspace=bench.record.directory,
        settle=files.accept,
        also=lambda: also,
        dirty=frozenset({"mine"}),
    )


@pytest.fixture
def step(bench: Bench) -> MakeCommit:
    """Return a step that is to commit a file beside edits of the user's."""
    bench.project.commit("feat: x", mine="one\n", other="one\n")
    (bench.root / "mine").write_text("two\n")
    bench.project.git("add", "mine")
    (bench.root / "mine").write_text("three\n")
    step = make_commit(bench, bench.repository.head())
    bench.begin(step)
    step.files.do()
    return step


def hook(project: GitProject, name: str, script: str) -> None:
    path = project.root / ".git" / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_only_its_files_are_committed(bench: Bench, step: MakeCommit) -> None:
    step.do()
    assert bench.project.git("show", "--name-only", "--format=%s", "HEAD").split("\n\n") == [
        MESSAGE,
        "made",
    ]
    assert bench.project.git("status", "--porcelain") == "MM mine"
    head = bench.repository.head()
    step.do()
    assert bench.repository.head() == head


def test_it_is_taken_back_with_the_index(bench: Bench, step: MakeCommit) -> None:
    before = bench.project.state()
    step.do()
    again = make_commit(bench, step.parent)
    bench.again(again)
    for _ in range(2):
        again.undo()
        assert bench.project.state() == before


@pytest.mark.parametrize("refuses", [False, True])
def test_what_hooks_add_is_taken_back(bench: Bench, step: MakeCommit, refuses: bool) -> None:
    add = "mkdir -p sub; echo x > sub/new; echo two > other; git add sub/new other"
    hook(bench.project, "pre-commit", add)
    hook(bench.project, "commit-msg", "exit 1" if refuses else "exit 0")
    before = bench.project.state()
    if refuses:
        with pytest.raises(CommitRefused):
            step.do()
    else:
        step.do()
        changed = bench.project.git("show", "--name-only", "--format=", "HEAD").split()
        assert changed == ["made", "other", "sub/new"]
    step.undo()
    assert bench.project.state() == before
    assert not (bench.root / "sub").exists()


def test_what_was_edited_since_in_a_file_of_a_hook_stays(bench: Bench, step: MakeCommit) -> None:
    hook(bench.project, "pre-commit", "echo two > other; git add other")
    step.do()
    (bench.root / "other").write_text("edited\n")
    step.undo()
    assert (bench.root / "other").read_text() == "edited\n"


def test_the_commit_is_known_by_what_it_is(bench: Bench, step: MakeCommit) -> None:
    """A process that is killed right after the commit has noted nothing of it."""
    assert step.is_done() is False
    step.do()
    forgetful = make_commit(bench, step.parent)
    assert forgetful.is_done() is None
    assert forgetful.require().sha == bench.repository.head()


def test_a_commit_of_others_is_not_taken_for_it(bench: Bench, step: MakeCommit) -> None:
    bench.project.git("commit", "--quiet", "--allow-empty", "--only", "-m", MESSAGE)
    assert step.find() is None
    with pytest.raises(ReleaseError, match="has moved"):
        step.do()
    with pytest.raises(ReleaseError, match="is not on this branch") as caught:
        step.require()
    assert "--abort --force" in caught.value.hint


def test_a_commit_on_top_stays(bench: Bench, step: MakeCommit) -> None:
    step.do()
    bench.project.git("commit", "--quiet", "--allow-empty", "--only", "-m", "fix: theirs")
    head = bench.repository.head()
    with pytest.raises(ReleaseError, match="on top of the release commit"):
        step.undo()
    assert bench.repository.head() == head
    assert step.require().sha == bench.project.git("rev-parse", "HEAD^")


def test_paths_of_hooks_are_committed_too(bench: Bench, step: MakeCommit) -> None:
    (bench.root / "other").write_text("two\n")
    make_commit(bench, step.parent, also=["other"]).do()
    changed = bench.project.git("show", "--name-only", "--format=", "HEAD").split()
    assert changed == ["made", "other"]


def test_names_that_git_would_take_for_patterns(bench: Bench, step: MakeCommit) -> None:
    odd = bench.root / "[m]*"
    change = FileChange(odd, None, b"odd\n")
    files = WriteFiles(bench.root, (change,), bench.copies)
    step.files = files
    files.do()
    step.do()
    assert bench.project.git("show", "--name-only", "--format=", "HEAD") == "[m]*"
    step.undo()
    assert bench.project.git("status", "--porcelain", "--untracked-files=no") == "MM mine"
