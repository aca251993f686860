"""SIGKILL from within: git's hooks, the server's and the user's, which take the release along."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import GitError, ReleaseError
from tests.support.faults import apart

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Story
    from tests.support.worlds import World

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows neither forks nor has SIGKILL")

ONCE = "test -e ../killed || { touch ../killed; kill -9 0; }\n"
MENDINGS = ["resume", "abort"]


def insert(hook: Path, line: str) -> None:
    """Let *line* be the first that *hook* does."""
    rest = hook.read_text().partition("\n")[2] if hook.exists() else ""
    hook.write_text(f"#!/bin/sh\n{line}{rest}")
    hook.chmod(0o755)


def kill(world: World) -> None:
    release = world.open()
    assert apart(lambda: release.run(lambda step: None)) == -signal.SIGKILL
    assert release.is_unfinished()


def mend(story: Story, how: str) -> None:
    """Resume or take back the release and see that nothing is missing and nothing is left."""
    release = story.world.reopen()
    if how == "resume":
        release.resume(lambda step: None)
        assert story.world.state() == story.end
    else:
        release.abort(lambda step: None)
        assert story.world.state() == story.start


@pytest.mark.parametrize("how", MENDINGS)
@pytest.mark.parametrize(
    "hook", ["pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-push"]
)
def test_killed_in_a_hook_of_git(story: Story, hook: str, how: str) -> None:
    insert(story.world.project.root / ".git" / "hooks" / hook, ONCE)
    kill(story.world)
    mend(story, how)


@pytest.mark.parametrize("how", MENDINGS)
@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_killed_before_the_server_takes_it(story: Story, hook: str, how: str) -> None:
    insert(story.world.remote.root / "hooks" / hook, ONCE)
    kill(story.world)
    mend(story, how)


def test_killed_after_the_server_took_it(story: Story) -> None:
    insert(story.world.remote.root / "hooks" / "post-receive", ONCE)
    kill(story.world)
    left = story.world.state()
    with pytest.raises(ReleaseError, match="others may have seen it"):
        story.world.reopen().abort(lambda step: None)
    assert story.world.state() == left
    mend(story, "resume")


@pytest.mark.parametrize("how", MENDINGS)
@pytest.mark.parametrize("hook", ["pre_bump", "pre_commit"])
def test_killed_by_a_hook_of_the_users(story: Story, hook: str, how: str) -> None:
    """Before and after what the hook does: half of it is taken back before it is done again."""
    script = story.world.project.root / "tools" / hook
    once = "test -e ../killed || { touch ../killed; kill -9 $PPID; exit 0; }\n"
    original = script.read_text()
    script.write_text(original + once)
    story.world.project.git("update-index", "--assume-unchanged", f"tools/{hook}")
    kill(story.world)
    script.write_text(original)
    story.world.project.git("update-index", "--no-assume-unchanged", f"tools/{hook}")
    mend(story, how)


@pytest.mark.parametrize("how", MENDINGS)
def test_a_lock_that_a_killed_git_leaves_is_named(
    story: Story, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poetry_aegis.release.preflight.LOCK_PATIENCE", 0.0)
    git = story.world.project.root / ".git"
    insert(git / "hooks" / "reference-transaction", f"test $1 = prepared || exit 0\n{ONCE}")
    kill(story.world)
    locks = [git / "HEAD.lock", git / "refs" / "heads" / "main.lock"]
    assert all(lock.exists() for lock in locks)
    left = story.world.state()
    with pytest.raises(GitError, match="has left its lock") as caught:
        mend(story, how)
    assert all(str(lock) in caught.value.hint for lock in locks)
    assert story.world.state() == left
    for lock in locks:
        lock.unlink()
    mend(story, how)


def test_a_lock_stops_a_release_before_it_begins(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poetry_aegis.release.preflight.LOCK_PATIENCE", 0.0)
    lock = story.world.project.root / ".git" / "index.lock"
    lock.touch()
    with pytest.raises(GitError, match="has left its lock") as caught:
        story.world.open()
    assert str(lock) in caught.value.hint
    lock.unlink()
    assert story.world.state() == story.start
