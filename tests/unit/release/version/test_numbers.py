from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from poetry.core.constraints.version import Version
from semver import Version as SemanticVersion

from poetry_aegis.errors import InvalidVersion, UsageError, VersionNotNewer
from poetry_aegis.release.history.commits import Change, Commit
from poetry_aegis.release.version.numbers import (
    PRERELEASE_TYPES,
    PrereleaseType,
    format_tag,
    level_of,
    next_prerelease,
    parse_prerelease_type,
    parse_version,
    step,
    version_of_tag,
)
from poetry_aegis.settings import Level, Settings


def change(kind: str, *, breaking: bool = False) -> Change:
    return Change(Commit("0" * 40, "Ada", "", ""), kind, None, "x", breaking=breaking)


V = Version.parse


@pytest.mark.parametrize(
    ("changes", "current", "expected"),
    [
        ([], "1.0.0", "none"),
        ([change("chore"), change("docs")], "1.0.0", "none"),
        ([change("fix"), change("chore")], "1.0.0", "patch"),
        ([change("fix"), change("feat")], "1.0.0", "minor"),
        ([change("fix"), change("chore", breaking=True)], "1.0.0", "major"),
        ([change("fix", breaking=True)], "0.3.0", "minor"),
    ],
)
def test_the_highest_change_decides(changes: list[Change], current: str, expected: str) -> None:
    assert level_of(changes, V(current), Settings()) == expected


def test_major_on_zero_lets_breaking_changes_leave_zero() -> None:
    settings = Settings(major_on_zero=True)
    assert level_of([change("fix", breaking=True)], V("0.3.0"), settings) == "major"


@pytest.mark.parametrize(("rule", "level"), [("ignore", "none"), ("patch", "patch")])
def test_commits_of_no_type_count_when_told_to(
    rule: Literal["ignore", "patch"], level: Level
) -> None:
    assert level_of([change("other")], V("1.0.0"), Settings(other_commits=rule)) == level


def test_what_the_table_says_of_commits_of_no_type_counts_more() -> None:
    settings = Settings(other_commits="patch", bumps={"other": "minor"})
    assert level_of([change("other")], V("1.0.0"), settings) == "minor"


def test_the_table_of_types_is_configurable() -> None:
    settings = Settings(bumps={"docs": "patch", "perf": "none"})
    assert level_of([change("docs")], V("1.0.0"), settings) == "patch"
    assert level_of([change("perf")], V("1.0.0"), settings) == "none"
    assert level_of([change("feat")], V("1.0.0"), settings) == "minor"


@pytest.mark.parametrize(
    ("current", "level", "kind", "expected"),
    [
        ("1.2.3", "patch", None, "1.2.4"),
        ("1.2.3", "minor", None, "1.3.0"),
        ("1.2.3", "major", None, "2.0.0"),
        ("2.0.0rc1", "major", None, "2.0.0"),
        ("1.2.3a1", "patch", None, "1.2.3"),
        ("1.2.3.post1", "patch", None, "1.2.4"),
        ("1!1.2.3", "minor", None, "1!1.3.0"),
        ("1.2.3", "prerelease", None, "1.2.4a0"),
        ("1.2.3", "prerelease", "beta", "1.2.4b0"),
        ("1.2.3", "prerelease", "dev", "1.2.4.dev0"),
        ("1.2.4a0", "prerelease", None, "1.2.4a1"),
        ("1.2.4a0", "prerelease", "alpha", "1.2.4a1"),
        ("1.2.4a1", "prerelease", "rc", "1.2.4rc0"),
        ("1.2.4.dev4", "prerelease", None, "1.2.4.dev5"),
        ("1.2.4.dev4", "prerelease", "alpha", "1.2.4a0"),
        ("1.2.4a1.dev4", "prerelease", None, "1.2.4a1.dev5"),
        ("1.2.4a1.dev4", "prerelease", "alpha", "1.2.4a1"),
        ("1.2.4a1.dev4", "prerelease", "beta", "1.2.4b0"),
        ("1.2.4a1.post2", "prerelease", None, "1.2.4a2"),
        ("1.2.3.post1", "prerelease", None, "1.2.4a0"),
        ("1.2.3.post1.dev1", "prerelease", None, "1.2.3.post1.dev2"),
        ("1.2.3+local", "prerelease", "beta", "1.2.4b0"),
        ("1!1.2.3", "prerelease", "rc", "1!1.2.4rc0"),
        ("1.2", "prerelease", "rc", "1.2.1rc0"),
        ("1.2.4rc1", "final", None, "1.2.4"),
        ("1.2.4.dev0", "final", None, "1.2.4"),
        ("1.2.3.post1.dev1", "final", None, "1.2.3.post1"),
        ("1.2", "minor", None, "1.3"),
    ],
)
def test_steps(current: str, level: str, kind: PrereleaseType | None, expected: str) -> None:
    assert step(V(current), level, kind) == V(expected)


