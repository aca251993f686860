"""Decisions on histories that are told in a line: commits, tags here, tags on other branches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poetry_aegis import errors
from poetry_aegis.release.version.numbers import PRERELEASE_TYPES, PrereleaseType
from tests.support.story import V, story, subjects

# auto, on a branch of final versions


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (["@1.0.0"], None),
        (["@1.0.0", "docs: x", "Whatever"], None),
        (["@1.0.0", "fix: x"], "1.0.1"),
        (["@1.0.0", "fix: x", "feat: y", "fix: z"], "1.1.0"),
        (["@1.0.0", "feat: x", "docs!: y"], "2.0.0"),
        (["@0.3.1", "feat!: x"], "0.4.0"),
        (["@0.3.1", "feat: x"], "0.4.0"),
        (["@0.3.1", "fix: x"], "0.3.2"),
        (["feat: first"], "0.1.0"),
        (["chore: first"], None),
        # What PEP 440 knows beside three numbers
        (["@1.0", "feat: x"], "1.1"),
        (["@1.0", "fix: x"], "1.0.1"),
        (["@1", "feat!: x"], "2"),
        (["@1.0.post1", "fix: x"], "1.0.1"),
        (["@1!2.0.0", "feat: x"], "1!2.1.0"),
        (["@1.0.0+corp.1", "fix: x"], "1.0.1"),
        (["@1.2.3.4", "fix: x"], "1.2.4.0"),
        # From a pre-release
        (["@1.0.0", "feat: x", "@1.1.0rc0"], "1.1.0"),
        (["@1.0.0", "feat: x", "@1.1.0rc0", "chore: y"], "1.1.0"),
        (["@1.0.0", "chore: x", "@1.0.1rc0"], "1.0.1"),
        (["@1.0.0", "feat: x", "@1.1.0b1", "feat!: y"], "2.0.0"),
        (["@1.0.0", "fix: x", "@2.0.0a0", "fix: y"], "2.0.0"),
        (["@1.0", "@1.0.post1.dev2", "fix: x"], "1.0.1"),
    ],
)
def test_the_commits_since_the_last_final_version_decide(
    events: list[str], expected: str | None
) -> None:
    assert story(*events).next() == expected


def test_a_breaking_change_leaves_zero_only_when_told_to() -> None:
    assert story("@0.3.1", "feat!: x", major_on_zero=True).next() == "1.0.0"


def test_the_table_of_types_decides() -> None:
    assert story("@1.0.0", "docs: x", bumps={"docs": "minor"}).next() == "1.1.0"
    assert story("@1.0.0", "feat: x", bumps={"feat": "none"}).next() is None


def test_commits_that_are_not_conventional_count_when_told_to() -> None:
    assert story("@1.0.0", "Mend it", other_commits="patch").next() == "1.0.1"
    assert story("@1.0.0", "other: x").next() is None


def test_a_reverted_change_decides_nothing() -> None:
    told = story("@1.0.0", "feat!: x")
    told.go_on(f'Revert "feat!: x"\n\nThis reverts commit {told.commits[-1].sha}.')
    assert told.next() is None


@pytest.mark.parametrize(
    ("written", "events", "expected"),
    [
        ("2.0.0", ["@1.0.0", "fix: x"], "2.0.0"),
        ("2.0", ["@1.0.0", "feat!: x"], "2.0"),
        ("1.0.1", ["@1.0.0", "feat: x"], "1.1.0"),
        ("1.0.post1", ["@1.0", "docs: x"], "1.0.post1"),
        ("2.0.0.dev0", ["@1.0.0", "docs: x"], None),
        ("2.0.0.dev0", ["@1.0.0", "fix: x"], "2.0.0"),
        ("1.0.0+dirty", ["@1.0.0", "docs: x"], None),
        ("0.5.0", ["@1.0.0", "fix: x"], "1.0.1"),
    ],
)
def test_a_version_raised_by_hand_is_released_unless_more_is_called_for(
    written: str, events: list[str], expected: str | None
) -> None:
    told = story(*events)
    told.current = written
    assert told.next() == expected


@pytest.mark.parametrize(
    ("events", "target", "expected"),
    [
        (["@1.0.0", "feat: x"], "auto", "minor"),
        (["@1.0.0", "feat: x"], "major", "major"),
        (["@1.0.0", "feat: x"], "prerelease", "prerelease"),
        (["@1.0.0", "chore: x", "@1.0.1rc0"], "auto", "final"),
        (["@1.0.0", "feat: x", "@1.1.0rc0"], "final", "final"),
        (["@1.0.0", "feat: x"], "7.0", "explicit"),
    ],
)
def test_how_it_was_found_is_told(events: list[str], target: str, expected: str) -> None:
    decision = story(*events).decide(target)
    assert decision is not None
    assert decision.bump == expected


# Pre-releases


@pytest.mark.parametrize(
    ("events", "kind", "expected"),
    [
        (["@1.0.0", "fix: x"], None, "1.0.1a0"),
        (["@1.0.0", "feat: x"], "beta", "1.1.0b0"),
        (["@1.0.0", "feat: x"], "dev", "1.1.0.dev0"),
        (["@1.0.0", "chore: x"], "rc", "1.0.1rc0"),
        (["@1.0.0"], "rc", None),
        (["@1.0.0", "feat: x", "@1.1.0b0", "chore: y"], None, "1.1.0b1"),
        (["@1.0.0", "feat: x", "@1.1.0b0"], "beta", None),
        (["@1.0.0", "feat: x", "@1.1.0.dev3"], "alpha", "1.1.0a0"),
        (["@1.0.0", "feat: x", "@1.1.0a3"], "beta", "1.1.0b0"),
        (["@1.0.0", "feat: x", "@1.1.0b1"], "rc", "1.1.0rc0"),
        (["@1.0.0", "feat: x", "@1.1.0.dev3"], "rc", "1.1.0rc0"),
        (["@1.0.0", "feat: x", "@1.1.0a1.dev0", "fix: y"], None, "1.1.0a1.dev1"),
        (["@1.0.0", "feat: x", "@1.1.0a1.dev0", "fix: y"], "alpha", "1.1.0a1"),
        (["@1.0.0", "feat: x", "@1.1.0b1", "feat!: y"], None, "2.0.0b0"),
        (["@1.0.0", "feat: x", "@1.1.0b1", "feat!: y"], "alpha", "2.0.0a0"),
        (["@1.0.0", "fix: x", "@2.0.0a0", "fix: y"], None, "2.0.0a1"),
        (["@1.0.0+corp.1", "fix: x"], "beta", "1.0.1b0"),
        (["@1!1.0", "fix: x"], "beta", "1!1.0.1b0"),
        (["feat: x"], "beta", "0.1.0b0"),
    ],
)
def test_prereleases(events: list[str], kind: PrereleaseType | None, expected: str | None) -> None:
    assert story(*events).next("prerelease", kind) == expected


@pytest.mark.parametrize(
    ("last", "kind"),
    [("1.1.0rc0", "beta"), ("1.1.0rc0", "dev"), ("1.1.0b0", "alpha"), ("1.1.0b1.dev0", "alpha")],
)
def test_a_prerelease_never_goes_back(last: str, kind: PrereleaseType) -> None:
    with pytest.raises(errors.VersionNotNewer, match=f"{last} cannot be followed by"):
        story("@1.0.0", "feat: x", f"@{last}", "fix: y").next("prerelease", kind)


@pytest.mark.parametrize(
    ("written", "kind", "expected"),
    [
        ("1.0.0", "rc", "1.0.0rc0"),
        ("1.0.0b3", None, "1.0.0b3"),
        ("1.0.0b3", "beta", "1.0.0b3"),
        ("1.0.0b3", "rc", "1.0.0rc0"),
        ("0.1.0a7", None, "0.2.0a0"),
        ("0.1.0.post1", "beta", "0.2.0b0"),
    ],
)
def test_a_prerelease_of_what_is_written(
    written: str, kind: PrereleaseType | None, expected: str
) -> None:
    told = story("@0.1.0", "feat: x")
    told.current = written
    assert told.next("prerelease", kind) == expected


def test_a_written_prerelease_needs_no_commit() -> None:
    told = story("@1.0.0")
    told.current = "1.1.0a0"
    assert told.next("prerelease") == "1.1.0a0"


def test_a_project_file_that_lags_behind_does_not_lead_back() -> None:
    told = story("@1.0.0", "fix: x", "@2.0.0a0", "fix: y")
    told.current = "1.0.0"
    assert told.next() == "2.0.0"
    assert told.next("prerelease") == "2.0.0a1"


def test_a_prerelease_of_a_post_release_is_one_of_the_next_patch() -> None:
    told = story("@1.0", "docs: x")
    told.current = "1.0.1.post1"
    assert told.next("prerelease", "beta") == "1.0.2b0"


def test_a_prerelease_tells_of_what_is_new_and_the_final_version_of_all() -> None:
    told = story("@1.0.0", "feat: x", "@1.1.0b0", "fix: y")
    assert subjects(told.decide("prerelease")) == ["fix: y"]
    assert subjects(told.decide("1.1.0rc1")) == ["fix: y"]
    assert subjects(told.decide()) == ["fix: y", "feat: x"]
    assert subjects(told.decide("final")) == ["fix: y", "feat: x"]


@pytest.mark.parametrize(
    ("events", "written", "expected"),
    [
        (["@1.0.0", "feat: x", "@1.1.0b1"], None, "1.1.0"),
        (["@1.0.0", "feat: x", "@1.1.0b1", "feat!: y"], None, "2.0.0"),
        (["@1.0.0", "docs: x"], "1.1.0a0", "1.1.0"),
        (["feat: x", "@1.0.0.dev1"], None, "1.0.0"),
        (["@1.0", "@1.0.post1.dev2"], None, "1.0.post1"),
    ],
)
def test_final_drops_the_suffix(events: list[str], written: str | None, expected: str) -> None:
    told = story(*events)
    told.current = written or told.current
    assert told.next("final", branch="develop") == expected


@pytest.mark.parametrize("events", [["feat: x"], ["@1.0.0", "feat: x"], ["@1.0.0a0", "@1.0.0"]])
def test_final_wants_a_prerelease(events: list[str]) -> None:
    with pytest.raises(errors.UsageError, match="no pre-release to make final"):
        story(*events).next("final")


def test_final_does_not_take_a_stale_prerelease_for_a_running_one() -> None:
    told = story("@1.0.0", "feat: x")
    told.current = "1.0.0rc1"
    with pytest.raises(errors.UsageError):
        told.next("final")


# Levels, and versions by their number


@pytest.mark.parametrize(
    ("last", "target", "expected"),
    [
        ("1.2.3", "patch", "1.2.4"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "major", "2.0.0"),
        ("2.0.0rc1", "major", "2.0.0"),
        ("2.0.0rc1", "patch", "2.0.0"),
        ("1.2.3", "1.2.3.post1", "1.2.3.post1"),
        ("1.2.3", "3.1", "3.1"),
        ("1.2.3", "1!0.1", "1!0.1"),
        ("1.2.3", "2.0.0-beta.1", "2.0.0b1"),
    ],
)
def test_what_is_asked_for(last: str, target: str, expected: str) -> None:
    assert story("chore: x", f"@{last}").next(target) == expected


@pytest.mark.parametrize("target", ["1.0.0", "1.0", "0.9", "1.0.0rc1", "v1.0.0"])
def test_a_version_has_to_be_newer_than_the_last_tag(target: str) -> None:
    with pytest.raises(errors.VersionNotNewer, match=r"which is tagged v1\.0\.0"):
        story("@1.0.0", "feat: x").next(target)


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(errors.InvalidVersion):
        story("feat: x").next("one")


# Release-As


def test_a_commit_may_name_the_version() -> None:
    told = story("@1.0.0", "feat!: x", "chore: y\n\nRelease-As: 1.5.0", "fix: z")
    decision = told.decide()
    assert decision is not None
    assert (decision.version.text, decision.bump) == ("1.5.0", "explicit")
    assert len(subjects(decision)) == 3
    assert told.go_on("@1.5.0").next() is None
    assert told.go_on("fix: again").next() == "1.5.1"


def test_the_newest_name_counts_and_only_for_auto() -> None:
    told = story("@1.0.0", "fix: a\n\nRelease-As: 3.0.0", "fix: b\n\nRelease-As: 2.0.0")
    assert told.next() == "2.0.0"
    assert told.next("patch") == "1.0.1"


def test_a_named_prerelease_is_released_as_it_is_named() -> None:
    told = story("@1.0.0", "fix: a\n\nRelease-As: 2.0.0-rc.1")
    assert told.next() == "2.0.0rc1"
    assert told.next(branch="develop") == "2.0.0rc1"
    assert told.go_on("@2.0.0rc1").next() == "2.0.0"


def test_a_named_prerelease_may_follow_the_one_that_is_written() -> None:
    told = story("@1.0.0", "fix: a\n\nRelease-As: 1.5.0rc1")
    told.current = "1.5.0b3"
    assert told.next() == "1.5.0rc1"


def test_a_named_final_version_is_what_prereleases_lead_to() -> None:
    told = story("@1.0.0", "feat!: a", "fix: a\n\nRelease-As: 1.5.0")
    assert told.next(branch="develop") == "1.5.0b0"
    assert told.go_on("@1.5.0b0").next(branch="develop") is None
    assert told.go_on("fix: more").next(branch="develop") == "1.5.0b1"
    assert told.next() == "1.5.0"


def test_a_name_that_cannot_be_followed_is_told_of() -> None:
    told = story("@1.0.0", "fix: a\n\nRelease-As: 0.9")
    with pytest.raises(
        errors.VersionNotNewer, match=r"0000000 says Release-As: 0\.9, which is not"
    ):
        told.next()
    assert told.next("patch") == "1.0.1"


def test_a_name_that_is_no_version_is_told_of() -> None:
    with pytest.raises(errors.InvalidVersion, match="says Release-As, but 'soon' is not"):
        story("@1.0.0", "fix: a\n\nRelease-As: soon").next()


def test_a_name_that_was_overtaken_is_forgotten() -> None:
    told = story("@1.0.0", "feat: a\n\nRelease-As: 1.5.0", "@1.6.0b0", "fix: b")
    assert told.next() == "1.6.0"


# Whatever the history

MESSAGES = st.sampled_from(
    ["fix: a", "feat: b", "feat!: c", "chore: d", "Prose", "fix: e\n\nRelease-As: 7.1.0"]
)
WISHES = st.sampled_from(
    [
        *((target, None) for target in ("auto", "patch", "minor", "major", "final")),
        *(("prerelease", kind) for kind in (None, *PRERELEASE_TYPES)),
    ]
)
BRANCHES = st.sampled_from(["main", "develop", "nightly"])
STARTS = st.sampled_from(["0.0.0", "0.4", "1", "1.0.post1", "1!2.0.0", "3.2.1+corp", "2.0a1.dev3"])
RELEASES = st.lists(st.tuples(st.lists(MESSAGES, max_size=3), WISHES, BRANCHES), max_size=8)


@settings(deadline=None, max_examples=150)
@given(STARTS, st.booleans(), RELEASES)
def test_versions_only_go_up_and_nothing_is_released_twice(
    start: str,
    tagged: bool,
    releases: list[tuple[list[str], tuple[str, PrereleaseType | None], str]],
) -> None:
    told = story(f"@{start}" if tagged else "chore: x", channels={"nightly": "dev"})
    told.current = start
    for messages, (target, kind), branch in releases:
        told.go_on(*messages)
        try:
            decision = told.decide(target, kind, branch=branch)
        except (errors.VersionNotNewer, errors.UsageError):
            continue
        if decision is None:
            continue
        version = decision.version
        assert all(version > tag.version for tag in told.here)
        assert version.stable >= V(told.current).without_local().stable
        assert version >= V(told.current).without_local() or version.is_unstable()
        told.go_on(f"@{version}")
        if version.is_unstable():
            assert told.next(branch="nightly") is None
        else:
            assert [told.next(branch=name) for name in ("main", "develop")] == [None, None]
