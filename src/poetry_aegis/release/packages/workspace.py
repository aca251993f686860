"""The packages of a repository that holds several.

``[tool.poetry-aegis.packages.NAME]`` names them one by one, ``discover`` by globs; both stand in
the ``pyproject.toml`` at the root, and all paths in them are relative to it.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.utils import InvalidName, canonicalize_name

from poetry_aegis.errors import (
    CorruptProject,
    GitMissing,
    NoRepository,
    NoVersion,
    SettingsError,
    UsageError,
)
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.packages.merging import named, own_part, settings_of, settings_table
from poetry_aegis.release.packages.paths import depth, discover, inside, nested_in, relative
from poetry_aegis.release.packages.requirements import Requirement, read_requirements, table_at
from poetry_aegis.release.pyproject import read_version
from poetry_aegis.release.version.numbers import format_tag, parse_version, version_of_tag
from poetry_aegis.settings import PackageSettings, Settings, load_settings, read_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from packaging.utils import NormalizedName
    from poetry.core.constraints.version import Version

# Versions of every length, to try whether two packages' tags can be told apart.
SAMPLES = tuple(map(parse_version, ("1", "1.0", "1.0.0", "1.0.0rc1")))


@dataclass(frozen=True)
class Package:
    """One package of a repository.

    *name* is what tags and ``--package`` call it, *distribution* what dependencies call it.
    *paths* are where its changes are, relative to the repository and ``()`` for all of it;
    *nested* are other packages' directories under them, whose changes are not its own.
    """

    name: str
    distribution: NormalizedName
    pyproject: Path
    version: Version
    settings: Settings
    paths: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()

    @property
    def root(self) -> Path:
        """The directory of its ``pyproject.toml``."""
        return self.pyproject.parent

    def owns(self, path: str) -> bool:
        """Return whether a change of *path*, relative to the repository, is one of this package.

        The longest of the paths that hold it decides.
        """
        return depth(path, self.paths or ("",)) > depth(path, self.nested)


@dataclass(frozen=True)
class Workspace:
    """The packages that the ``pyproject.toml`` *root* lists, and the one a command is run in."""

    root: Path
    packages: tuple[Package, ...]
    here: Package | None

    def find(self, name: str) -> Package:
        """Return the package that is called *name*, in any spelling. Raises `UsageError`."""
        wanted = canonicalize_name(name)
        for package in self.packages:
            if wanted == canonicalize_name(package.name):
                return package
        for package in self.packages:
            if wanted == package.distribution:
                return package
        raise UsageError(
            f"This repository has no package {name!r}.", hint=f"Its packages are: {self.names}."
        )

    @property
    def names(self) -> str:
        """The names of the packages, for people."""
        return ", ".join(package.name for package in self.packages)


def find_workspace(pyproject: Path, repository_root: Path) -> Workspace | None:
    """Return the packages that the project *pyproject* is one of, ``None`` where it stands alone.

    The nearest ``pyproject.toml`` at or above it, within the repository, whose settings list it
    is the root. Raises `ProjectError`.
    """
    pyproject, top = pyproject.resolve(), repository_root.resolve()
    for directory in pyproject.parents:
        root = directory / "pyproject.toml"
        if root.is_file() and _lists_packages(read_toml(root)):
            packages = find_packages(root, load_settings(root), top)
            here = next((item for item in packages if item.pyproject == pyproject), None)
            if here or root == pyproject:
                return Workspace(root, packages, here)
        if directory == top:
            break
    return None


@dataclass(frozen=True)
class Scope:
    """The project that a command is about: its *settings*, and which paths are its own.

    *owns* is ``None`` where all of the repository is.
    """

    pyproject: Path
    settings: Settings
    owns: Callable[[str], bool] | None = None


def find_scope(pyproject: Path, repository_root: Path, name: str | None = None) -> Scope:
    """Return the scope of the package *name*, or of the one that *pyproject* is.

    Raises `ProjectError`, and `UsageError` where there is no such package, or at a root that lists
    packages and is none.
    """
    workspace = find_workspace(pyproject, repository_root)
    if workspace is None:
        if name is not None:
            raise single_project()
        return Scope(pyproject, named(load_settings(pyproject), label_of(pyproject)))
    package = workspace.find(name) if name else workspace.here
    if package is None:
        raise UsageError(
            "Which of the packages?",
            hint=f"Name it: --package NAME, NAME being one of {workspace.names}.",
        )
    return Scope(package.pyproject, package.settings, package.owns)


def require_one_package(pyproject: Path, command: str) -> None:
    """Raise `UsageError` at a root that lists packages and is none, for *command*, run in one.

    Raises `ProjectError` where such a root cannot be read.
    """
    document = read_toml(pyproject)
    # Of a root that is a package the others do not matter here.
    if _is_package(document, versioned=True) or not _lists_packages(document):
        return
    workspace = find_workspace(pyproject, repository_root(pyproject))
    if workspace is None or workspace.here or not workspace.packages:
        return
    places = [_from_shell(package.root) for package in workspace.packages]
    raise UsageError(
        "Which of the packages?",
        hint=f"Go into one of: {', '.join(places)}. "
        f"Or name it: poetry -C {shlex.quote(places[0])} aegis {command}",
    )


def _from_shell(directory: Path) -> str:
    """Return *directory* as it can be written in the shell that the command was started from."""
    here = Path.cwd()
    # ``poetry -C`` changes the directory of this process; where the shell is, only PWD tells.
    return (
        os.path.relpath(directory, here) if os.environ.get("PWD") == str(here) else str(directory)
    )


def find_lintable(pyproject: Path, repository_root: Path) -> tuple[Settings, tuple[Package, ...]]:
    """Return whose rules commits follow, and the packages they belong to, ``()`` for a project.

    At a root that lists packages and is none that is each of them. Raises `ProjectError`.
    """
    workspace = find_workspace(pyproject, repository_root)
    if workspace is None:
        return find_scope(pyproject, repository_root).settings, ()
    if workspace.here is None:
        return load_settings(workspace.root), workspace.packages
    return workspace.here.settings, (workspace.here,)


def repository_root(pyproject: Path) -> Path:
    """Return the top of the repository around *pyproject*; its directory where there is none."""
    try:
        return GitRepository.around(pyproject.parent).root
    except (GitMissing, NoRepository):
        return pyproject.parent


def single_project() -> UsageError:
    """Return the error for a package asked for in a repository that lists none."""
    return UsageError(
        "--all and --package go with a repository of several packages.",
        hint="List them in [tool.poetry-aegis.packages], or let discover find them.",
    )


def label_of(pyproject: Path) -> str:
    """Return the name of the project; one that Poetry does not build is called as its directory."""
    (name,) = _poetry_or_project(read_toml(pyproject), "name")
    return name if isinstance(name, str) and name else pyproject.resolve().parent.name


def alone(pyproject: Path, settings: Settings) -> Package:
    """Return the one package of a repository that lists none. Raises `ProjectError`."""
    pyproject = pyproject.resolve()
    label = label_of(pyproject)
    return Package(
        name=label,
        distribution=canonicalize_name(label),
        pyproject=pyproject,
        version=parse_version(read_version(pyproject)),
        settings=named(settings, label),
    )


def find_packages(
    root_pyproject: Path, settings: Settings, repository_root: Path
) -> tuple[Package, ...]:
    """Return the packages that *settings*, those of *root_pyproject*, list; ``()`` for none.

    The root is one itself where Poetry would build it: its ``package-mode`` is not false, and it
    has a name and a version. Raises `SettingsError` where two of them could be taken for each
    other, and `ProjectError` for a package that cannot be read.
    """
    if not settings.packages and not settings.discover:
        return ()
    root, top = root_pyproject.resolve(), repository_root.resolve()
    root_document = read_toml(root)
    root_table = settings_table(root_document)
    packages = []
    for directory, name, entry in _entries(root, root_document, settings, top):
        pyproject = directory / "pyproject.toml"
        document = root_document if pyproject == root else read_toml(pyproject)
        own = settings_table(document) if pyproject != root else own_part(root_table)
        if name or _is_package(document):
            paths = _paths_of(entry, root, top)
            resolved = settings_of(pyproject, own, entry, root, root_table)
            packages.append(_read_package(pyproject, document, name, resolved, paths))
    _require_distinct(packages)
    directories = [relative(package.root, top) for package in packages]
    return tuple(replace(item, nested=nested_in(item.paths, directories)) for item in packages)


def _entries(
    root: Path, root_document: Mapping[str, Any], settings: Settings, top: Path
) -> Iterator[tuple[Path, str, PackageSettings]]:
    """Return each package's directory, the name that the settings give it, and its entry."""
    listed = {}
    for name, entry in settings.packages.items():
        directory = inside(root.parent, entry.path, top)
        if directory in listed:
            raise SettingsError(f"Two packages have the path {entry.path!r}.")
        listed[directory] = name
    if root.parent not in listed and _is_package(root_document, versioned=True):
        own = PackageSettings(".", tag_format=settings.tag_format, changelog=settings.changelog)
        yield root.parent, "", own
    for directory, name in listed.items():
        yield directory, _require_name(name), settings.packages[name]
    for directory in discover(root.parent, settings.discover):
        if directory not in listed and directory != root.parent:
            yield directory, "", PackageSettings(directory.relative_to(root.parent).as_posix())