@pytest.mark.parametrize(
    ("current", "kind"),
    [("1.0.0rc0", "alpha"), ("1.0.0a0", "dev"), ("1.0.0b1.dev2", "alpha"), ("1.post1.dev1", "rc")],
)
def test_a_prerelease_never_goes_backwards(current: str, kind: PrereleaseType) -> None:
    with pytest.raises(VersionNotNewer):
        step(V(current), "prerelease", kind)


@pytest.mark.parametrize("level", ["none", "huge", ""])
def test_what_is_no_level_is_refused(level: str) -> None:
    with pytest.raises(UsageError, match="is not a level"):
        step(V("1.0.0"), level, None)


def test_final_wants_a_prerelease() -> None:
    with pytest.raises(UsageError, match=r"1\.0\.0 is not a pre-release"):
        step(V("1.0.0"), "final", None)


def test_a_kind_goes_only_with_prerelease() -> None:
    with pytest.raises(UsageError, match="--prerelease-type"):
        step(V("1.0.0"), "patch", "alpha")


VERSIONS = st.builds(
    lambda a, b, c, pre: V(f"{a}.{b}.{c}{pre}"),
    *[st.integers(0, 30)] * 3,
    st.sampled_from(["", "a0", "a3", "b1", "rc2", ".dev0", ".dev7"]),
)


@given(VERSIONS, st.sampled_from(["patch", "minor", "major"]))
def test_a_bump_always_goes_up_to_a_final_version(version: Version, level: str) -> None:
    bumped = step(version, level, None)
    assert bumped > version
    assert not bumped.is_unstable()


@given(VERSIONS, st.none() | st.sampled_from(PRERELEASE_TYPES))
def test_a_prerelease_is_newer_and_of_the_kind_asked_for(
    version: Version, kind: PrereleaseType | None
) -> None:
    target = V("31.0.0")
    found = next_prerelease(version, target, kind)
    assert version < found < target
    assert found.stable == target


@pytest.mark.parametrize("text", ["", "one", "1.2.", "v", "1.0-", "../1.0"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidVersion):
        parse_version(text)


@pytest.mark.parametrize("text", ["1.3.0-rc.1", "v1.3.0rc1", "1.3.0.RC1", " 1.3.0rc1 "])
def test_every_spelling_becomes_the_one_of_pep_440(text: str) -> None:
    assert parse_version(text).text == "1.3.0rc1"


def test_kinds_are_named_in_full() -> None:
    assert parse_prerelease_type("rc") == "rc"
    with pytest.raises(UsageError, match="'final'"):
        parse_prerelease_type("final")


@pytest.mark.parametrize(
    ("template", "version", "tag"),
    [
        ("v{version}", "1.3.0rc1", "v1.3.0rc1"),
        ("v{semver}", "1.3.0rc1", "v1.3.0-rc.1"),
        ("{semver}", "1.3.0.dev2", "1.3.0-DEV.2"),
        ("demo-{version}-final", "1.3.0", "demo-1.3.0-final"),
    ],
)
def test_tags_are_written_and_read_again(template: str, version: str, tag: str) -> None:
    assert format_tag(template, V(version)) == tag
    assert version_of_tag(template, tag) == V(version)


def test_both_spellings_are_read_whatever_is_written() -> None:
    assert version_of_tag("v{version}", "v1.3.0-rc.1") == V("1.3.0rc1")
    assert version_of_tag("v{semver}", "v1.3.0rc1") == V("1.3.0rc1")
    assert version_of_tag("v{semver}", "v1.3.0-dev.2") == V("1.3.0.dev2")


@given(VERSIONS, VERSIONS)
def test_the_spelling_of_semver_is_read_again_and_sorts_as_pep_440_does(
    one: Version, other: Version
) -> None:
    first, second = format_tag("{semver}", one), format_tag("{semver}", other)
    assert version_of_tag("{semver}", first) == one
    assert (SemanticVersion.parse(first) < SemanticVersion.parse(second)) == (one < other)


@pytest.mark.parametrize("version", ["1.2.3.4", "1.0.post1", "1!1.0", "1.0+corp", "1.0a1.dev2"])
def test_what_semver_cannot_name_is_not_read_as_something_else(version: str) -> None:
    assert version_of_tag("{semver}", format_tag("{semver}", V(version))) != V(version)


@pytest.mark.parametrize("tag", ["1.0.0", "vv1.0.0", "v", "v1.0.0-final", "version", "v-1", "vx"])
def test_tags_of_other_shapes_are_no_versions(tag: str) -> None:
    assert version_of_tag("v{version}", tag) is None
