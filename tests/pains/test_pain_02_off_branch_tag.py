"""A tag on another branch: elsewhere it blocks releases, or the same version is proposed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from poetry.core.constraints.version import Version

from poetry_aegis.errors import TagExists
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import read_history, read_tags
from poetry_aegis.release.version.decision import Decision, Wish, decide
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from tests.support.git import GitProject


def decision_in(project: GitProject, target: str, *, next_free: bool = False) -> Decision | None:
    repository = GitRepository.around(project.root)
    settings = Settings()
    return decide(
        read_tags(repository, settings.tag_format),
        lambda since: read_history(repository, settings, since),
        settings,
        Version.parse("1.2.3"),
        Wish(target, next_free=next_free),
        branch="main",
    )


def test_a_version_that_an_unmerged_branch_has_is_never_given_twice(project: GitProject) -> None:
    project.tag("v1.2.3")
    project.git("switch", "--quiet", "-c", "unmerged")
    there = project.commit("fix: there")
    project.tag("v1.2.4")
    project.git("tag", "1.9.9-of-another-shape")
    project.git("switch", "--quiet", "main")
    here = project.commit("fix: here")

    with pytest.raises(TagExists) as caught:
        decision_in(project, "auto")
    assert f"the tag v1.2.4 is on {there[:7]}" in str(caught.value)
    assert "git merge v1.2.4" in caught.value.hint

    # Told to, it goes on, and what is on the other branch is not told of.
    passed = decision_in(project, "auto", next_free=True)
    assert passed is not None
    assert passed.version.text == "1.2.5"
    assert [commit.sha for commit in passed.history.commits] == [here]

    # A version that nobody has is not held up by the tag, and starts from where this branch does.
    minor = decision_in(project, "minor")
    assert minor is not None
    assert minor.version.text == "1.3.0"
    assert minor.history.since is not None
    assert minor.history.since.name == "v1.2.3"

    # The way out that was named is one.
    project.git("merge", "--quiet", "v1.2.4", "-m", "Merge what v1.2.4 marks")
    merged = decision_in(project, "auto")
    assert merged is not None
    assert merged.version.text == "1.2.5"
    assert {commit.sha for commit in merged.history.commits} >= {here}
    assert there not in {commit.sha for commit in merged.history.commits}


def test_an_orphan_tag_does_not_count_and_does_not_block(project: GitProject) -> None:
    project.tag("v1.2.3")
    project.git("switch", "--quiet", "--orphan", "lost")
    project.commit("feat!: lost")
    project.tag("v9.0.0")
    project.git("switch", "--quiet", "main")
    project.commit("feat: here")
    decision = decision_in(project, "auto")
    assert decision is not None
    assert decision.version.text == "1.3.0"
