from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from poetry_aegis.registry.options import RetentionRule
from poetry_aegis.registry.store.listing import ListedFile, Listing, timestamp
from poetry_aegis.registry.store.retention import Removal, plan

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = datetime(2026, 5, 1, tzinfo=timezone.utc)


def file(
    version: str, *, days: float = 100, yanked: str | None = None, suffix: str = ".tar.gz"
) -> ListedFile:
    uploaded = timestamp((NOW - timedelta(days=days)).timestamp())
    return ListedFile(f"demo-{version}{suffix}", version, "0" * 64, 10, uploaded, yanked=yanked)


def listing(*files: ListedFile) -> Listing:
    return Listing("demo", tuple(sorted(files, key=lambda file: file.file_name)))


def gone(removals: Iterable[Removal]) -> list[str]:
    return [removal.version for removal in removals]


def test_the_newest_of_each_kind_are_kept_in_the_order_of_pep_440() -> None:
    versions = (
        "1.0",
        "1.9",
        "1.10",
        "1.10.post1",
        "2.0a1",
        "2.0rc1",
        "2.0b2",
        "2.0.dev3",
        "3.dev1",
    )
    rule = RetentionRule(keep_releases=2, keep_pre_releases=1, keep_dev_releases=1)

    removals = plan(listing(*map(file, versions)), [rule], NOW)

    assert gone(removals) == ["2.0b2", "2.0a1", "2.0.dev3", "1.9", "1.0"]
    assert removals[0] == Removal("demo-2.0b2.tar.gz", "2.0b2", 10, "1 newer pre-release is kept")
    assert removals[-1].reason == "2 newer releases are kept"


def test_a_rule_without_a_number_says_nothing_of_a_kind() -> None:
    files = listing(*map(file, ("1.0", "2.0", "3.0a1", "3.0a2")))

    assert plan(files, [RetentionRule()], NOW) == ()
    assert gone(plan(files, [RetentionRule(keep_pre_releases=1)], NOW)) == ["3.0a1"]


def test_a_version_goes_with_all_its_files_when_the_youngest_is_old_enough() -> None:
    rule = RetentionRule(keep_releases=1, older_than=30)
    wheel = "-py3-none-any.whl"

    young = listing(file("2.0"), file("1.0", days=90), file("1.0", days=29, suffix=wheel))
    old = listing(file("2.0"), file("1.0", days=90), file("1.0", days=30, suffix=wheel))

    assert plan(young, [rule], NOW) == ()
    assert gone(plan(old, [rule], NOW)) == ["1.0", "1.0"]


def test_a_time_that_cannot_be_read_is_young() -> None:
    broken = ListedFile("demo-1.0.tar.gz", "1.0", "0" * 64, 10, "once upon a time")

    assert (
        plan(listing(file("2.0"), broken), [RetentionRule(keep_releases=1, older_than=1)], NOW)
        == ()
    )


def test_what_is_yanked_keeps_nothing_else_out() -> None:
    files = listing(file("3.0", yanked=""), file("2.0"), file("1.5", yanked="bad"), file("1.0"))

    removals = plan(files, [RetentionRule(keep_releases=1)], NOW)

    assert gone(removals) == ["1.5", "1.0"]


@pytest.mark.parametrize("projects", [("other",), ("d", "demo-*")])
def test_a_rule_is_of_its_projects(projects: tuple[str, ...]) -> None:
    files = listing(file("1.0"), file("2.0"))

    assert plan(files, [RetentionRule(projects, keep_releases=1)], NOW) == ()
    assert gone(plan(files, [RetentionRule(("de*",), keep_releases=1)], NOW)) == ["1.0"]


@pytest.mark.parametrize("name", ["pre-lib", "Pre_Lib", "pre.lib", "PRE_*", "*_Lib"])
def test_a_rule_protects_a_project_in_any_spelling_of_its_name(name: str) -> None:
    files = replace(listing(file("1.0"), file("2.0")), project="pre-lib")
    strict, mild = RetentionRule(keep_releases=1), RetentionRule((name,), keep_releases=100)

    assert gone(plan(files, [strict], NOW)) == ["1.0"]
    assert plan(files, [strict, mild], NOW) == ()


def test_a_rule_protects_what_another_gives_up() -> None:
    files = listing(*map(file, ("1.0", "2.0", "3.0", "4.0")))
    strict, mild = RetentionRule(keep_releases=1), RetentionRule(("demo",), keep_releases=3)
    of_others = RetentionRule(keep_pre_releases=1)

    assert gone(plan(files, [strict, of_others], NOW)) == ["3.0", "2.0", "1.0"]
    assert gone(plan(files, [strict, mild, of_others], NOW)) == ["1.0"]


def test_nothing_goes_of_a_project_in_quarantine() -> None:
    files = Listing("demo", (file("1.0"), file("2.0")), status="quarantined")

    assert plan(files, [RetentionRule(keep_releases=1)], NOW) == ()


VERSIONS = st.builds(
    "{}.{}{}".format,
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["", ".post1", "a1", "b2", "rc1", ".dev1", "a1.dev2", "+local"]),
)
FILES = st.builds(
    file,
    VERSIONS,
    days=st.integers(0, 60),
    yanked=st.sampled_from([None, None, "", "broken"]),
    suffix=st.sampled_from([".tar.gz", "-py3-none-any.whl"]),
)
RULES = st.builds(
    RetentionRule,
    st.sampled_from([("*",), ("demo",), ("other",)]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 60),
)


def kind(version: Version) -> str:
    return "dev" if version.is_devrelease else "pre" if version.is_prerelease else "release"


@given(st.lists(FILES, unique_by=lambda file: file.file_name), st.lists(RULES, max_size=4))
def test_what_can_be_relied_on(files: list[ListedFile], rules: list[RetentionRule]) -> None:
    before = listing(*files)

    removals = plan(before, rules, NOW)

    after = before.without({removal.file_name for removal in removals})
    assert plan(after, rules, NOW) == ()  # done once, nothing is left to do
    assert sorted(gone(plan(before, rules[::-1], NOW))) == sorted(gone(removals))
    assert not {Version(v) for v in after.versions} & {Version(v) for v in gone(removals)}
    for wanted in ("release", "pre", "dev"):
        of_kind = [file for file in before.files if kind(Version(file.version)) == wanted]
        usable = [file for file in of_kind if file.yanked is None]
        for files_of_kind in (of_kind, usable):
            newest = max((Version(file.version) for file in files_of_kind), default=None)
            assert newest is None or newest in {Version(version) for version in after.versions}
