"""What the page of a project shows."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from poetry_aegis.registry.names import normalized
from poetry_aegis.registry.store.listing import latest_file
from poetry_aegis.registry.web.dependencies import Group, grouped
from poetry_aegis.registry.web.metadata import ProjectMetadata, read_project_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.store.listing import ListedFile, Listing

SOURCE = "aegis"  # what this index is called in the install lines


@dataclass(frozen=True)
class Release:
    """A version of a project. *yanked* is whether all of its files are."""

    version: str
    uploaded: str
    yanked: bool
    is_prerelease: bool


class InstallLine(NamedTuple):
    """A command to copy, and the tool that it is for."""

    tool: str
    command: str


@dataclass(frozen=True)
class ProjectPage:
    """One version of a project, or the project alone where no version can be shown.

    *versions* are the newest first, *is_latest* tells whether this is what clients install.
    """

    project: str
    listing: Listing
    version: str
    is_latest: bool
    files: Sequence[ListedFile]
    versions: Sequence[Release]
    metadata: ProjectMetadata
    groups: Sequence[Group]
    requires_python: str

    @property
    def name(self) -> str:
        """The project's name as it spells it."""
        spelled = self.metadata.name
        return spelled if normalized(spelled) == self.project else self.project

    @property
    def uploaded(self) -> str:
        """When the version's first file came, empty where there is none."""
        return min((file.upload_time for file in self.files), default="")

    @property
    def yanked(self) -> str | None:
        """Why all the files are yanked, ``None`` where they are not."""
        reasons = [file.yanked for file in self.files if file.yanked is not None]
        whole = reasons and len(reasons) == len(self.files)
        return max(reasons, key=len) if whole else None

    def install_commands(self, base_url: str) -> tuple[InstallLine, ...]:
        """Return what installs this version, from the index at *base_url*."""
        exact = self.project if self.is_latest else f"{self.project}=={self.version}"
        wanted = shlex.quote(exact)
        simple = f"{base_url}/simple/"
        return (
            InstallLine("pip", f"pip install --index-url {simple} {wanted}"),
            InstallLine("uv", f"uv add --index {SOURCE}={simple} {wanted}"),
            InstallLine(
                "Poetry",
                f"poetry source add --priority=explicit {SOURCE} {simple}\n"
                f"poetry add --source {SOURCE} {wanted}",
            ),
        )


def project_page(listing: Listing, version: str | None, data: DataDirectory) -> ProjectPage | None:
    """Return the page of *version*, of the latest without one, ``None`` where it is not there.

    Nothing is shown of the files of a project that is quarantined. Blocking; raises ``OSError``.
    """
    latest = latest_file(listing.offered)
    file = latest
    if version is not None:
        file = latest_file(listing.files_of(version))
        if file is None:
            return None
    if file not in listing.offered:
        file = None
    metadata = (
        read_project_metadata(data.metadata(listing.project, file.file_name)) if file else None
    )
    return ProjectPage(
        project=listing.project,
        listing=listing,
        version=file.version if file else "",
        is_latest=file is not None and latest is not None and file.version == latest.version,
        files=listing.files_of(file.version) if file else (),
        versions=_releases(listing),
        metadata=metadata or ProjectMetadata(),
        groups=grouped(metadata.requires) if metadata else (),
        requires_python=(file.requires_python or "") if file else "",
    )


def _releases(listing: Listing) -> tuple[Release, ...]:
    from packaging.version import Version

    files: dict[str, list[ListedFile]] = {}
    for file in listing.offered:
        files.setdefault(file.version, []).append(file)
    return tuple(
        Release(
            version,
            min(file.upload_time for file in files[version]),
            all(file.yanked is not None for file in files[version]),
            Version(version).is_prerelease,
        )
        for version in sorted(files, key=Version, reverse=True)
    )
