from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.utils import canonicalize_name
from poetry.core.constraints.version import Version

from poetry_aegis.release.changelog.file import extract
from poetry_aegis.release.changelog.notes import compose
from poetry_aegis.release.history.commits import Change, Commit
from poetry_aegis.release.history.reading import History, Tag
from poetry_aegis.release.packages.constraints import compatible_with
from poetry_aegis.release.packages.graph import Graph, read_graph
from poetry_aegis.release.packages.requirements import Requirement
from poetry_aegis.release.packages.wave import Wave, release_order
from poetry_aegis.release.version.decision import Decision
from poetry_aegis.release.version.numbers import bump
from poetry_aegis.settings import Settings
from tests.support.monorepo import NO_HISTORY, decision
from tests.unit.release.packages.test_graph import package

if TYPE_CHECKING:
    from poetry_aegis.release.packages.workspace import Package


def follow_up(item: Package, target: str) -> Decision:
    """Decide as `decide` does for a package without commits."""
    version = bump(item.version, "patch") if target == "patch" else Version.parse(target)
    return Decision(item.version, version, "patch", NO_HISTORY)


def wave_of(graph: Graph, **versions: str) -> Wave:
    current = {item.name: item.version.text for item in graph.packages}
    decisions = {
        item.name: decision(current[item.name], versions[item.name])
        if item.name in versions
        else None
        for item in graph.packages
    }
    return release_order(graph, decisions, follow_up)


def released(wave: Wave) -> dict[str, str]:
    return {item.package.name: item.decision.version.text for item in wave.releases}


def edits(wave: Wave) -> list[tuple[str, str, str, str]]:
    return [
        (item.package.name, edit.dependency, edit.before, edit.after)
        for item in wave.releases
        for edit in item.edits
    ]


def test_what_still_fits_is_left_alone() -> None:
    graph = read_graph([package("app", "core ^1.0"), package("core")])
    wave = wave_of(graph, core="1.1.0")
    assert released(wave) == {"core": "1.1.0"}
    assert wave.versions["app"].text == "1.0.0"


def test_a_dependency_that_moves_out_takes_its_dependents_along() -> None:
    graph = read_graph([package("app", "core ^1.0"), package("core")])
    wave = wave_of(graph, core="2.0.0")
    assert released(wave) == {"core": "2.0.0", "app": "1.0.1"}
    assert edits(wave) == [("app", "core", "^1.0", "^2.0")]
    core, app = wave.releases
    assert (core.along, app.along) == (False, True)
    assert (core.news, app.news) == ((), ("core 2.0.0",))
    assert {name: version.text for name, version in wave.versions.items()} == {
        "core": "2.0.0",
        "app": "1.0.1",
    }


def test_a_package_with_a_release_of_its_own_only_gets_the_constraint() -> None:
    graph = read_graph([package("app", "core >=1.0,<2.0"), package("core")])
    wave = wave_of(graph, core="2.0.0", app="1.4.0")
    assert released(wave) == {"core": "2.0.0", "app": "1.4.0"}
    assert edits(wave) == [("app", "core", ">=1.0,<2.0", ">=2.0,<3.0")]
    assert not wave.releases[1].along


def test_exact_pins_pull_through_a_whole_chain_and_a_diamond() -> None:
    graph = read_graph(
        [
            package("top", "left ==1.0.0", "right ==1.0.0"),
            package("left", "core ==1.0.0"),
            package("right", "core ==1.0.0"),
            package("core"),
            package("loose", "core"),
        ]
    )
    wave = wave_of(graph, core="1.0.1")
    assert released(wave) == {"core": "1.0.1", "left": "1.0.1", "right": "1.0.1", "top": "1.0.1"}
    assert wave.releases[-1].news == ("left 1.0.1", "right 1.0.1")
    assert [item.package.name for item in wave.releases] == ["core", "left", "right", "top"]


def test_a_patch_within_the_constraint_ends_the_chain() -> None:
    graph = read_graph([package("top", "mid ^1.0"), package("mid", "core ^1.0"), package("core")])
    assert released(wave_of(graph, core="2.0.0")) == {"core": "2.0.0", "mid": "1.0.1"}


def test_any_version_constrains_nothing() -> None:
    graph = read_graph([package("app", "core"), package("core")])
    assert released(wave_of(graph, core="2.0.0")) == {"core": "2.0.0"}


@pytest.mark.parametrize(
    ("current", "core", "after"),
    [("1.0.0", "2.0.0", ">=2.0.0,<3.0.0"), ("0.9.1", "1.0.0", ">=1.0.0,<2.0.0")],
)
def test_a_path_constrains_as_the_build_that_published_it_did(
    current: str, core: str, after: str
) -> None:
    path = Requirement(canonicalize_name("core"), path="../core")
    last = {"app": Version.parse("1.0.0"), "core": Version.parse(current)}
    graph = read_graph([package("app", path), package("core", version=current)])
    wave = wave_of(graph.as_published(last), core=core)
    assert released(wave) == {"core": core, "app": "1.0.1"}
    assert [after for *_, after in edits(wave)] == [after]
    assert after == compatible_with(Version.parse(core))
    assert wave.releases[1].news == (f"core {core}",)
    inside = wave_of(graph.as_published(last), core=f"{current[:-1]}9")
    assert released(inside) == {"core": f"{current[:-1]}9"}


