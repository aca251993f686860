"""What the API takes and tells: the schemas of its requests, and a project's record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.store.listing import ProjectStatus  # noqa: TC001 -- read at run time
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from poetry_aegis.registry.store.listing import ListedFile, Listing

_LONGEST_REASON = 500  # characters; it is on the project's page
_MOST_LOCATIONS = 20
_LOCATION = re.compile(r"https?://[!#-;=?-~]{1,1000}")  # no space, quote or angle bracket


@dataclass(frozen=True)
class YankRequest:
    """The body of a yank: its *reason*, which may be empty (PEP 592)."""

    reason: str = ""

    def __post_init__(self) -> None:
        _check_reason(self.reason)


@dataclass(frozen=True)
class ProjectChange:
    """The body of a change to a project. What is ``None`` stays as it is.

    A *status* comes with its *reason* or without one; a reason alone is one for the status that
    the project has (PEP 792). *tracks* and *alternate_locations* are as in PEP 708.
    """

    status: ProjectStatus | None = None
    reason: str | None = None
    tracks: tuple[str, ...] | None = None
    alternate_locations: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if all(value is None for value in vars(self).values()):
            raise InvalidTable(f"nothing to change. The keys are: {', '.join(vars(self))}.")
        _check_reason(self.reason or "")
        for key in ("tracks", "alternate_locations"):
            _check_locations(key, getattr(self, key) or ())


def project_record(listing: Listing) -> dict[str, Any]:
    """Return all that the registry knows of a project, its versions oldest first (PEP 440).

    Sizes are in bytes. A version is yanked where each of its files is.
    """
    files: dict[str, list[ListedFile]] = {version: [] for version in listing.versions}
    for file in listing.files:
        files[file.version].append(file)
    return {
        "name": listing.project,
        "status": listing.status,
        "reason": listing.status_reason,
        "tracks": list(listing.tracks),
        "alternate_locations": list(listing.alternates),
        "size": sum(file.size for file in listing.files),
        "versions": [
            {
                "version": version,
                "yanked": all(file.yanked is not None for file in its_files),
                "files": [_file_record(file) for file in its_files],
            }
            for version, its_files in files.items()
        ],
    }


def _file_record(file: ListedFile) -> dict[str, Any]:
    return {
        "file_name": file.file_name,
        "size": file.size,
        "sha256": file.sha256,
        "upload_time": file.upload_time,
        "requires_python": file.requires_python,
        "yanked": file.yanked is not None,
        "reason": file.yanked,
        "provenance": file.has_provenance,
    }


def _check_reason(reason: str) -> None:
    if len(reason) > _LONGEST_REASON:
        raise InvalidTable(f"the reason is longer than {_LONGEST_REASON} characters.")
    if not reason.isprintable():
        raise InvalidTable("the reason is not one line of printable text.")


def _check_locations(key: str, locations: tuple[str, ...]) -> None:
    if len(locations) > _MOST_LOCATIONS:
        raise InvalidTable(f"{key!r} has more than {_MOST_LOCATIONS} addresses.")
    for location in locations:
        if not _LOCATION.fullmatch(location):
            raise InvalidTable(f"{key!r} has {location[:100]!a}, which is not a page's address.")