def _read_package(
    pyproject: Path,
    document: Mapping[str, Any],
    name: str,
    settings: Settings,
    paths: tuple[str, ...],
) -> Package:
    distribution, version = _poetry_or_project(document, "name", "version")
    if not isinstance(distribution, str):
        raise CorruptProject(
            f"{pyproject} names no package.", hint='Add name = "..." to its [project] table.'
        )
    if not isinstance(version, str):
        raise NoVersion(
            f"{pyproject} names no version.", hint='Add version = "0.1.0" to its [project] table.'
        )
    normalized = canonicalize_name(distribution)
    name = name or normalized
    return Package(
        name=name,
        distribution=normalized,
        pyproject=pyproject,
        version=parse_version(version),
        settings=named(settings, name),
        paths=paths,
        requirements=read_requirements(document),
    )


def _paths_of(entry: PackageSettings, root: Path, top: Path) -> tuple[str, ...]:
    paths = entry.paths or (entry.path,)
    found = tuple(relative(inside(root.parent, path, top), top) for path in paths)
    return () if "" in found else found


def _is_package(document: Mapping[str, Any], *, versioned: bool = False) -> bool:
    """Return whether Poetry would take the project for a package: a root is often none."""
    keys = ("name", "version") if versioned else ("name",)
    mode = table_at(document, "tool", "poetry").get("package-mode")
    return mode is not False and None not in _poetry_or_project(document, *keys)