def test_a_first_release_is_shown_as_what_pyproject_says() -> None:
    graph = read_graph([package("core")])
    assert wave_of(graph, core="1.0.0").render() == "core 1.0.0, as pyproject.toml says"


def test_a_version_that_was_raised_by_hand_moves_out_of_what_the_last_release_fitted() -> None:
    graph = read_graph([package("app", "core ^1.0"), package("core", version="2.0.0")])
    last = Tag("core-v1.4.0", Version.parse("1.4.0"), "2024-01-01", "0" * 40)
    raised = Version.parse("2.0.0")
    core = Decision(raised, raised, "none", History(last, (), ()))
    wave = release_order(graph, {"core": core, "app": None}, follow_up)
    assert edits(wave) == [("app", "core", "^1.0", "^2.0")]


def test_a_constraint_that_lagged_behind_before_stays() -> None:
    graph = read_graph([package("app", "core <1.0"), package("core")])
    assert released(wave_of(graph, core="2.0.0")) == {"core": "2.0.0"}


@pytest.mark.parametrize(
    ("current", "expected"),
    [("1.0.0", "1.0.1b0"), ("1.1.0a2", "1.1.0a3"), ("1.1.0rc1", "1.1.0rc2")],
)
def test_what_follows_a_pre_release_is_none_but_a_pre_release(current: str, expected: str) -> None:
    graph = read_graph([package("app", "core ^1.0", version=current), package("core")])
    wave = wave_of(graph, core="2.0.0b1")
    assert released(wave) == {"core": "2.0.0b1", "app": expected}
    assert edits(wave) == [("app", "core", "^1.0", "^2.0.0b1")]


def test_an_extra_that_leads_back_follows_too() -> None:
    plugin = Requirement(canonicalize_name("plugin"), "==1.0.0", optional=True)
    graph = read_graph([package("plugin", "host"), package("host", plugin)])
    wave = wave_of(graph, plugin="1.1.0")
    assert released(wave) == {"host": "1.0.1", "plugin": "1.1.0"}


CHANGELOG = """\
# Changelog

## [Unreleased]

### Added

- By hand.

## [1.0.0] - 2024-01-01

### Added

- x
"""


@pytest.mark.parametrize("text", ["", CHANGELOG])
def test_the_changelog_tells_what_is_required_now_and_what_the_commits_did(text: str) -> None:
    graph = read_graph([package("app", "core ^1.0"), package("core")])
    core, app = wave_of(graph, core="2.0.0", app="1.1.0").releases
    change = Change(Commit("a" * 40, "Ada", "2024-02-02", "fix: y"), "fix", None, "y")

    def released_in(text: str) -> str:
        return compose(
            app.announce(text, "2024-02-02"),
            Settings(),
            version=app.decision.version,
            tag="app-v1.1.0",
            previous=None,
            changes=[change],
            links=None,
            date="2024-02-02",
        )

    once = released_in(text)
    section = extract(once, "1.1.0") or ""
    assert "### Changed\n\n- core 2.0.0\n" in section
    assert "- y" in section
    assert ("- By hand." in section) is bool(text)
    assert released_in(once) == once
    assert core.announce(text, "2024-02-02") == text


def test_nothing_to_release_is_an_empty_wave() -> None:
    graph = read_graph([package("app", "core ^1.0"), package("core")])
    assert wave_of(graph).releases == ()


def test_the_wave_is_shown_as_text_and_as_json() -> None:
    graph = read_graph(
        [package("app", "core ^1.0", "util ^1.0"), package("core"), package("util"), package("z")]
    )
    wave = wave_of(graph, core="2.0.0")
    assert wave.render() == (
        "core 1.0.0 -> 2.0.0 (minor)\n"
        "util 1.0.0\n"
        "z 1.0.0\n"
        "app 1.0.0 -> 1.0.1 (follows its dependencies)\n"
        "├── core ^1.0 -> ^2.0\n"
        "└── util ^1.0"
    )
    assert wave.to_json()["releases"] == [
        {
            "package": "core",
            "current": "1.0.0",
            "version": "2.0.0",
            "bump": "minor",
            "along": False,
            "constraints": [],
        },
        {
            "package": "app",
            "current": "1.0.0",
            "version": "1.0.1",
            "bump": "patch",
            "along": True,
            "constraints": [
                {"dependency": "core", "version": "2.0.0", "before": "^1.0", "after": "^2.0"}
            ],
        },
    ]
