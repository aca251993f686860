"""Pain 13: other tools release a major version for a breaking change that was taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import read_history, read_tags
from poetry_aegis.release.version.numbers import level_of
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from tests.support.git import GitProject


def outcome(project: GitProject) -> tuple[str, list[str]]:
    """Return what the next version goes up by, and what its changelog would tell of."""
    repository = GitRepository(project.root)
    last = read_tags(repository, "v{version}").last
    assert last is not None
    changes = read_history(repository, Settings(), last).changes
    level = level_of(changes, last.version, Settings())
    return level, [f"{change.type}: {change.description}" for change in changes]


def start(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.commit("feat!: all new", **{"new.txt": "new"})


def test_a_breaking_change_and_its_revert_release_nothing(project: GitProject) -> None:
    start(project)
    project.git("revert", "--no-edit", "HEAD")
    assert outcome(project) == ("none", [])


def test_a_revert_of_the_revert_brings_it_back(project: GitProject) -> None:
    start(project)
    project.git("revert", "--no-edit", "HEAD")
    project.git("revert", "--no-edit", "HEAD")
    assert outcome(project) == ("major", ["feat: all new"])


def test_what_was_released_is_told_of_when_it_goes(project: GitProject) -> None:
    start(project)
    project.tag("v2.0.0")
    project.git("revert", "--no-edit", "HEAD")
    assert outcome(project) == ("patch", ["revert: all new"])


def test_a_merged_branch_goes_as_a_whole(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.git("switch", "--quiet", "--create", "side")
    project.commit("feat!: one", **{"one.txt": "1"})
    project.commit("feat: two", **{"two.txt": "2"})
    project.git("switch", "--quiet", "main")
    project.commit("fix: meanwhile", **{"main.txt": "1"})
    project.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    project.git("revert", "--no-edit", "--mainline=1", "HEAD")
    assert outcome(project) == ("patch", ["fix: meanwhile"])