def _lists_packages(document: Mapping[str, Any]) -> bool:
    return bool(settings_table(document).keys() & {"packages", "discover"})


def _poetry_or_project(document: Mapping[str, Any], *keys: str) -> list[object]:
    project, poetry = table_at(document, "project"), table_at(document, "tool", "poetry")
    return [project.get(key, poetry.get(key)) for key in keys]


# Names


def _require_name(name: str) -> str:
    """Return *name*. Raises `SettingsError` for one that no distribution, or no tag, could have."""
    try:
        canonicalize_name(name, validate=True)
    except InvalidName:
        valid = False
    else:
        valid = ".." not in name
    if not valid:
        raise SettingsError(
            f"{name!r} in [tool.poetry-aegis.packages] cannot name a package.",
            hint="A name is made of letters, digits, '-', '_' and '.'.",
        )
    return name


def _require_distinct(packages: Sequence[Package]) -> None:
    """Raise `SettingsError` where a name or a tag could mean either of two *packages*."""
    for one, other in combinations(packages, 2):
        if canonicalize_name(one.name) == canonicalize_name(other.name):
            raise SettingsError(f"Two packages are called {one.name}.")
        if one.distribution == other.distribution:
            raise SettingsError(
                f"The packages {one.name} and {other.name} are both {one.distribution} in "
                "their pyproject.toml."
            )
    for one in packages:
        tags = [format_tag(one.settings.tag_format, version) for version in SAMPLES]
        for other, tag in product(packages, tags):
            if other is not one and version_of_tag(other.settings.tag_format, tag) is not None:
                raise SettingsError(
                    f"The tag {tag} of {one.name} could be one of {other.name}.",
                    hint='Tell them apart with tag_format = "{name}-v{version}".',
                )
