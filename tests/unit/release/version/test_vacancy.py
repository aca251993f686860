"""Versions that are taken, in histories that are told in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis import errors
from tests.support.story import story

if TYPE_CHECKING:
    from poetry.core.constraints.version import Version


@pytest.mark.parametrize(
    ("events", "target", "taken", "following"),
    [
        (["@1.2.3", "fix: x", "~1.2.4"], "auto", "v1.2.4", "1.2.5"),
        (["@1.2.3", "fix: x", "~1.2.4", "~1.2.5"], "auto", "v1.2.4", "1.2.6"),
        (["@1.2.3", "feat: x", "~1.3.0"], "auto", "v1.3.0", "1.4.0"),
        (["@1.2.3", "feat!: x", "~2.0"], "auto", "v2.0", "3.0.0"),
        (["@1.2.3", "feat: x", "~1.3.0a0"], "prerelease", "v1.3.0a0", "1.3.0a1"),
        (["@1.2.3", "feat: x", "~1.3.0"], "prerelease", "v1.3.0", "1.4.0a0"),
        (["@1.2.3", "feat: x", "@1.3.0b0", "fix: y", "~1.3.0"], "prerelease", "v1.3.0", "1.4.0b0"),
        (["@1.2.3", "feat: x", "@1.3.0b0", "~1.3.0"], "final", "v1.3.0", "1.4.0"),
        (["@1.2.3", "feat: x", "~4.0.0"], "4", "v4.0.0", "5"),
        (["@1.2", "feat: x", "~1.2.post1"], "1.2.post1", "v1.2.post1", "1.2.1"),
        (["@1.2", "feat: x", "~1.2+corp"], "1.2+corp", "v1.2+corp", "1.2.1"),
    ],
)
def test_a_version_is_taken_by_any_tag_until_told_to_pass_it_over(
    events: list[str], target: str, taken: str, following: str
) -> None:
    told = story(*events)
    with pytest.raises(errors.TagExists) as caught:
        told.next(target)
    assert f"the tag {taken} is on eeeeeee" in str(caught.value)
    assert "--next-free" in caught.value.hint
    assert told.next(target, next_free=True) == following


def test_tags_of_other_branches_start_no_range() -> None:
    decision = story("@1.0.0", "feat: x", "~5.0.0", "~1.0.7").decide()
    assert decision is not None
    assert decision.version.text == "1.1.0"
    assert decision.history.since is not None
    assert decision.history.since.name == "v1.0.0"


def test_an_index_may_have_the_version() -> None:
    asked: list[str] = []

    def occupied(version: Version) -> str | None:
        asked.append(version.text)
        return "the index corp has it" if version.text in {"1.0.1", "1.0.2"} else None

    told = story("@1.0.0", "fix: x")
    with pytest.raises(errors.ReleaseError, match=r"1\.0\.1 is not free: the index corp has it\."):
        told.decide(occupied=occupied)
    assert asked == ["1.0.1"]
    decision = told.decide(occupied=occupied, next_free=True)
    assert decision is not None
    assert decision.version.text == "1.0.3"
    with pytest.raises(errors.ReleaseError, match=r"1\.0\.1a0 would come too late, as 1\.0\.1 is"):
        told.decide("prerelease", occupied=occupied)
