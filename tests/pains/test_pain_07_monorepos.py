"""Monorepos: several packages in one repository, each with its own version, tag and changes.

Elsewhere all packages share one version or one history, a change in one bumps the others, or a
dependent is published that the new version of its dependency does not fit.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.packages.constraints import with_edits
from poetry_aegis.release.packages.graph import read_graph
from poetry_aegis.release.packages.histories import read_package_histories
from poetry_aegis.release.packages.wave import Wave, release_order
from poetry_aegis.release.version.decision import Decision, Wish, decide
from tests.support.monorepo import Member, make_monorepo, packages_in

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.release.packages.workspace import Package
    from tests.support.git import GitProject

ROOT = '[tool.poetry-aegis]\ndiscover = ["libs/*", "libs/core/plugins/*"]\n'
MEMBERS = (
    Member("libs/app", "app", ("core (>=1.0,<2.0)",)),
    Member("libs/core", "core"),
    Member("libs/core/plugins/fast", "core-fast", ("core ==1.0.0",), version="0.4.0"),
    Member("libs/tool", "tool", ("app >=1.0,<2.0",), version="3.0.0"),
)
TAGS = ("app-v1.0.0", "core-v1.0.0", "core-fast-v0.4.0", "tool-v3.0.0")


def released(tmp_path: Path) -> GitProject:
    repository = make_monorepo(tmp_path / "repo", ROOT, *MEMBERS)
    for tag in TAGS:
        repository.tag(tag)
    return repository


def next_wave(repository: GitProject) -> Wave:
    packages = packages_in(repository)
    histories = read_package_histories(GitRepository(repository.root), packages)

    def choose(package: Package, target: str) -> Decision | None:
        return decide(
            histories.tags[package.name],
            partial(histories.read, package),
            package.settings,
            package.version,
            Wish(target),
        )

    def follow_up(package: Package, target: str) -> Decision:
        decision = choose(package, target)
        assert decision is not None
        return decision

    decisions = {package.name: choose(package, "auto") for package in packages}
    return release_order(read_graph(packages), decisions, follow_up)


def versions(wave: Wave) -> dict[str, str]:
    return {item.package.name: item.decision.version.text for item in wave.releases}


def test_a_change_in_one_package_releases_that_package_alone(tmp_path: Path) -> None:
    repository = released(tmp_path)
    repository.commit("feat: a new tool", **{"libs/tool/x.py": "1"})
    repository.commit("fix: nobody's", **{"README.md": "1"})
    assert versions(next_wave(repository)) == {"tool": "3.1.0"}


def test_a_change_in_a_nested_package_is_none_of_the_one_around_it(tmp_path: Path) -> None:
    repository = released(tmp_path)
    repository.commit("feat: faster", **{"libs/core/plugins/fast/x.py": "1"})
    assert versions(next_wave(repository)) == {"core-fast": "0.5.0"}


def test_a_commit_across_packages_counts_for_each_of_them(tmp_path: Path) -> None:
    repository = released(tmp_path)
    repository.commit("fix: both", **{"libs/core/x.py": "1", "libs/tool/x.py": "1"})
    wave = next_wave(repository)
    assert versions(wave) == {"core": "1.0.1", "core-fast": "0.4.1", "tool": "3.0.1"}


def test_what_no_longer_fits_is_released_with_it_and_fits_again(tmp_path: Path) -> None:
    repository = released(tmp_path)
    repository.commit("feat!: another core", **{"libs/core/x.py": "1"})
    wave = next_wave(repository)
    assert versions(wave) == {"core": "2.0.0", "app": "1.0.1", "core-fast": "0.4.1"}
    changed = {
        item.package.name: with_edits(item.package.pyproject.read_bytes(), item.edits).decode()
        for item in wave.releases
    }
    assert "'core (>=2.0,<3.0)'," in changed["app"]
    assert "'core (==2.0.0)'," in changed["core-fast"]
    assert [item.news for item in wave.releases] == [(), ("core 2.0.0",), ("core 2.0.0",)]


def test_dependencies_are_released_first(tmp_path: Path) -> None:
    repository = released(tmp_path)
    files = {f"libs/{name}/y.py": "1" for name in ("app", "core", "tool")}
    repository.commit("feat: everywhere", **files)
    names = [item.package.name for item in next_wave(repository).releases]
    assert names.index("core") < names.index("app") < names.index("tool")
