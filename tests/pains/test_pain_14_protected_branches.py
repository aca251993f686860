"""Pain 14: the main branch takes only pull requests, or only signed commits.

https://github.com/python-semantic-release/python-semantic-release/issues/1149,
https://github.com/python-semantic-release/python-semantic-release/issues/1373

Here the commit goes to a branch of its own; once that is merged, whichever way, ``finish`` tags it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import PushRejected
from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import open_release
from poetry_aegis.release.finish import open_finish
from poetry_aegis.settings import Settings
from tests.support.git import GitProject

if TYPE_CHECKING:
    from pathlib import Path

# The server lets nobody push to main; its own merge button does not ask.
PROTECTED = '#!/bin/sh\ntest "$1" != refs/heads/main || { echo "main is protected" >&2; exit 1; }\n'
MERGES = {
    "merge": ("merge", "--quiet", "--no-ff", "-m", "Merge the release", "origin/release/1.1.0"),
    "squash": ("merge", "--quiet", "--squash", "origin/release/1.1.0"),
    "rebase": ("cherry-pick", "origin/release/1.1.0"),
    "fast-forward": ("merge", "--quiet", "--ff-only", "origin/release/1.1.0"),
}


@pytest.fixture
def bare(project: GitProject, tmp_path: Path) -> GitProject:
    """Return a remote whose main branch is protected."""
    project.tag("v1.0.0")
    project.commit("feat: x")
    bare = project.add_remote(tmp_path / "origin.git")
    hook = bare.root / "hooks" / "update"
    hook.write_text(PROTECTED)
    hook.chmod(0o755)
    return bare


def merge(bare: GitProject, server: Path, how: str) -> None:
    """Merge the release's branch as the server does, which its hooks do not hold up."""
    work = GitProject(server)
    bare.git("clone", "--quiet", str(bare.root), str(server))
    if how != "fast-forward":
        work.commit("docs: meanwhile", **{"README.md": "meanwhile\n"})
    work.git(*MERGES[how])
    if how == "squash":
        work.git("commit", "--quiet", "-m", "A title of the forge's (#7)")
    bare.git("fetch", "--quiet", str(server), "+main:main")


def run(project: GitProject, request: Request) -> str | None:
    begin = open_finish if request.target == "finish" else open_release
    release = begin(project.pyproject, Settings(), request)
    if release is None:
        return None
    release.run(lambda step: None)
    return release.plan.version


def test_a_push_to_a_protected_branch_leaves_no_trace(
    project: GitProject, bare: GitProject
) -> None:
    before, theirs = project.state(), bare.git("for-each-ref")
    with pytest.raises(PushRejected, match="main is protected"):
        run(project, Request("auto", push=True))
    assert project.state() == before
    assert bare.git("for-each-ref") == theirs


@pytest.mark.parametrize("how", MERGES)
def test_through_a_pull_request(
    project: GitProject, bare: GitProject, tmp_path: Path, how: str
) -> None:
    main = project.git("rev-parse", "main")
    assert run(project, Request("auto", push=True, branch="release/{version}")) == "1.1.0"
    assert project.git("rev-parse", "main") == bare.git("rev-parse", "main") == main
    assert project.git("symbolic-ref", "--short", "HEAD") == "main"
    assert bare.git("log", "-1", "--format=%P", "release/1.1.0") == main
    assert project.tags() == ["v1.0.0"]

    merge(bare, tmp_path / "server", how)
    project.git("pull", "--quiet", "--ff-only")
    merged = project.git("rev-parse", "HEAD")
    assert run(project, Request("finish", push=True)) == "1.1.0"
    assert bare.tags() == ["v1.1.0"]
    assert bare.git("rev-parse", "v1.1.0^{commit}") == merged
    assert bare.git("rev-parse", "main") == merged
    # A second time there is nothing to finish, and nothing of the release is released again.
    assert run(project, Request("finish", push=True)) is None
    assert run(project, Request("auto")) is None
