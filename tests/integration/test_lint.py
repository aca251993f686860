"""``poetry aegis lint`` as a user, a pipeline and git's commit-msg hook run it."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome


def test_findings_are_told_and_the_exit_code_is_38(poetry: PoetryHome, project: GitProject) -> None:
    project.commit("Long before")
    project.tag("v0.1.0")
    sha = project.commit("feat:<b>x</b>")
    project.commit("fix: y")
    run = poetry.run("aegis", "lint", cwd=project.root)
    assert (run.returncode, run.stderr) == (38, "")
    assert run.stdout == (
        f"{sha[:7]}  feat:<b>x</b>\n  there is no space after the colon\n  write: feat: <b>x</b>\n"
    )
    run = poetry.run("aegis", "lint", "HEAD~1..", cwd=project.root)
    assert (run.returncode, run.stdout) == (0, "1 checked, nothing wrong.\n")


def test_json_is_one_object(poetry: PoetryHome, project: GitProject) -> None:
    project.tag("v0.1.0")
    sha = project.commit("feature: x")
    run = poetry.run("aegis", "lint", "--json", cwd=project.root)
    assert run.returncode == 38
    assert json.loads(run.stdout) == {
        "checked": 1,
        "findings": [
            {
                "sha": sha,
                "subject": "feature: x",
                "problem": "the type 'feature' is unknown",
                "remedy": "did you mean 'feat'?",
            }
        ],
    }


def test_what_does_not_go_together_is_refused(poetry: PoetryHome, project: GitProject) -> None:
    run = poetry.run("aegis", "lint", "HEAD", "--message-file", "x", cwd=project.root)
    assert (run.returncode, run.stdout) == (2, "")
    run = poetry.run("aegis", "lint", "--", "--output=evil", cwd=project.root)
    assert run.returncode == 2
    assert "is an option, not a range of commits." in run.stderr
    assert not (project.root / "evil").exists()


def test_as_a_commit_msg_hook_it_stops_the_commit(
    poetry: PoetryHome, project: GitProject, tmp_path: Path
) -> None:
    hook = project.root / ".git" / "hooks" / "commit-msg"
    command = shlex.join([sys.executable, "-m", "poetry", "aegis", "lint", "--message-file"])
    hook.write_text(f'#!/bin/sh\nexec {command} "$1"\n')
    hook.chmod(0o755)
    before = project.git("rev-parse", "HEAD")
    project.git("commit", "--allow-empty", "-m", "whatever", check=False)
    assert project.git("rev-parse", "HEAD") == before
    project.commit("feat: x")
    assert project.git("rev-parse", "HEAD~1") == before


def test_a_message_file_needs_no_project(poetry: PoetryHome, tmp_path: Path) -> None:
    (tmp_path / "message").write_text("feat: x\n# a comment\n")
    run = poetry.run("aegis", "lint", "--message-file", "message", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
