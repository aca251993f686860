"""Where the project declares that its dependencies come from, compared with where a lock has them.

Read from Poetry's own objects, so that every way of declaring counts: ``[project]``, dependency
groups, ``[tool.poetry]``. A lock can be edited to take a package from anywhere, with hashes that
fit, and Poetry installs it from there. What ``pyproject.toml`` says was reviewed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.errors import CorruptProject
from poetry_aegis.poetry_api.places import PATHS, is_from, resolved, same_url, shown
from poetry_aegis.poetry_api.projects import first_line
from poetry_aegis.poetry_api.repositories import PYPI
from poetry_aegis.signing.findings import ALTERED, UNAVAILABLE, UNVERIFIABLE, Objection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from poetry.console.commands.command import Command
    from poetry.core.packages.dependency import Dependency
    from poetry.core.packages.package import Package
    from poetry.core.packages.specification import PackageSpecification
    from poetry.repositories.repository_pool import RepositoryPool


@dataclass(frozen=True)
class Declarations:
    """The dependencies of the project in *root*, by name, and the indexes in *pool*.

    *inherited* are those that its path dependencies declare, and theirs.
    """

    root: Path
    pool: RepositoryPool
    own: Mapping[str, Sequence[Dependency]]
    inherited: Mapping[str, Sequence[Dependency]]

    def origin(self, package: PackageSpecification, index: str | None) -> str:
        """Return in words where *package* comes from: the *index* of that name, or a place."""
        if index is not None:
            return self._index(index, package.source_url)
        place = package.source_url or ""
        if package.source_type in PATHS:
            return f"the {package.source_type} {self._relative(place)}"
        return f"{'git' if package.source_type == 'git' else 'the URL'} {shown(place)}"

    def objection(self, package: Package, index: str | None) -> Objection | None:
        """Return what is wrong with where a lock has *package*: on the *index*, or on none."""
        if index is None:
            return self._of_direct(package)
        wanted = self._wanted(package.name)
        if wanted and not _is_among(index, wanted):
            return Objection(
                ALTERED,
                f"The lock has it from {self.origin(package, index)}; "
                f"the project wants it from {self._places(wanted)}.",
            )
        return self._of_index(package, index)

    def _of_direct(self, package: Package) -> Objection | None:
        """Return what is wrong with a *package* that comes from no index."""
        declared = (*self.own.get(package.name, ()), *self.inherited.get(package.name, ()))
        if any(is_from(package, one) for one in declared):
            return None
        wanted = self._wanted(package.name)
        instead = f": it wants it from {self._places(wanted)}" if wanted else ""
        return Objection(
            UNVERIFIABLE,
            f"It comes from {self.origin(package, None)}, which this project does not declare"
            f"{instead}.",
        )

    def _of_index(self, package: Package, index: str) -> Objection | None:
        """Return what is wrong with the *index* that *package* comes from."""
        if not self.pool.has_repository(index):
            name = f"source {index}" if index else "source without a name"
            return Objection(
                UNAVAILABLE, f"The lock has it from the {name}, which the project does not have."
            )
        url = self._url(index)
        # Poetry goes by the name; whatever else reads the lock, by the address.
        if index.lower() == PYPI or not package.source_url or url is None:
            return None
        if same_url(package.source_url, url):
            return None
        return Objection(
            ALTERED,
            f"The lock has it from {self.origin(package, index)}; "
            f"the project has that source at {shown(url)}.",
        )

    def _wanted(self, name: str) -> Sequence[Dependency]:
        """Return the declarations that leave only their own places for *name*, if there are any.

        A package may be declared for several environments, with a place for some of them. In those
        that are left, any index will do.
        """
        declared = self.own.get(name, ())
        placed = [one for one in declared if _has_place(one)]
        left = any(_is_left(one, placed) for one in declared if not _has_place(one))
        return () if left else placed

    def _places(self, wanted: Sequence[Dependency]) -> str:
        return " or ".join(dict.fromkeys(self._place(one) for one in wanted))

    def _place(self, dependency: Dependency) -> str:
        index = dependency.source_name
        return self._index(index, self._url(index)) if index else self.origin(dependency, None)

    def _index(self, name: str, url: str | None) -> str:
        if name.lower() == PYPI:
            return "the public index"
        return f"the source {name} ({shown(url)})" if url else f"the source {name}"

    def _url(self, index: str) -> str | None:
        if not self.pool.has_repository(index):
            return None
        url = getattr(self.pool.repository(index), "url", None)
        return url if isinstance(url, str) else None

    def _relative(self, path: str) -> str:
        """Return *path* as people write it in ``pyproject.toml``, if it is near the project."""
        import os

        try:
            return Path(os.path.relpath(resolved(path), self.root)).as_posix()
        except ValueError:  # It is on another drive.
            return path


def read_declarations(command: Command) -> Declarations:
    """Return what the project declares. Raises `CorruptProject`."""
    try:
        poetry = command.poetry
        required = poetry.package.all_requires
        pool = poetry.pool
    except (RuntimeError, ValueError) as error:
        raise CorruptProject(
            f"Poetry cannot read the project's dependencies: {first_line(error)}",
            hint="Run: poetry check",
        ) from error
    inherited = _by_name(_inherited(required))
    return Declarations(poetry.pyproject_path.parent.resolve(), pool, _by_name(required), inherited)


def _inherited(required: Sequence[Dependency]) -> Iterator[Dependency]:
    """Yield what comes from no index of the directories among *required*, and of theirs."""
    waiting, seen = list(required), set()
    while waiting:
        one = waiting.pop()
        directory = resolved(one.source_url or "")
        if one.source_type != "directory" or directory in seen:
            continue
        seen.add(directory)
        found = [below for below in _requires_of(directory) if below.is_direct_origin()]
        yield from found
        waiting += found


def _requires_of(directory: Path) -> Sequence[Dependency]:
    """Return what the project in *directory* requires, read as Poetry reads it when it locks.

    Nothing where that would take a build: code that nobody has verified is not to run.
    """
    from poetry.core.factory import Factory

    if not (directory / "pyproject.toml").is_file():
        return ()
    try:
        return Factory().create_poetry(directory, with_groups=False).package.requires
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it declares nothing then
        return ()


def _by_name(
    dependencies: Iterator[Dependency] | Sequence[Dependency],
) -> Mapping[str, list[Dependency]]:
    found: dict[str, list[Dependency]] = defaultdict(list)
    for one in dependencies:
        found[one.name].append(one)
    return found


def _has_place(dependency: Dependency) -> bool:
    return bool(dependency.source_name) or dependency.is_direct_origin()


def _is_among(index: str, wanted: Sequence[Dependency]) -> bool:
    return index.lower() in {one.source_name.lower() for one in wanted if one.source_name}


def _is_left(dependency: Dependency, placed: Sequence[Dependency]) -> bool:
    """Tell whether there are environments that *dependency* is for, and none of *placed*."""
    rest = dependency.marker
    for one in placed:
        if not one.in_extras:  # An extra may be left out in any environment.
            rest = rest.intersect(one.marker.invert())
    return not rest.is_empty()
