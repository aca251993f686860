"""What ``poetry.lock`` pins of the packages that come from private indexes, and which those are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import AegisError, CorruptProject, NotVerified, UnknownRepository
from poetry_aegis.poetry_api.projects import first_line
from poetry_aegis.poetry_api.repositories import PYPI, find_repository
from poetry_aegis.signing.findings import LockedFile, LockedPackage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from poetry.console.commands.command import Command
    from poetry.core.packages.package import Package

    from poetry_aegis.publish.repository import Repository

# Poetry's words for what comes from no index. Whatever else it reads, "legacy" as it writes it, is
# looked for on the index that the lock names.
_FROM_NO_INDEX = frozenset({"directory", "file", "git", "url"})


def read_lock(command: Command) -> tuple[LockedPackage, ...]:
    """Return the packages of the project's lock that come from private indexes.

    Raises `NotVerified` where there is no lock, or one that is not of this ``pyproject.toml`` or
    cannot be read, and `CorruptProject`.
    """
    try:
        locker = command.poetry.locker
    except RuntimeError as error:
        raise CorruptProject(
            f"Poetry cannot load the project: {first_line(error)}", hint="Run: poetry check"
        ) from error
    if not locker.is_locked():
        raise NotVerified(
            "There is no poetry.lock, so nothing is pinned that could be verified.",
            hint="Make it without installing: poetry lock",
        )
    try:
        if not locker.is_fresh():
            raise NotVerified(
                "poetry.lock is not of this pyproject.toml: its dependencies have changed since.",
                hint="Bring it up to date: poetry lock",
            )
        # The object that Poetry installs from, so that both read the same.
        packages = locker.locked_repository().packages
    except NotVerified:
        raise
    except Exception as error:
        raise NotVerified(
            f"poetry.lock cannot be read: {first_line(error)}",
            hint="Make it anew: poetry lock --regenerate",
        ) from error
    found = ((package, _index_of(command, package)) for package in packages)
    return tuple(_locked(package, index) for package, index in found if index is not None)


def sources_of(
    command: Command, packages: Iterable[LockedPackage]
) -> Mapping[str, Repository | AegisError]:
    """Return the indexes that *packages* come from, with Poetry's credentials and certificates.

    For one that the project does not have any more, or whose settings are of no use, the error.
    """
    return {name: _source(command, name) for name in sorted({one.source for one in packages})}


def _source(command: Command, name: str) -> Repository | AegisError:
    try:
        url = getattr(command.poetry.pool.repository(name), "url", None)
    except LookupError:
        url = None
    if not isinstance(url, str):
        return UnknownRepository(
            f"The lock has it from the source {name}, which the project does not have.",
            hint="Make the lock anew: poetry lock",
        )
    try:
        # What a repository of the same name takes uploads at may be somewhere else.
        return replace(find_repository(command, name), index_url=f"{url.rstrip('/')}/")
    except AegisError as error:
        return error


def _index_of(command: Command, package: Package) -> str | None:
    """Return the private index that Poetry installs *package* from, ``None`` for anything else."""
    if package.source_type:
        private = package.source_type not in _FROM_NO_INDEX
        return (package.source_reference or "") if private else None
    pool = command.poetry.pool
    # As Poetry chooses where the lock names no index, and the project does without the public one.
    return None if pool.has_repository(PYPI) else pool.repositories[0].name


def _locked(package: Package, index: str) -> LockedPackage:
    files: list[Mapping[str, Any]] = list(package.files)
    return LockedPackage(
        name=str(package.name),
        version=str(package.version),
        source=index,
        files=tuple(LockedFile(str(file["file"]), str(file["hash"])) for file in files),
    )
