"""What people do between a crash and its mending: nothing of theirs is lost, nothing is guessed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import errors
from poetry_aegis.release import journal
from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import open_release, reopen
from poetry_aegis.release.sequence import Additions
from poetry_aegis.settings import Settings
from tests.support.faults import break_off
from tests.support.git import GitProject
from tests.support.worlds import everything

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Story
    from tests.support.worlds import FakeIndex, World

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows neither forks nor has SIGKILL")

BEFORE_THE_COMMIT = ["pre_commit", "build:demo-pkg", "commit"]
AFTER_THE_COMMIT = ["tag", "push"]


def commit(world: World, message: str) -> str:
    """Commit something of the user's, whatever the hooks of the world would make of it."""
    world.project.git("commit", "--quiet", "--no-verify", "--allow-empty", "--only", "-m", message)
    return world.project.git("rev-parse", "HEAD")


def copies(world: World, additions: FakeIndex) -> list[bytes]:
    """Return the copies that were kept, each of which must have been told of."""
    kept = world.project.root / ".git" / "poetry-aegis.kept"
    files = sorted(kept.iterdir()) if kept.exists() else []
    assert len(additions.said) >= len(files)
    assert all(any(str(file) in line for line in additions.said) for file in files)
    return [file.read_bytes() for file in files]


@pytest.mark.parametrize("at", [*BEFORE_THE_COMMIT, *AFTER_THE_COMMIT])
@pytest.mark.parametrize("name", ["pyproject.toml", "docs/news/CHANGELOG.md", "NEWS"])
def test_an_edit_of_what_is_taken_back_is_kept(story: Story, at: str, name: str) -> None:
    world, additions = story.world, story.world.additions
    break_off(world.open(), at)
    with (world.project.root / name).open("a") as text:
        text.write("an edit of the user's\n")
    edited = (world.project.root / name).read_bytes()
    world.reopen(additions).abort(lambda step: None)
    assert world.state() == story.start
    assert copies(world, additions) == [edited]


@pytest.mark.parametrize("at", BEFORE_THE_COMMIT)
def test_an_edit_is_kept_and_not_released_unmentioned(story: Story, at: str) -> None:
    world, additions = story.world, story.world.additions
    break_off(world.open(), at)
    with world.project.pyproject.open("a") as text:
        text.write("# an edit of the user's\n")
    edited = world.project.pyproject.read_bytes()
    world.reopen(additions).resume(lambda step: None)
    assert world.state() == story.end
    assert copies(world, additions) == [edited]


@pytest.mark.parametrize("how", ["resume", "abort"])
@pytest.mark.parametrize("at", [*BEFORE_THE_COMMIT, *AFTER_THE_COMMIT])
def test_an_edit_elsewhere_stays_where_it_is(story: Story, at: str, how: str) -> None:
    world, additions = story.world, story.world.additions
    break_off(world.open(), at)
    clean = world.project.root / "demo_pkg" / "more.py"
    clean.write_text("more = 2\n")
    (world.project.root / "staged.txt").write_text("staged again\n")
    world.project.git("add", "staged.txt")
    release = world.reopen(additions)
    (release.resume if how == "resume" else release.abort)(lambda step: None)
    assert world.project.git("status", "--porcelain").splitlines() == [
        "M demo_pkg/more.py",
        " M edited.txt",
        "M  staged.txt",
        "?? stray.txt",
    ]
    assert clean.read_text() == "more = 2\n"
    assert world.project.git("show", ":staged.txt") == "staged again"
    assert copies(world, additions) == []


@pytest.mark.parametrize("at", AFTER_THE_COMMIT)
def test_a_commit_on_top_is_never_thrown_away(story: Story, at: str) -> None:
    world = story.world
    break_off(world.open(), at)
    commit(world, "fix: theirs")
    before = world.state()
    with pytest.raises(errors.ReleaseError, match="commits on top of the release commit"):
        world.reopen().abort(lambda step: None)
    after = world.state()
    # The tag is the release's own, the rest stays.
    assert {key for key in after if after[key] != before[key]} <= {"refs"}
    assert world.reopen().is_unfinished()


@pytest.mark.parametrize("at", AFTER_THE_COMMIT)
def test_the_release_commit_is_tagged_and_pushed_below_a_commit_on_top(
    story: Story, at: str
) -> None:
    world = story.world
    break_off(world.open(), at)
    released = world.project.git("rev-parse", "HEAD")
    theirs = commit(world, "fix: theirs")
    world.reopen().resume(lambda step: None)
    assert world.project.git("rev-parse", "HEAD") == theirs
    assert world.project.git("rev-parse", "v0.2.0^{commit}") == released
    assert world.remote.git("rev-parse", "main") == released
    assert world.state()["remote"] == story.end["remote"]


