"""The record of a project: its files, as the JSON project page tells of them.

PEP 691 for the page, PEP 592 for yanks, PEP 700 for versions and sizes, PEP 708 for tracks, PEP 740
for provenance, PEP 792 for a project's status.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal, get_args

from poetry_aegis.registry.names import PROVENANCE_SUFFIX, version_in, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from packaging.version import Version

API_VERSION = "1.4"

ProjectStatus = Literal["active", "archived", "quarantined", "deprecated"]
STATUSES: tuple[ProjectStatus, ...] = get_args(ProjectStatus)
CLOSED = ("archived", "quarantined")  # they take no uploads


@dataclass(frozen=True)
class ListedFile:
    """A distribution on a project page. *size* is in bytes, digests in hexadecimal.

    *yanked* is the reason for a yank, which may be empty, and ``None`` for a file that is not
    yanked. *has_provenance* tells of attestations beside the file.
    """

    file_name: str
    version: str
    sha256: str
    size: int
    upload_time: str
    metadata_sha256: str | None = None
    requires_python: str | None = None
    yanked: str | None = None
    has_provenance: bool = False

    def to_json(self, project: str) -> dict[str, Any]:
        """Return the file as PEP 691 has it, its address relative to the page."""
        entry: dict[str, Any] = {
            "filename": self.file_name,
            "url": f"../../packages/{project}/{self.file_name}",
            "hashes": {"sha256": self.sha256},
            "size": self.size,
            "upload-time": self.upload_time,
            "yanked": self.yanked or self.yanked is not None,
        }
        if self.metadata_sha256 is not None:
            # Not under the name that PEP 658 gave it, too: pip 22.3 to 23.1 fails over a
            # ``dist-info-metadata`` that is right, for which PEP 714 renamed it.
            entry["core-metadata"] = {"sha256": self.metadata_sha256}
        if self.requires_python is not None:
            entry["requires-python"] = self.requires_python
        if self.has_provenance:
            entry["provenance"] = f"{entry['url']}{PROVENANCE_SUFFIX}"
        return entry

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> ListedFile:
        """Return the file of a page written by `to_json`. Raises ``ValueError``."""
        return cls(
            file_name=entry["filename"],
            version=version_in(entry["filename"]),
            sha256=entry["hashes"]["sha256"],
            size=entry["size"],
            upload_time=entry["upload-time"],
            metadata_sha256=entry.get("core-metadata", {}).get("sha256"),
            requires_python=entry.get("requires-python"),
            yanked=_yank_reason(entry.get("yanked", False)),
            has_provenance=entry.get("provenance") is not None,
        )


@dataclass(frozen=True)
class Listing:
    """A project and its files, by name.

    *tracks* are the projects of other indexes that this one extends, *alternates* where else it
    is found (PEP 708), both as addresses of project pages.
    """

    project: str
    files: tuple[ListedFile, ...] = ()
    status: ProjectStatus = "active"
    status_reason: str | None = None
    tracks: tuple[str, ...] = ()
    alternates: tuple[str, ...] = ()

    def file(self, file_name: str) -> ListedFile | None:
        """Return the file of that name."""
        return next((file for file in self.files if file.file_name == file_name), None)

    def with_file(self, added: ListedFile) -> Listing:
        """Return the listing with *added* in it, in the place of one of the same name."""
        others = [file for file in self.files if file.file_name != added.file_name]
        files = sorted([*others, added], key=lambda file: file.file_name)
        return replace(self, files=tuple(files))

    def without(self, file_names: Container[str]) -> Listing:
        """Return the listing without the files of those names."""
        kept = tuple(file for file in self.files if file.file_name not in file_names)
        return replace(self, files=kept)

    def with_changed(
        self, file_names: Container[str], change: Callable[[ListedFile], ListedFile]
    ) -> Listing:
        """Return the listing with the files of those names changed."""
        files = (change(file) if file.file_name in file_names else file for file in self.files)
        return replace(self, files=tuple(files))

    def files_of(self, version: str) -> tuple[ListedFile, ...]:
        """Return the files of a version, however it is spelled (PEP 440)."""
        from packaging.utils import canonicalize_version

        wanted = canonicalize_version(version)
        return tuple(file for file in self.files if canonicalize_version(file.version) == wanted)

    @property
    def takes_uploads(self) -> bool:
        """Whether the project's status lets new files in."""
        return self.status not in CLOSED

    @property
    def offered(self) -> tuple[ListedFile, ...]:
        """The files that clients are told of: none while the project is quarantined."""
        return () if self.status == "quarantined" else self.files

    @property
    def versions(self) -> list[str]:
        """The versions that have files, oldest first (PEP 440)."""
        return _versions(self.files)

    def to_json(self) -> dict[str, Any]:
        """Return the project page, which tells only of files that are offered."""
        return self._page(self.offered)

    def record(self) -> dict[str, Any]:
        """Return the page as it would be if every file were offered."""
        return self._page(self.files)

    def _page(self, files: tuple[ListedFile, ...]) -> dict[str, Any]:
        meta: dict[str, Any] = {"api-version": API_VERSION}
        if self.tracks:
            meta["tracks"] = list(self.tracks)
        page: dict[str, Any] = {
            "meta": meta,
            "name": self.project,
            "project-status": self._status_marker(),
            "versions": self.versions,  # all that were uploaded, offered or not
            "files": [file.to_json(self.project) for file in files],
        }
        if self.alternates:
            page["alternate-locations"] = list(self.alternates)
        return page

    def _status_marker(self) -> dict[str, str]:
        reason = {} if self.status_reason is None else {"reason": self.status_reason}
        return {"status": self.status, **reason}


def latest_file(files: Iterable[ListedFile]) -> ListedFile | None:
    """Return the file that its project is shown by: of the latest version, a wheel before an sdist.

    The latest version is the highest of the final ones that are not yanked; where there are none
    of those, the highest that is not yanked; else the highest (PEP 440).
    """

    def rank(file: ListedFile) -> tuple[bool, bool, Version, bool]:
        version, is_offered = version_of(file.version), file.yanked is None
        is_final = not version.is_prerelease
        return is_offered, is_offered and is_final, version, file.file_name.endswith(".whl")

    return max(files, key=rank, default=None)


def parse_listing(content: bytes) -> Listing:
    """Return the listing that a project page was rendered from. Raises ``ValueError``."""
    try:
        page = json.loads(content)
        marker = page.get("project-status", {})
        return Listing(
            project=page["name"],
            files=tuple(ListedFile.from_json(file) for file in page["files"]),
            status=_status(marker.get("status", "active")),
            status_reason=marker.get("reason"),
            tracks=tuple(page["meta"].get("tracks", ())),
            alternates=tuple(page.get("alternate-locations", ())),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a project page: {error}") from error


def parse_project_list(content: bytes) -> list[str]:
    """Return the names on a project list. Raises ``ValueError``."""
    try:
        return [project["name"] for project in json.loads(content)["projects"]]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a project list: {error}") from error


def timestamp(seconds: float) -> str:
    """Return a moment, in seconds since 1970, as PEP 700 writes it."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _versions(files: Iterable[ListedFile]) -> list[str]:
    return sorted({file.version for file in files}, key=version_of)


def _yank_reason(yanked: object) -> str | None:
    if isinstance(yanked, str):
        return yanked
    return "" if yanked else None


def _status(name: object) -> ProjectStatus:
    if name not in STATUSES:
        raise ValueError(f"{name!r} is not a project's status")
    return name
