"""Pain 6: in a shallow clone, other tools take a part of the history for the whole of it.

A breaking change hides behind the depth; the version that follows from the rest is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import IncompleteHistory
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import read_history, read_tags
from poetry_aegis.release.history.shallow import require_whole_history
from poetry_aegis.release.version.numbers import bump, level_of
from poetry_aegis.settings import Settings
from tests.support.git import GitProject

if TYPE_CHECKING:
    from pathlib import Path


def next_version(project: GitProject, *, fetch: bool) -> str:
    repository = GitRepository(project.root)
    require_whole_history(repository, fetch=fetch, remote="origin")
    last = read_tags(repository, "v{version}").last_final
    assert last is not None
    changes = read_history(repository, Settings(), last).changes
    return bump(last.version, level_of(changes, last.version, Settings())).text


@pytest.fixture
def cut(project: GitProject, tmp_path: Path) -> GitProject:
    """Return a clone of depth 1: neither the tag nor the breaking change are in it."""
    project.tag("v1.2.3")
    project.commit("feat!: nothing is as it was")
    project.commit("fix: mend")
    project.git("clone", "--quiet", "--depth=1", project.root.as_uri(), str(tmp_path / "cut"))
    return GitProject(tmp_path / "cut")


def test_a_hidden_breaking_change_is_fetched(cut: GitProject) -> None:
    assert cut.git("log", "--format=%s") == "fix: mend"
    assert next_version(cut, fetch=True) == "2.0.0"


def test_a_shallow_clone_is_refused_with_the_command_that_helps(cut: GitProject) -> None:
    with pytest.raises(IncompleteHistory) as caught:
        next_version(cut, fetch=False)
    assert "git fetch --unshallow --tags" in caught.value.hint
    cut.git("fetch", "--quiet", "--unshallow", "--tags")
    assert next_version(cut, fetch=False) == "2.0.0"