@pytest.mark.parametrize("at", BEFORE_THE_COMMIT)
def test_a_commit_before_the_release_commit_is_not_released_unmentioned(
    story: Story, at: str
) -> None:
    world = story.world
    break_off(world.open(), at)
    theirs = commit(world, "fix: theirs")
    with pytest.raises(errors.ReleaseError, match="has moved"):
        world.reopen().resume(lambda step: None)
    assert world.project.git("rev-parse", "HEAD") == theirs
    assert world.state()["files"] == story.start["files"]
    assert world.state()["status"] == story.start["status"]
    assert world.open().plan.version == "0.2.0"


def test_a_release_commit_that_is_gone_is_not_tagged(story: Story) -> None:
    world = story.world
    break_off(world.open(), "push")
    released = world.project.git("rev-parse", "HEAD")
    world.project.git("update-ref", "HEAD", "HEAD^")
    left = world.state()
    for mend in (world.reopen().resume, world.reopen().abort):
        with pytest.raises(errors.ReleaseError, match=f"{released[:7]} is not on this branch"):
            mend(lambda step: None)
    assert world.state() == left
    world.project.git("update-ref", "HEAD", released)
    world.reopen().resume(lambda step: None)
    assert world.state() == story.end


@pytest.mark.parametrize("at", ["commit", "push"])
def test_another_branch_is_not_touched(story: Story, at: str) -> None:
    world = story.world
    break_off(world.open(), at)
    world.project.git("branch", "other")
    world.project.git("symbolic-ref", "HEAD", "refs/heads/other")
    left = world.state()
    for mend in (world.reopen().resume, world.reopen().abort):
        with pytest.raises(errors.ReleaseError, match="was begun on main") as caught:
            mend(lambda step: None)
        assert "git switch main" in caught.value.hint
    assert world.state() == left
    world.project.git("symbolic-ref", "HEAD", "refs/heads/main")
    world.project.git("update-ref", "-d", "refs/heads/other")
    world.reopen().abort(lambda step: None)
    assert world.state() == story.start


def test_the_branch_of_the_pull_request_was_left(story: Story, tmp_path: Path) -> None:
    world = everything(tmp_path / "branch", branch="release/{version}")
    start = world.state()
    break_off(world.open(), "push")
    world.project.git("switch", "--quiet", "main")
    left = world.state()
    with pytest.raises(errors.ReleaseError) as caught:
        world.reopen().abort(lambda step: None)
    assert "git switch release/0.2.0" in caught.value.hint
    assert world.state() == left
    world.project.git("switch", "--quiet", "release/0.2.0")
    world.reopen().abort(lambda step: None)
    assert world.state() == start


@pytest.mark.parametrize("how", ["resume", "abort"])
def test_another_work_tree_is_told_where_to_go_on(
    project: GitProject, tmp_path: Path, how: str
) -> None:
    project.commit("feat: x")
    project.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    side = GitProject(tmp_path / "side")
    before = side.state()
    release = open_release(side.pyproject, Settings(), Request("auto"))
    assert release is not None
    break_off(release, "tag")
    with pytest.raises(errors.UnfinishedRelease):
        open_release(project.pyproject, Settings(), Request("auto"))
    with pytest.raises(errors.ReleaseError, match="in another work tree") as caught:
        reopen(project.root, lambda plan: Additions()).abort(lambda step: None)
    assert str(side.root) in str(caught.value)
    again = reopen(side.root, lambda plan: Additions())
    (again.resume if how == "resume" else again.abort)(lambda step: None)
    assert side.tags() == (["v0.1.0"] if how == "resume" else [])
    assert (side.state() == before) is (how == "abort")


def test_a_submodule(project: GitProject, tmp_path: Path) -> None:
    project.commit("feat: x")
    above = GitProject(tmp_path / "above")
    above.root.mkdir()
    above.git("init", "--quiet", "--initial-branch=main")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(project.root))
    above.git(*add, "sub")
    above.commit("chore: start")
    sub = GitProject(above.root / "sub")
    start = {**sub.state(), "above": above.state()}
    for at, how in (("tag", "abort"), ("tag", "resume")):
        release = open_release(sub.pyproject, Settings(), Request("auto"))
        assert release is not None
        assert release.record.directory.resolve().is_relative_to(above.root / ".git" / "modules")
        break_off(release, at)
        again = reopen(sub.root, lambda plan: Additions())
        (again.resume if how == "resume" else again.abort)(lambda step: None)
        if how == "abort":
            assert {**sub.state(), "above": above.state()} == start
    assert sub.tags() == ["v0.1.0"]
    assert above.git("status", "--porcelain") == "M sub"


def test_two_at_once(project: GitProject) -> None:
    script = (
        "import sys; from pathlib import Path; from poetry_aegis.release import journal\n"
        "with journal.exclusive(Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()\n"
    )
    git_directory = project.root / ".git"
    command = [sys.executable, "-c", script, str(git_directory)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == "in\n"
        with pytest.raises(errors.ReleaseInProgress), journal.exclusive(git_directory):
            pytest.fail("two at once")
        other.kill()
    # A killed one holds nobody up.
    with journal.exclusive(git_directory):
        assert project.tags() == []
