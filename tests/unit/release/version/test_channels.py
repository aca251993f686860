from __future__ import annotations

import pytest
from poetry.core.constraints.version import Version

from poetry_aegis.errors import ReleaseError
from poetry_aegis.release.version.channels import (
    channel_of,
    maintenance_range,
    require_channel,
    require_in_range,
)
from poetry_aegis.settings import Channel, Settings

V = Version.parse


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("main", "stable"),
        ("master", "stable"),
        ("develop", "beta"),
        ("anything", "stable"),
        ("Develop", "stable"),
        (None, "stable"),
        ("wip/login/form", "none"),
        ("wip/rc", "rc"),
        ("rc-1", "rc"),
        ("rc-12", "stable"),
    ],
)
def test_the_channel_of_a_branch(branch: str | None, expected: Channel) -> None:
    settings = Settings(channels={"wip/*": "none", "wip/rc": "rc", "rc-[0-9]": "rc"})
    assert channel_of(branch, settings) == expected


def test_the_first_of_several_patterns_counts() -> None:
    settings = Settings(channels={"feature/old-*": "alpha", "feature/*": "dev"})
    assert channel_of("feature/old-1", settings) == "alpha"
    assert channel_of("feature/new", settings) == "dev"


def test_a_project_may_say_otherwise_of_the_usual_branches() -> None:
    assert channel_of("develop", Settings(channels={"develop": "stable"})) == "stable"


def test_a_branch_without_releases_is_refused() -> None:
    settings = Settings(channels={"wip": "none"})
    assert require_channel("develop", settings) == "beta"
    with pytest.raises(ReleaseError, match="The branch wip makes no releases"):
        require_channel("wip", settings)


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("1.x", "1.x"),
        ("12.34.x", "12.34.x"),
        ("v1.x", "1.x"),
        ("1.X", "1.x"),
        ("1.x.x", "1.x"),
        ("release/1.x", "1.x"),
        ("releases/v1.2.x", "1.2.x"),
        ("maintenance/1.2.x", "1.2.x"),
        ("0.x", "0.x"),
        ("main", None),
        ("1.2", None),
        ("release/1.2.3", None),
        ("feature/1.x", None),
        ("1.x-fixes", None),
        ("1.2.3.x", None),
        ("1xx", None),
        ("", None),
        (None, None),
    ],
)
def test_the_range_of_a_maintenance_branch(branch: str | None, expected: str | None) -> None:
    found = maintenance_range(branch)
    assert (str(found) if found else None) == expected


@pytest.mark.parametrize(
    ("branch", "version", "inside"),
    [
        ("1.x", "1.0.0", True),
        ("1.x", "1.99.0b1", True),
        ("1.x", "2.0.0.dev0", False),
        ("1.x", "0.9", False),
        ("1.0.x", "1", True),
        ("1.0.x", "1.0.7.post1", True),
        ("1.0.x", "1.1", False),
        ("main", "7.0", True),
        (None, "7.0", True),
    ],
)
def test_versions_stay_in_the_range(branch: str | None, version: str, inside: bool) -> None:
    if inside:
        require_in_range(V(version), branch, V("1.0.0"))
        return
    with pytest.raises(ReleaseError, match=f"which the branch {branch} is for"):
        require_in_range(V(version), branch, V("1.0.0"))


@pytest.mark.parametrize(
    ("branch", "base", "way_out"),
    [
        ("1.x", "1.4.0", "poetry aegis release minor"),
        ("1.4.x", "1.4.0", "poetry aegis release patch"),
        ("1.4.x", "1.3.0", "name a version of 1.4.x"),
    ],
)
def test_the_way_out_stays_in_the_range(branch: str, base: str, way_out: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        require_in_range(V("2.0.0"), branch, V(base))
    assert way_out in caught.value.hint
