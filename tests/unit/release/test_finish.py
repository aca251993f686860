"""A release through a pull request: `--branch`, merged in one way or another, then `finish`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis import errors
from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import Release, open_release
from poetry_aegis.release.finish import open_finish
from poetry_aegis.settings import HookSettings, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject

BRANCH = "release/{version}"


def propose(project: GitProject, *, push: bool = False, branch: str = BRANCH) -> Release:
    opened = open_release(project.pyproject, Settings(), Request("auto", branch=branch, push=push))
    assert opened is not None
    opened.run(lambda step: None)
    return opened


def finish(project: GitProject, *, push: bool = False) -> Release | None:
    opened = open_finish(project.pyproject, Settings(), Request("finish", push=push))
    if opened:
        opened.run(lambda step: None)
    return opened


def merge(project: GitProject, branch: str, way: str) -> None:
    """Do what a forge does when the pull request is merged."""
    if way == "merge":
        project.git("merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", branch)
    elif way == "squash":
        project.git("merge", "--quiet", "--squash", branch)
        project.git("commit", "--quiet", "-m", "chore(release): squashed (#7)")
    else:
        project.git("-c", "user.name=x", "cherry-pick", branch)


@pytest.fixture
def remote(project: GitProject, tmp_path: Path) -> GitProject:
    return project.add_remote(tmp_path / "origin.git")


def test_the_commit_goes_to_a_branch_and_the_main_one_stays(
    project: GitProject, remote: GitProject
) -> None:
    head = project.commit("feat: x")
    opened = propose(project, push=True)
    names = [step.name for step in opened.steps]
    assert names == ["branch", "files", "commit", "push", "return"]
    assert project.git("symbolic-ref", "--short", "HEAD") == "main"
    assert project.git("rev-parse", "main") == head
    assert project.git("status", "--porcelain") == ""
    assert project.tags() == remote.tags() == []
    assert remote.git("log", "-1", "--format=%s", "release/0.1.0") == "chore(release): 0.1.0"
    assert remote.git("rev-parse", "release/0.1.0^") == head


@pytest.mark.parametrize("way", ["merge", "squash", "rebase"])
def test_what_was_merged_is_tagged_and_pushed(
    project: GitProject, remote: GitProject, way: str
) -> None:
    project.commit("feat: x")
    propose(project)
    project.commit("docs: meanwhile", **{"README.md": "x"})
    merge(project, "release/0.1.0", way)
    merged = project.git("rev-parse", "HEAD")
    project.commit("feat: later")
    project.git("push", "--quiet", "origin", "main")
    opened = finish(project, push=True)
    assert opened is not None
    assert [step.name for step in opened.steps] == ["tag", "push"]
    assert "push v0.1.0 to origin" in opened.steps[1].describe()
    assert remote.git("rev-parse", "v0.1.0^{commit}") == merged
    assert "### Added" in project.git("tag", "-l", "--format=%(contents)", "v0.1.0")
    assert finish(project) is None
    following = open_release(project.pyproject, Settings(), Request("auto"))
    assert following is not None
    assert following.plan.version == "0.2.0"
    assert "later" in following.plan.section
    assert "meanwhile" not in following.plan.section


def test_nothing_is_finished_before_it_is_merged(project: GitProject) -> None:
    project.commit("feat: x")
    propose(project)
    assert finish(project) is None


def test_a_section_that_is_only_written_and_not_committed(project: GitProject) -> None:
    project.commit("feat: x")
    project.changelog.write_text("# C\n\n## [0.1.0]\n\n- x\n")
    with pytest.raises(errors.UnknownVersion, match="not committed"):
        finish(project)


@pytest.mark.parametrize(
    ("branch", "message"),
    [("main", "is the branch that is checked out"), ("a b", "cannot be the name of a branch")],
)
def test_a_branch_that_cannot_be_made(project: GitProject, branch: str, message: str) -> None:
    project.commit("feat: x")
    before = project.state()
    with pytest.raises(errors.ReleaseError, match=message):
        propose(project, branch=branch)
    assert project.state() == before


def test_a_template_that_is_none(project: GitProject) -> None:
    project.commit("feat: x")
    with pytest.raises(errors.UsageError, match="no template"):
        propose(project, branch="release/{branch}")


def test_a_branch_that_is_there_already(project: GitProject, remote: GitProject) -> None:
    project.commit("feat: x")
    propose(project, push=True)
    with pytest.raises(errors.ReleaseError, match=r"There is a branch release/0\.1\.0 already"):
        propose(project)
    project.git("branch", "-D", "release/0.1.0")
    with pytest.raises(errors.ReleaseError, match="'origin' has a branch") as caught:
        propose(project, push=True)
    assert "git push origin --delete release/0.1.0" in caught.value.hint


def test_edits_would_go_along_to_the_branch_and_are_refused(project: GitProject) -> None:
    project.commit("feat: x", **{"a.txt": "a"})
    (project.root / "a.txt").write_text("b")
    with pytest.raises(errors.DirtyTree):
        open_release(
            project.pyproject, Settings(), Request("auto", branch=BRANCH, allow_dirty=True)
        )


def test_a_detached_head_is_enough_to_finish(project: GitProject, remote: GitProject) -> None:
    project.commit("feat: x")
    propose(project)
    merge(project, "release/0.1.0", "merge")
    project.git("push", "--quiet", "origin", "main")
    project.git("switch", "--quiet", "--detach")
    assert finish(project, push=True)
    assert remote.tags() == ["v0.1.0"]


def test_the_release_branch_itself_is_not_finished(project: GitProject, remote: GitProject) -> None:
    project.commit("feat: x")
    propose(project, push=True)
    project.git("remote", "set-head", "origin", "main")
    project.git("switch", "--quiet", "release/0.1.0")
    with pytest.raises(errors.ReleaseError, match="is not in origin/main yet") as caught:
        finish(project, push=True)
    assert "git switch main && git pull" in caught.value.hint
    assert project.tags() == []


def test_section_and_version_are_both_in_what_is_tagged(project: GitProject) -> None:
    """Written by hand, they may come with different commits."""
    project.tag("v0.1.0")
    project.commit("docs: notes", **{"CHANGELOG.md": "# C\n\n## [0.2.0]\n\n- x\n"})
    project.commit("feat: x")
    text = project.pyproject.read_text().replace("0.1.0", "0.2.0")
    raised = project.commit("chore: 0.2.0", **{"pyproject.toml": text})
    project.commit("docs: later")
    assert finish(project)
    assert project.git("rev-parse", "v0.2.0^{commit}") == raised


def test_a_failing_hook_leaves_what_was_merged_later_alone(project: GitProject) -> None:
    project.commit("feat: x", **{"README.md": "old\n"})
    propose(project)
    merge(project, "release/0.1.0", "merge")
    project.commit("docs: later", **{"README.md": "old\nlater\n"})
    before = project.state()
    hooks = HookSettings(pre_tag=("sh -c 'echo hook >> README.md; exit 3'",))
    opened = open_finish(project.pyproject, Settings(hooks=hooks), Request("finish"))
    assert opened is not None
    with pytest.raises(errors.HookFailed):
        opened.run(lambda step: None)
    assert project.state() == before
