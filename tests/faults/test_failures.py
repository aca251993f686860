"""What can go wrong in a release that nobody kills: all of it is taken back, or it stands."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic, errors
from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import open_release
from poetry_aegis.settings import load_settings
from tests.support.git import GitProject
from tests.support.worlds import FakeIndex

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.release.engine import Release
    from poetry_aegis.release.journal import Step
    from tests.faults.conftest import Story

STEPS = ["pre_bump", "files", "pre_commit", "build:demo-pkg", "commit", "tag", "push"]


def run(release: Release) -> None:
    release.run(lambda step: None)


def hook_in(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


def assert_taken_back(story: Story, release: Release) -> None:
    assert not release.is_unfinished()
    assert story.world.state() == story.start
    assert not (story.world.project.root / ".git" / "poetry-aegis.kept").exists()


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
def test_the_server_refuses_the_push(story: Story, hook: str) -> None:
    hook_in(story.world.remote.root / "hooks" / hook, "echo 'not on a Friday' >&2; exit 1\n")
    release = story.world.open()
    with pytest.raises(errors.PushRejected, match="not on a Friday"):
        run(release)
    assert_taken_back(story, release)


def test_the_remote_has_moved_meanwhile(story: Story, tmp_path: Path) -> None:
    release = story.world.open()
    other = GitProject(tmp_path / "other")
    story.world.remote.git("clone", "--quiet", str(story.world.remote.root), str(other.root))
    other.commit("fix: theirs")
    other.git("push", "--quiet", "origin", "HEAD:main")
    theirs = story.world.remote.git("for-each-ref")
    with pytest.raises(errors.PushRejected, match="has commits on main that are not here"):
        run(release)
    assert not release.is_unfinished()
    assert story.world.state() == story.start | {"remote": theirs}


@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg", "pre-push"])
def test_a_hook_of_git_refuses(story: Story, hook: str) -> None:
    path = story.world.project.root / ".git" / "hooks" / hook
    before = path.read_text().partition("\n")[2] if path.exists() else ""
    hook_in(path, f"{before}echo 'no, thanks' >&2; exit 1\n")
    release = story.world.open()
    with pytest.raises(errors.AegisError, match=r"no, thanks|was refused"):
        run(release)
    assert_taken_back(story, release)


@pytest.mark.parametrize("hook", ["pre_bump", "pre_commit"])
def test_a_hook_of_the_users_fails_half_way(story: Story, hook: str) -> None:
    project = story.world.project
    script = f"tools/{hook}"
    with (project.root / script).open("a") as text:
        text.write("exit 3\n")
    project.git("commit", "--quiet", "--no-verify", "-m", "ci: fail", "--", script)
    project.git("push", "--quiet")
    start = story.world.state()
    release = story.world.open()
    with pytest.raises(errors.HookFailed, match="exit code 3"):
        run(release)
    assert not release.is_unfinished()
    assert story.world.state() == start
    assert not (project.root / ".git" / "poetry-aegis.kept").exists()


@pytest.mark.parametrize(
    ("hook", "push", "stands"),
    [("pre_tag", True, False), ("post_release", False, False), ("post_release", True, True)],
)
def test_a_later_hook_fails(project: GitProject, hook: str, push: bool, stands: bool) -> None:
    with project.pyproject.open("a") as text:
        text.write(f'\n[tool.poetry-aegis.hooks]\n{hook} = ["sh fail"]\n')
    project.commit("feat: fail", fail='echo "$AEGIS_HOOK" >> fail; exit 3\n')
    project.add_remote(project.root.parent / "origin.git")
    before = project.state()
    request = Request("auto", push=push)
    release = open_release(project.pyproject, load_settings(project.pyproject), request)
    assert release is not None
    with pytest.raises(errors.HookFailed, match="exit code 3"):
        run(release)
    assert release.is_unfinished() is stands
    assert (project.state() == before) is not stands
    assert project.tags() == (["v0.1.0"] if stands else [])


def test_the_disk_is_full_at_each_write(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """One write after the other fails: each time all is as before, and at last none is left."""
    durable, left = atomic.make_durable, 0

    def full(stream: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        durable(stream)  # type: ignore[arg-type]

    monkeypatch.setattr(atomic, "make_durable", full)
    # The last writes are of the publication that has arrived: it stands.
    for number in range(1, 100):
        left = 0
        release = story.world.open()
        left = number
        try:
            run(release)
        except OSError:
            if release.is_unfinished():
                break
            _assert_start(story)
        else:
            pytest.fail("nothing was written after the push")
    left = 0
    assert number > 20
    assert story.world.seen() != (story.start["remote"], [])
    story.world.reopen().resume(lambda step: None)
    assert story.world.state() == story.end


def _assert_start(story: Story) -> None:
    state = story.world.state()
    assert isinstance(state["git"], list)
    # What stays of a journal that was never begun is an empty one, and in nobody's way.
    assert state | {"git": [name for name in state["git"] if name != "poetry-aegis"]} == story.start


def test_the_disk_stays_full(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the old contents can be written: the release is left to be taken back later."""
    durable = atomic.make_durable
    release = story.world.open()

    def full(stream: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill(step: Step) -> None:
        if step.name == "commit":
            monkeypatch.setattr(atomic, "make_durable", full)

    with pytest.raises(OSError, match="space") as caught:
        release.run(fill)
    (note,) = caught.value.__notes__  # type: ignore[attr-defined]
    assert "could not be undone" in note
    assert release.is_unfinished()
    monkeypatch.setattr(atomic, "make_durable", durable)
    story.world.reopen().abort(lambda step: None)
    assert story.world.state() == story.start


@pytest.mark.parametrize("at", STEPS)
def test_ctrl_c_at_each_step(story: Story, at: str) -> None:
    release = story.world.open()

    def interrupt(step: Step) -> None:
        if step.name == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        release.run(interrupt)
    assert_taken_back(story, release)


@pytest.mark.parametrize("at", STEPS[:-1])
def test_ctrl_c_at_the_end_of_each_step(story: Story, at: str) -> None:
    release = story.world.open()
    step = next(step for step in release.steps if step.name == at)
    do = step.do

    def interrupted() -> None:
        do()
        raise KeyboardInterrupt

    step.do = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run(release)
    assert_taken_back(story, release)


def test_ctrl_c_after_the_push_leaves_what_can_be_resumed(story: Story) -> None:
    release = story.world.open()

    def interrupt(step: Step) -> None:
        if step.name == "publish:demo-pkg":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        release.run(interrupt)
    assert release.is_unfinished()
    story.world.reopen().resume(lambda step: None)
    assert story.world.state() == story.end


def test_the_index_refuses_the_upload(story: Story) -> None:
    """It was pushed, so it stands; a resumption that is refused, too, changes nothing."""
    refusing = FakeIndex(story.world.root / "shelf", refuses=errors.PublishError("No room."))
    project = story.world.project
    settings = load_settings(project.pyproject)
    release = open_release(project.pyproject, settings, story.world.request, refusing)
    assert release is not None
    for attempt in (run, lambda again: again.resume(lambda step: None)):
        with pytest.raises(errors.PublishError, match="No room"):
            attempt(release)
        assert release.is_unfinished()
        release = story.world.reopen(refusing)
    with pytest.raises(errors.ReleaseError, match="others may have seen it"):
        release.abort(lambda step: None)
    story.world.reopen().resume(lambda step: None)
    assert story.world.state() == story.end
