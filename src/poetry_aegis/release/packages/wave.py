"""Several packages released together: those that changed, and those that have to follow.

A package whose dependency moves out of its constraint is released with it, so that what stands on
the index, and in the repository, fits together at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.release.packages.constraints import (
    ConstraintEdit,
    admits,
    compatible_with,
    follow,
)
from poetry_aegis.release.packages.release import PackageRelease
from poetry_aegis.release.version.numbers import bump, kind_of, next_prerelease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.packages.graph import Graph, Need
    from poetry_aegis.release.packages.workspace import Package
    from poetry_aegis.release.version.decision import Decision


@dataclass(frozen=True)
class Wave:
    """What is released of a repository at once, dependencies first."""

    graph: Graph
    releases: tuple[PackageRelease, ...]

    @property
    def versions(self) -> dict[str, Version]:
        """Every package's version after the wave, by its distribution's name.

        What is not released keeps the version that its ``pyproject.toml`` says.
        """
        new = {release.package.name: release.decision.version for release in self.releases}
        return {item.distribution: new.get(item.name, item.version) for item in self.graph.packages}

    def to_json(self) -> dict[str, object]:
        """Return the wave, with the graph, as ``--json`` prints it."""
        releases = [release.to_json() for release in self.releases]
        return {**self.graph.to_json(), "releases": releases}

    def render(self) -> str:
        """Return the graph as lines of text: each package, what becomes of it, what it needs."""
        releases = {release.package.name: release for release in self.releases}
        lines: list[str] = []
        for package in self.graph.packages:
            release = releases.get(package.name)
            lines.append(f"{package.name} {_describe(package, release)}")
            needs = [_describe_need(need, release) for need in self.graph.needs_of(package.name)]
            lines += [f"├── {line}" for line in needs[:-1]] + [f"└── {line}" for line in needs[-1:]]
        return "\n".join(lines)


def release_order(
    graph: Graph,
    decisions: Mapping[str, Decision | None],
    follow_up: Callable[[Package, str], Decision],
) -> Wave:
    """Return the wave that *decisions*, by the packages' names, set off.

    A package that has no decision of its own and a dependency that moves out of its constraint is
    decided by ``follow_up(package, target)``, *target* being ``patch``, or the version of a
    pre-release where the dependency is one: a final version never waits for what is not final.
    """
    released = {name: decision for name, decision in decisions.items() if decision}
    waiting = [package for package in graph.packages if package.name not in released]
    along: set[str] = set()
    # Again until nothing follows any more: an extra may need a package that comes later.
    while followers := _followers(graph, waiting, released):
        for package, cause in followers:
            released[package.name] = follow_up(package, _target(package, cause))
            along.add(package.name)
            waiting.remove(package)
    return Wave(
        graph,
        tuple(
            PackageRelease(
                package,
                released[package.name],
                tuple(_edits(graph, package, released)),
                along=package.name in along,
            )
            for package in graph.packages
            if package.name in released
        ),
    )


def _followers(
    graph: Graph, waiting: Sequence[Package], released: Mapping[str, Decision]
) -> list[tuple[Package, Version]]:
    """Return those of *waiting* that must follow, each with the newest version it must follow."""
    edits = ((package, list(_edits(graph, package, released))) for package in waiting)
    return [(package, max(edit.version for edit in found)) for package, found in edits if found]


def _edits(
    graph: Graph, package: Package, released: Mapping[str, Decision]
) -> Iterator[ConstraintEdit]:
    """Return how the constraints of *package* follow what is *released*.

    One that did not admit the version before either was meant to lag behind, and stays.
    """
    for need in graph.needs_of(package.name):
        decision = released.get(need.dependency)
        if decision is None or need.constraint is None:
            continue
        dependency = graph.package(need.dependency)
        if _moves_out(need.constraint, dependency, decision):
            version = decision.version
            # What a build puts in the place of a path is not written anywhere to be kept alike.
            after = compatible_with(version) if need.by_path else follow(need.constraint, version)
            yield ConstraintEdit(
                dependency.name, dependency.distribution, version, need.constraint, after
            )


def _moves_out(constraint: str, package: Package, decision: Decision) -> bool:
    since = decision.history.since
    # pyproject.toml may be ahead of the last release: its version may have been raised by hand.
    before = [package.version, *([since.version] if since else [])]
    fitted = any(admits(constraint, version) for version in before)
    return fitted and not admits(constraint, decision.version)


def _target(package: Package, cause: Version) -> str:
    if not cause.is_unstable():
        return "patch"
    current = package.version
    if current.is_unstable():
        return next_prerelease(current, current.stable, None).text
    return next_prerelease(current, bump(current, "patch"), kind_of(cause)).text


def _describe(package: Package, release: PackageRelease | None) -> str:
    if release is None:
        return package.version.text
    current, version = release.decision.current.text, release.decision.version.text
    if current == version:
        return f"{version}, as pyproject.toml says"
    why = "follows its dependencies" if release.along else release.decision.bump
    return f"{current} -> {version} ({why})"


def _describe_need(need: Need, release: PackageRelease | None) -> str:
    if need.constraint is None:
        return f"{need.dependency} (any version)"
    described = f"{need.dependency} {need.constraint}"
    for edit in release.edits if release else ():
        if (edit.dependency, edit.before) == (need.dependency, need.constraint):
            return f"{described} -> {edit.after}"
    return described
