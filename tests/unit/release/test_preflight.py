"""What a release refuses before its first write, beyond what the engine's own tests show."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import errors
from poetry_aegis.release.choice import Request, next_versions
from poetry_aegis.release.engine import Release, open_release
from poetry_aegis.release.record import Record
from poetry_aegis.settings import Settings
from tests.support.git import GitProject

if TYPE_CHECKING:
    from pathlib import Path


def prepare(project: GitProject, target: str = "auto", **more: object) -> Release | None:
    return open_release(project.pyproject, Settings(), Request(target, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("verb", ["merge", "rebase", "cherry-pick", "revert"])
def test_something_under_way(project: GitProject, verb: str) -> None:
    """A conflict leaves git waiting; the release must not end what it waits for."""
    project.commit("feat: base", **{"a.txt": "base"})
    project.git("switch", "--quiet", "-c", "side")
    project.commit("fix: side", **{"a.txt": "side"})
    project.git("switch", "--quiet", "main")
    project.commit("fix: main", **{"a.txt": "main"})
    argument = "HEAD~1" if verb == "revert" else "side"
    options = ["--no-edit"] if verb == "revert" else []
    project.git(verb, *options, argument, check=False)
    before = project.state()
    with pytest.raises(errors.DirtyTree, match=f"A {verb} is under way") as caught:
        prepare(project, allow_dirty=True)
    assert f"git {verb} --abort" in caught.value.hint
    assert project.state() == before


def test_the_lock_of_another_git(project: GitProject) -> None:
    project.commit("feat: x")
    lock = project.root / ".git" / "index.lock"
    lock.touch()
    with pytest.raises(errors.GitError, match="Another git is at work") as caught:
        prepare(project)
    assert f"rm {lock}" in caught.value.hint


def test_what_is_to_be_typed_names_a_path_with_a_space_as_one(project: GitProject) -> None:
    """``rm /home/ada/my project/...`` would remove something else."""
    project.commit("feat: x", **{"release notes.md": "# Changelog\n"})
    moved = GitProject(project.root.rename(project.root.with_name("my project")))
    settings = Settings(changelog="release notes.md")

    (moved.root / "release notes.md").write_text("edited")
    with pytest.raises(errors.DirtyTree) as caught:
        open_release(moved.pyproject, settings, Request("auto", allow_dirty=True))
    assert caught.value.hint.endswith("git stash push -- 'release notes.md'")

    lock = moved.root / ".git" / "index.lock"
    lock.touch()
    with pytest.raises(errors.GitError) as caught_locked:
        open_release(moved.pyproject, settings, Request("auto", allow_dirty=True))
    assert f"rm '{lock}'" in caught_locked.value.hint


def test_a_remote_that_lets_nobody_in(project: GitProject) -> None:
    project.commit("feat: x")
    project.git("remote", "add", "origin", "/nowhere/at/all.git")
    with pytest.raises(errors.GitError) as caught:
        prepare(project, push=True)
    assert "git remote -v" in caught.value.hint


DIES_OF_ITS_OPTIONS = """#!/bin/sh
case " $* " in
    *" push.pushOption= "*) ;;
    *" --dry-run "*) {death} ;;
