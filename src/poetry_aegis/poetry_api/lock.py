"""What ``poetry.lock`` pins of packages, and the private indexes that they come from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import AegisError, CorruptProject, NotVerified, UnknownRepository
from poetry_aegis.poetry_api.declarations import read_declarations
from poetry_aegis.poetry_api.projects import first_line
from poetry_aegis.poetry_api.repositories import PYPI, find_repository
from poetry_aegis.signing.findings import LockedFile, LockedPackage, Objection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from poetry.console.commands.command import Command
    from poetry.core.packages.package import Package

    from poetry_aegis.publish.repository import Repository

# Poetry's words for what comes from no index. Whatever else it reads, "legacy" as it writes it, is
# looked for on the index that the lock names.
_FROM_NO_INDEX = frozenset({"directory", "file", "git", "url"})


def read_lock(command: Command, *, whole: bool = False) -> tuple[LockedPackage, ...]:
    """Return the packages of the project's lock that come from private indexes.

    With *whole*, also those from elsewhere, and what is wrong with where each comes from. Raises
    `NotVerified` where there is no lock, or one that is not of this ``pyproject.toml`` or cannot be
    read, and `CorruptProject`.
    """
    placed = [(package, _index_of(command, package)) for package in _read(command)]
    if not whole:
        return tuple(_locked(one, index) for one, index in placed if _is_private(index))
    declared = read_declarations(command)
    return tuple(
        _locked(one, index, declared.origin(one, index), declared.objection(one, index))
        for one, index in placed
    )


def _is_private(index: str | None) -> bool:
    """Tell whether *index* is the name of an index, and not of the public one."""
    return index is not None and index.lower() != PYPI


def _read(command: Command) -> Sequence[Package]:
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
        return locker.locked_repository().packages
    except NotVerified:
        raise
    except Exception as error:
        raise NotVerified(
            f"poetry.lock cannot be read: {first_line(error)}",
            hint="Make it anew: poetry lock --regenerate",
        ) from error


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
    """Return the index that Poetry installs *package* from, ``None`` if it comes from none."""
    if package.source_type:
        from_none = package.source_type in _FROM_NO_INDEX
        return None if from_none else package.source_reference or ""
    pool = command.poetry.pool
    # As Poetry chooses where the lock names no index, and the project does without the public one.
    return PYPI if pool.has_repository(PYPI) else pool.repositories[0].name


def _locked(
    package: Package, index: str | None, origin: str = "", objection: Objection | None = None
) -> LockedPackage:
    files: list[Mapping[str, Any]] = list(package.files)
    return LockedPackage(
        name=str(package.name),
        version=str(package.version),
        source=index if index is not None and _is_private(index) else "",
        files=tuple(LockedFile(str(file["file"]), str(file["hash"])) for file in files),
        origin=origin,
        objection=objection,
        is_local=package.source_type == "directory" and objection is None,
    )
