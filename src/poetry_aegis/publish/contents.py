"""What is on an index that has the API of a poetry-aegis server, and how a person names it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from poetry_aegis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

# What parsing raises for a document of another shape.
WRONG_SHAPE = (KeyError, TypeError, AttributeError, ValueError, RecursionError)

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class Release:
    """A project, or one version of it, as a person names it: ``NAME`` or ``NAME==VERSION``."""

    project: str
    version: Version | None

    def __str__(self) -> str:
        return self.project if self.version is None else f"{self.project} {self.version}"


@dataclass(frozen=True)
class FileOnIndex:
    """A file of a version. *size* is in bytes; *yanked* is the reason, ``None`` where it is not."""

    name: str
    size: int
    uploaded: str
    yanked: str | None


@dataclass(frozen=True)
class VersionOnIndex:
    """A version with its files; it is yanked where each of them is."""

    version: str
    yanked: bool
    files: tuple[FileOnIndex, ...]


@dataclass(frozen=True)
class ProjectOnIndex:
    """A project with its versions, oldest first. *document* is all that the index tells of it."""

    name: str
    status: str
    reason: str | None
    versions: tuple[VersionOnIndex, ...]
    document: Mapping[str, Any]

    def find(self, version: Version) -> VersionOnIndex | None:
        """Return the version, however it is spelled (PEP 440)."""
        return next((one for one in self.versions if Version(one.version) == version), None)

    @property
    def files(self) -> tuple[FileOnIndex, ...]:
        """The files of all versions."""
        return tuple(file for version in self.versions for file in version.files)


@dataclass(frozen=True)
class Outcome:
    """The *files* that were meant, and those that are different now."""

    files: tuple[str, ...]
    changed: tuple[str, ...]


def parse_release(text: str) -> Release:
    """Return what ``NAME`` or ``NAME==VERSION`` names. Raises `UsageError`."""
    name, separator, version = (part.strip() for part in text.partition("=="))
    try:
        if _NAME.fullmatch(name):
            return Release(canonicalize_name(name), Version(version) if separator else None)
        wrong = f"{name!r} is not a project's name"
    except InvalidVersion:
        wrong = f"{version!r} is not a version (PEP 440)"
    raise UsageError(f"{wrong}.", hint="Name a release so: NAME==VERSION")


def parse_project(document: Mapping[str, Any]) -> ProjectOnIndex:
    """Return what the API tells of a project. Raises one of `WRONG_SHAPE`."""
    return ProjectOnIndex(
        name=_line(document["name"]),
        status=_line(document["status"]),
        reason=None if document["reason"] is None else _line(document["reason"]),
        versions=tuple(
            VersionOnIndex(
                version=str(Version(version["version"])),
                yanked=version["yanked"] is True,
                files=tuple(_file(file) for file in version["files"]),
            )
            for version in document["versions"]
        ),
        document=document,
    )


def parse_outcome(document: Mapping[str, Any]) -> Outcome:
    """Return what the API tells of a change. Raises one of `WRONG_SHAPE`."""
    return Outcome(_lines(document["files"]), _lines(document["changed"]))


def _file(file: Mapping[str, Any]) -> FileOnIndex:
    return FileOnIndex(
        name=_line(file["file_name"]),
        size=int(file["size"]),
        uploaded=_line(file["upload_time"]),
        yanked=_line(file["reason"] or "") if file["yanked"] else None,
    )


def _lines(values: list[object]) -> tuple[str, ...]:
    return tuple(_line(value) for value in values)


def _line(value: object) -> str:
    """Return a string of the server's without what could steer a terminal."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return "".join(character if character.isprintable() else " " for character in value)
