"""Pain 12: what was squashed into one commit is missed by other tools, or counts more than it says.

Whether the bodies are read is a setting of the project, for both kinds exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import read_history
from poetry_aegis.release.version.numbers import level_of, parse_version
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from tests.support.git import GitProject

SQUASHED = "Login (#12)\n\n* feat!: add a login\n\n* fix: mend it\n\n* wip\n"
PROSE = "docs: tell (#13)\n\nThe prose of a body says what was:\nfeat!: all new\nand so on.\n"


def level(project: GitProject, *, squash_bodies: bool) -> str:
    settings = Settings(squash_bodies=squash_bodies)
    history = read_history(GitRepository(project.root), settings, None)
    return level_of(history.changes, parse_version("1.0.0"), settings)


def test_what_was_squashed_counts_where_it_is_asked_for(project: GitProject) -> None:
    project.commit(SQUASHED)
    assert level(project, squash_bodies=True) == "major"
    assert level(project, squash_bodies=False) == "none"


@pytest.mark.parametrize("squash_bodies", [True, False])
def test_prose_never_counts(project: GitProject, squash_bodies: bool) -> None:
    project.commit(PROSE)
    assert level(project, squash_bodies=squash_bodies) == "none"


def test_a_title_that_repeats_its_only_commit_counts_once(project: GitProject) -> None:
    project.commit("feat: add a login (#12)\n\n* feat: add a login\n\n* typo")
    history = read_history(GitRepository(project.root), Settings(squash_bodies=True), None)
    assert [change.description for change in history.changes] == ["add a login (#12)", "start"]