esac
exec "{git}" "$@"
"""


@pytest.mark.parametrize("death", ["kill -PIPE $$", "exit 141"])
def test_a_dry_run_that_its_push_options_break(
    project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, death: str
) -> None:
    """Git writes its push options to a remote that a dry run has let go, and loses one in 100."""
    project.add_remote(tmp_path / "origin.git").git("config", "receive.advertisePushOptions", "on")
    project.git("push", "--quiet", "origin", "main")
    project.git("config", "push.pushOption", "ci.skip")
    project.commit("feat: x")
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text(DIES_OF_ITS_OPTIONS.format(git=shutil.which("git"), death=death))
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(git.parent), prepend=os.pathsep)

    assert prepare(project, push=True)


def test_a_remote_without_push_options_is_found_before_the_first_write(
    project: GitProject, tmp_path: Path
) -> None:
    project.add_remote(tmp_path / "origin.git")
    project.git("push", "--quiet", "origin", "main")
    project.git("config", "push.pushOption", "ci.skip")
    project.commit("feat: x")
    with pytest.raises(errors.PushRejected, match="does not support push options"):
        prepare(project, push=True)


def test_files_that_the_release_writes_may_not_have_edits(project: GitProject) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x", **{"a.txt": "a"})
    (project.root / "a.txt").write_text("b")
    assert prepare(project, allow_dirty=True) is not None
    project.pyproject.write_text(project.pyproject.read_text() + "# mine\n")
    with pytest.raises(errors.DirtyTree, match=r"would write files .*pyproject\.toml"):
        prepare(project, allow_dirty=True)


def test_signing_that_cannot_work_is_found_before_the_first_write(project: GitProject) -> None:
    project.commit("feat: x")
    project.git("config", "gpg.format", "ssh")
    project.git("config", "user.signingKey", "/nowhere/key")
    before = project.state()
    with pytest.raises(errors.CommitRefused, match="Git cannot sign"):
        prepare(project, sign=True)
    assert prepare(project) is not None
    project.git("config", "commit.gpgSign", "true")
    with pytest.raises(errors.CommitRefused, match="Git cannot sign"):
        prepare(project)
    assert project.state() == before


@pytest.mark.parametrize("branch", ["refs/heads/main", "refs/heads/hotfix"])
def test_a_pipeline_says_which_branch_it_runs_for(
    project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, branch: str
) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    project.git("push", "--quiet", "origin", f"HEAD:{branch}")
    project.git("checkout", "--quiet", "--detach")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_REF", branch)
    opened = prepare(project, push=True)
    assert opened is not None
    opened.run(lambda step: None)
    assert bare.git("rev-parse", branch) == project.git("rev-parse", "HEAD")
    assert bare.tags() == ["v0.1.0"]


def test_an_unfinished_release_is_named(project: GitProject) -> None:
    project.commit("feat: x")
    opened = prepare(project)
    assert opened is not None
    opened.record.open(opened.plan.to_record())
    with pytest.raises(errors.UnfinishedRelease, match=r"The release of demo-pkg 0\.1\.0 broke"):
        prepare(project)
    Record.of(project.root / ".git").close()
    assert prepare(project) is not None


def test_a_first_release_that_is_not_what_was_asked_says_why(project: GitProject) -> None:
    project.commit("feat: x")
    opened = prepare(project, "minor")
    assert opened is not None
    assert opened.plan.version == "0.1.0"
    assert "released first" in opened.plan.remarks[0]
    assert not prepare(project).plan.remarks  # type: ignore[union-attr]


def test_commits_that_are_passed_over_are_named(project: GitProject) -> None:
    project.commit("feat: x")
    sha = project.commit("typo")
    opened = prepare(project)
    assert opened is not None
    assert opened.plan.remarks == (
        f"1 commit is not conventional and was passed over: {sha[:7]} 'typo'",
    )


def test_the_next_version_is_told_whatever_the_tree_looks_like(project: GitProject) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x", **{"a.txt": "a"})
    (project.root / "a.txt").write_text("b")
    request = Request("auto")
    assert next_versions(project.pyproject, Settings(), request) == {"demo-pkg": "0.2.0"}
    project.git("checkout", "--quiet", ".")
    project.tag("v0.2.0")
    assert next_versions(project.pyproject, Settings(), request) == {}


@pytest.mark.parametrize("branch", ["refs/pull/3/merge", "refs/heads/main"])
def test_a_pull_request_is_not_released(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, branch: str
) -> None:
    project.commit("feat: x")
    project.git("checkout", "--quiet", "--detach")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_REF", branch)
    monkeypatch.setenv("GITHUB_HEAD_REF", "" if "pull" in branch else "fork")
    with pytest.raises(errors.DetachedHead, match="runs for a pull request"):
        prepare(project)
