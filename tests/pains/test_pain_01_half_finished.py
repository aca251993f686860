"""Pain 1: a release that broke half-way is stuck: a second try says that it was made already.

https://github.com/semantic-release/semantic-release/issues/896,
https://github.com/python-semantic-release/python-semantic-release/issues/803

Here a push that is refused takes everything back, and the next try releases the same version; a
release that was cut off is refused a second start, and is finished or taken back.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import PushRejected, UnfinishedRelease
from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import Release, open_release, reopen
from poetry_aegis.release.sequence import Additions
from poetry_aegis.settings import Settings
from tests.support.faults import break_off

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject


def prepare(project: GitProject) -> Release:
    release = open_release(project.pyproject, Settings(), Request("auto", push=True))
    assert release is not None
    return release


def test_a_push_that_is_refused_can_be_tried_again(project: GitProject, tmp_path: Path) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.tag("v1.2.3")
    project.commit("fix: x")
    hook = bare.root / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = project.state()
    with pytest.raises(PushRejected):
        prepare(project).run(lambda step: None)
    assert project.state() == before
    assert project.tags() == ["v1.2.3"]

    hook.unlink()
    release = prepare(project)
    assert release.plan.version == "1.2.4"
    release.run(lambda step: None)
    assert bare.tags() == ["v1.2.4"]
    assert bare.git("rev-parse", "main") == project.git("rev-parse", "HEAD")


@pytest.mark.skipif(os.name == "nt", reason="Windows neither forks nor has SIGKILL")
@pytest.mark.parametrize("at", ["commit", "tag", "push"])
def test_a_release_that_was_cut_off_is_finished_or_taken_back(
    project: GitProject, tmp_path: Path, at: str
) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.tag("v1.2.3")
    project.commit("fix: x")
    before = project.state()

    break_off(prepare(project), at)
    with pytest.raises(UnfinishedRelease) as caught:
        prepare(project)
    assert "poetry aegis release --resume" in caught.value.hint
    assert "poetry aegis release --abort" in caught.value.hint
    reopen(project.root, lambda plan: Additions()).abort(lambda step: None)
    assert project.state() == before

    break_off(prepare(project), at)
    reopen(project.root, lambda plan: Additions()).resume(lambda step: None)
    assert bare.tags() == ["v1.2.4"]
    assert bare.git("rev-parse", "v1.2.4^{commit}") == project.git("rev-parse", "HEAD")
    assert project.git("status", "--porcelain") == ""
