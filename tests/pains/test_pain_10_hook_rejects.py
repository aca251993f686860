"""Pain 10: a hook rejects the bump's commit, and then everything is stuck.

https://github.com/commitizen-tools/commitizen/issues/502,
https://github.com/callowayproject/bump-my-version/issues/199

Here a hook that refuses leaves the tree as it was, so that the next try is like the first; one that
rewrites files and refuses, as formatters do, is asked a second time, and its work is committed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import CommitRefused
from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import open_release
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject


def release(project: GitProject) -> str:
    opened = open_release(project.pyproject, Settings(), Request("auto"))
    assert opened is not None
    opened.run(lambda step: None)
    return opened.plan.version


def hook(project: GitProject, name: str, script: str) -> Path:
    path = project.root / ".git" / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", ["pre-commit", "commit-msg", "prepare-commit-msg"])
def test_a_hook_that_refuses_stops_nothing_for_good(project: GitProject, name: str) -> None:
    project.tag("v1.0.0")
    project.commit("feat: x")
    before = project.state()
    refusing = hook(project, name, "echo 'the ticket is missing' >&2; exit 1")
    for _ in range(2):
        with pytest.raises(CommitRefused, match="the ticket is missing"):
            release(project)
        assert project.state() == before
    refusing.unlink()
    assert release(project) == "1.1.0"
    assert project.tags() == ["v1.0.0", "v1.1.0"]


def test_a_formatter_that_rewrites_and_refuses_is_content_the_second_time(
    project: GitProject,
) -> None:
    project.tag("v1.0.0")
    project.commit("feat: x")
    format_it = "sed 's/^- /* /' CHANGELOG.md > formatted"
    hook(
        project,
        "pre-commit",
        f"{format_it}; cmp -s formatted CHANGELOG.md && rm formatted && exit 0\n"
        "mv formatted CHANGELOG.md; exit 1",
    )
    assert release(project) == "1.1.0"
    assert "\n* x (" in project.git("show", "HEAD:CHANGELOG.md")
    assert project.git("status", "--porcelain") == ""
