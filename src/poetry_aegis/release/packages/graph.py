"""Which package of a repository needs which other, and the order to release them in.

Only what is published counts: a dependency group is nobody's business but the developers'.
`wave` builds on it what a release of several packages is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from poetry_aegis.errors import ReleaseError
from poetry_aegis.release.packages.constraints import compatible_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.packages.workspace import Package


@dataclass(frozen=True)
class Need:
    """*package* requires *dependency*, both being names of packages in this repository.

    *constraint* is as written, ``None`` for any version. With *by_path* only a path is written: a
    build puts a constraint in its place, which `Graph.as_published` knows.
    """

    package: str
    dependency: str
    constraint: str | None
    optional: bool = False
    by_path: bool = False

    def to_json(self) -> dict[str, object]:
        """Return the need as ``--json`` prints it."""
        return {
            "package": self.package,
            "dependency": self.dependency,
            "constraint": self.constraint,
            "optional": self.optional,
        }


@dataclass(frozen=True)
class Graph:
    """The packages of a repository, what comes first being needed by what comes later."""

    packages: tuple[Package, ...]
    needs: tuple[Need, ...]

    def package(self, name: str) -> Package:
        """Return the package *name*."""
        return next(package for package in self.packages if package.name == name)

    def needs_of(self, name: str) -> tuple[Need, ...]:
        """Return what the package *name* requires of the others."""
        return tuple(need for need in self.needs if need.package == name)

    def as_published(self, released: Mapping[str, Version | None]) -> Graph:
        """Return the graph with the constraints that builds put in the place of paths.

        *released* are the packages' last versions, by their names. What was never released has
        published no constraint that something could move out of.
        """

        def publish(need: Need) -> Need:
            if not need.by_path or released.get(need.package) is None:
                return need
            version = released.get(need.dependency) or self.package(need.dependency).version
            return replace(need, constraint=compatible_with(version))

        return replace(self, needs=tuple(publish(need) for need in self.needs))

    def to_json(self) -> dict[str, object]:
        """Return the graph as ``--json`` prints it."""
        return {
            "packages": [
                {
                    "name": package.name,
                    "version": package.version.text,
                    "paths": list(package.paths),
                }
                for package in self.packages
            ],
            "needs": [need.to_json() for need in self.needs],
        }


def read_graph(packages: Sequence[Package]) -> Graph:
    """Return the graph of *packages*. Raises `ReleaseError` for a cycle, naming its packages."""
    needs = tuple(need for package in packages for need in _needs_of(package, packages))
    return Graph(_sort(packages, needs), needs)


def _needs_of(package: Package, packages: Sequence[Package]) -> Iterable[Need]:
    names = {other.distribution: other.name for other in packages}
    found = (
        Need(
            package.name,
            names[item.name],
            item.constraint,
            item.optional,
            by_path=item.path is not None and item.constraint is None,
        )
        for item in package.requirements
        # A package may require itself: the extra "all" is often written so.
        if item.published and item.name in names and item.name != package.distribution
    )
    # Poetry's table may only say where to develop against what the project requires already.
    needs = _without_vaguer(list(dict.fromkeys(found)), lambda need: not need.by_path)
    return _without_vaguer(needs, lambda need: need.constraint is not None)


def _without_vaguer(needs: Sequence[Need], is_clear: Callable[[Need], bool]) -> list[Need]:
    """Return *needs* without those that are not clear about a dependency where another one is."""
    clear = {need.dependency for need in needs if is_clear(need)}
    return [need for need in needs if is_clear(need) or need.dependency not in clear]


def _sort(packages: Sequence[Package], needs: Sequence[Need]) -> tuple[Package, ...]:
    """Return *packages* with dependencies first, otherwise in the order they came in.

    An extra may lead back (a plugin that its host offers as an extra); it gives way then.
    """
    required = [need for need in needs if not need.optional]
    try:
        return _sort_by(packages, needs)
    except CycleError:
        pass
    try:
        return _sort_by(packages, required)
    except CycleError as error:
        raise ReleaseError(
            f"The packages need each other in a circle: {' -> '.join(error.args[1][::-1])}.",
            hint="Break the circle: move what they share into a package of its own, or make one "
            "of the dependencies optional.",
        ) from None


def _sort_by(packages: Sequence[Package], needs: Sequence[Need]) -> tuple[Package, ...]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for package in packages:
        sorter.add(package.name, *(n.dependency for n in needs if n.package == package.name))
    sorter.prepare()
    ordered: list[Package] = []
    while sorter.is_active():
        ready = set(sorter.get_ready())
        ordered += [package for package in packages if package.name in ready]
        sorter.done(*ready)
    return tuple(ordered)
