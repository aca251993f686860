"""What a branch may release, in histories that are told in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis import errors
from tests.support.story import story

if TYPE_CHECKING:
    from poetry_aegis.settings import Channel


@pytest.mark.parametrize(
    ("branch", "events", "expected"),
    [
        ("develop", ["@1.0.0", "feat: x"], "1.1.0b0"),
        ("develop", ["@1.0.0", "feat: x", "@1.1.0b0", "fix: y"], "1.1.0b1"),
        ("develop", ["@1.0.0", "feat: x", "@1.1.0b0", "chore: y"], None),
        ("develop", ["@1.0.0", "chore: x"], None),
        ("develop", ["@1.0.0", "feat: x", "@1.1.0b0", "feat!: y"], "2.0.0b0"),
        ("develop", ["@1.0.0", "feat: x", "@1.1.0b3", "@1.1.0"], None),
        ("develop", ["@1.0.0", "feat: x", "@1.1.0a2"], "1.1.0b0"),
        ("develop", ["@1.0.0", "feat: x", "@1.1.0rc2"], None),
        ("next", ["@1.0.0", "feat: x", "@1.1.0b2"], "1.1.0rc0"),
        ("nightly", ["@1.0.0", "feat: x"], "1.1.0.dev0"),
        ("main", ["@1.0.0", "feat: x", "@1.1.0b2"], "1.1.0"),
        ("topic", ["@1.0.0", "feat: x"], "1.1.0"),
        (None, ["@1.0.0", "feat: x"], "1.1.0"),
    ],
)
def test_auto_makes_what_the_branch_is_for(
    branch: str | None, events: list[str], expected: str | None
) -> None:
    channels: dict[str, Channel] = {"next": "rc", "nightly": "dev"}
    assert story(*events, channels=channels).next(branch=branch) == expected


def test_a_version_raised_by_hand_on_a_branch_of_prereleases() -> None:
    told = story("@1.0.0", "docs: x")
    for written, expected in [
        ("2.0.0", "2.0.0b0"),
        ("2.0.0b4", "2.0.0b4"),
        ("2.0.0.dev0", None),
    ]:
        told.current = written
        assert told.next(branch="develop") == expected


def test_a_branch_lends_its_kind_to_a_prerelease_that_names_none() -> None:
    told = story("@1.0.0", "feat: x")
    assert told.next("prerelease", branch="develop") == "1.1.0b0"
    assert told.next("prerelease", "rc", branch="develop") == "1.1.0rc0"


def test_a_branch_that_would_go_back_to_an_earlier_kind() -> None:
    with pytest.raises(errors.VersionNotNewer, match=r"1\.1\.0rc2 cannot be followed by 1\.1\.0b0"):
        story("@1.0.0", "feat: x", "@1.1.0rc2", "fix: y").next(branch="develop")


@pytest.mark.parametrize("target", ["auto", "patch", "9.0"])
def test_a_branch_that_makes_no_releases(target: str) -> None:
    told = story("@1.0.0", "feat: x", channels={"wip/*": "none"})
    with pytest.raises(errors.ReleaseError, match="The branch wip/x makes no releases"):
        told.next(target, branch="wip/x")


@pytest.mark.parametrize(
    ("branch", "commit", "expected"),
    [
        ("1.x", "feat: x", "1.5.0"),
        ("1.4.x", "fix: x", "1.4.3"),
        ("release/1.x", "fix: x", "1.4.3"),
    ],
)
def test_a_maintenance_branch_goes_on_in_its_range(branch: str, commit: str, expected: str) -> None:
    assert story("@1.4.2", commit, "~2.0.0", "~2.1.0").next(branch=branch) == expected


@pytest.mark.parametrize(
    ("branch", "commit", "way_out"),
    [
        ("1.x", "feat!: x", "poetry aegis release minor"),
        ("1.4.x", "feat: x", "poetry aegis release patch"),
        ("maintenance/1.4.x", "feat: x", "poetry aegis release patch"),
        ("3.x", "fix: x", "name a version of 3.x"),
    ],
)
def test_a_maintenance_branch_does_not_leave_its_range(
    branch: str, commit: str, way_out: str
) -> None:
    told = story("@1.4.2", commit, "~1.5.0", "~2.0.0")
    with pytest.raises(errors.ReleaseError, match=f"which the branch {branch} is for") as caught:
        told.next(branch=branch)
    assert way_out in caught.value.hint
    if "poetry" in way_out and branch != "1.x":
        assert told.next(way_out.rpartition(" ")[2], branch=branch) == "1.4.3"


def test_the_next_free_version_does_not_leave_the_range_either() -> None:
    told = story("@1.9.0", "feat: x", "~1.10.0")
    assert told.next(branch="1.x", next_free=True) == "1.11.0"
    with pytest.raises(errors.ReleaseError, match=r"1\.11\.0 would leave 1\.10\.x"):
        told.next(branch="1.10.x", next_free=True)
