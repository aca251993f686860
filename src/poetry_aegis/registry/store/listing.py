"""The record of a project: its files, as the JSON project page tells of them (PEP 691, PEP 700)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

API_VERSION = "1.1"


@dataclass(frozen=True)
class ListedFile:
    """A distribution on a project page. *size* is in bytes, digests in hexadecimal."""

    file_name: str
    version: str
    sha256: str
    size: int
    upload_time: str
    metadata_sha256: str | None = None
    requires_python: str | None = None

    def to_json(self, project: str) -> dict[str, Any]:
        """Return the file as PEP 691 has it, its address relative to the page."""
        entry: dict[str, Any] = {
            "filename": self.file_name,
            "url": f"../../packages/{project}/{self.file_name}",
            "hashes": {"sha256": self.sha256},
            "size": self.size,
            "upload-time": self.upload_time,
            "yanked": False,
        }
        if self.metadata_sha256 is not None:
            # The second is the name that PEP 658 gave it, before PEP 714.
            entry["core-metadata"] = {"sha256": self.metadata_sha256}
            entry["dist-info-metadata"] = entry["core-metadata"]
        if self.requires_python is not None:
            entry["requires-python"] = self.requires_python
        return entry

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> ListedFile:
        """Return the file of a page written by `to_json`. Raises ``ValueError``."""
        from poetry_aegis.registry.names import parse_file_name

        return cls(
            file_name=entry["filename"],
            version=str(parse_file_name(entry["filename"]).version),
            sha256=entry["hashes"]["sha256"],
            size=entry["size"],
            upload_time=entry["upload-time"],
            metadata_sha256=entry.get("core-metadata", {}).get("sha256"),
            requires_python=entry.get("requires-python"),
        )


@dataclass(frozen=True)
class Listing:
    """A project and its files, by name."""

    project: str
    files: tuple[ListedFile, ...] = ()

    def file(self, file_name: str) -> ListedFile | None:
        """Return the file of that name."""
        return next((file for file in self.files if file.file_name == file_name), None)

    def with_file(self, added: ListedFile) -> Listing:
        """Return the listing with *added* in it, in the place of one of the same name."""
        others = [file for file in self.files if file.file_name != added.file_name]
        files = sorted([*others, added], key=lambda file: file.file_name)
        return Listing(self.project, tuple(files))

    @property
    def versions(self) -> list[str]:
        """The versions that have files, oldest first (PEP 440)."""
        from packaging.version import Version

        return sorted({file.version for file in self.files}, key=Version)

    def to_json(self) -> dict[str, Any]:
        """Return the project page."""
        return {
            "meta": {"api-version": API_VERSION},
            "name": self.project,
            "versions": self.versions,
            "files": [file.to_json(self.project) for file in self.files],
        }


def parse_listing(content: bytes) -> Listing:
    """Return the listing that a project page was rendered from. Raises ``ValueError``."""
    try:
        page = json.loads(content)
        return Listing(page["name"], tuple(ListedFile.from_json(file) for file in page["files"]))
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
