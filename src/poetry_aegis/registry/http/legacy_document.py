"""A project in the shape of the legacy JSON API: what older tools ask an index for.

The shape is that of the legacy JSON API of the public index. What a private index does not count
or keep is there with the value that means so: -1 downloads, no vulnerabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.registry.core_metadata import CoreFields
    from poetry_aegis.registry.store.listing import ListedFile, Listing

# Keys of "info" with the fields they come from: those with one value, and those with several.
_SINGLE = {
    key: key.replace("_", "-")
    for key in (
        "author", "author_email", "description_content_type", "download_url", "home_page",
        "keywords", "license", "license_expression", "maintainer", "maintainer_email", "summary",
    )
} | {"home_page": "home-page"}  # fmt: skip
_SEVERAL = {
    "dynamic": "dynamic",
    "license_files": "license-file",
    "provides_extra": "provides-extra",
    "requires_dist": "requires-dist",
}


@dataclass(frozen=True)
class Release:
    """A version of a project, *fields* being the core metadata of one of its files."""

    listing: Listing
    version: str
    fields: CoreFields

    @property
    def files(self) -> tuple[ListedFile, ...]:
        """The files of the version."""
        return tuple(file for file in self.listing.files if file.version == self.version)


def project_document(release: Release, base: str, serial: int) -> dict[str, Any]:
    """Return ``/pypi/NAME/json``: the latest release, and the files of all.

    *base* is the address of the index without a slash at its end; *serial* grows with each change.
    """
    listing = release.listing
    releases: dict[str, list[dict[str, Any]]] = {version: [] for version in listing.versions}
    for file in listing.files:
        releases[file.version].append(_file(file, listing.project, base))
    return release_document(release, base, serial) | {"releases": releases}


def release_document(release: Release, base: str, serial: int) -> dict[str, Any]:
    """Return ``/pypi/NAME/VERSION/json``. See `project_document`."""
    project = release.listing.project
    return {
        "info": _info(release, base),
        "last_serial": serial,
        "urls": [_file(file, project, base) for file in release.files],
        "vulnerabilities": [],
    }


def _info(release: Release, base: str) -> dict[str, Any]:
    fields, files = release.fields, release.files
    page = f"{base}/simple/{release.listing.project}/"
    single = {key: fields.first(field) for key, field in _SINGLE.items()}
    several = {key: list(fields.all(field)) or None for key, field in _SEVERAL.items()}
    return {
        **single,
        **several,
        "bugtrack_url": None,
        "classifiers": list(fields.all("classifier")),
        "description": fields.description or "",
        "docs_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "name": fields.first("name") or release.listing.project,
        "package_url": page,
        "platform": fields.first("platform"),
        "project_url": page,
        "project_urls": _project_urls(fields),
        "release_url": page,
        "requires_python": _requires_python(files),
        "version": release.version,
        "yanked": all(file.yanked is not None for file in files),
        "yanked_reason": next((file.yanked for file in files if file.yanked), None),
    }


def _project_urls(fields: CoreFields) -> dict[str, str] | None:
    labelled = (entry.partition(",") for entry in fields.all("project-url"))
    return {label.strip(): url.strip() for label, _, url in labelled} or None


def _requires_python(files: Sequence[ListedFile]) -> str | None:
    return next((file.requires_python for file in files if file.requires_python), None)


def _file(file: ListedFile, project: str, base: str) -> dict[str, Any]:
    is_wheel = file.file_name.endswith(".whl")
    return {
        "comment_text": None,
        "digests": {"sha256": file.sha256},
        "downloads": -1,
        "filename": file.file_name,
        "has_sig": False,
        "md5_digest": None,
        "packagetype": "bdist_wheel" if is_wheel else "sdist",
        "python_version": file.file_name.split("-")[-3] if is_wheel else "source",
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": file.upload_time[: len("2000-01-01T00:00:00")],
        "upload_time_iso_8601": file.upload_time,
        "url": f"{base}/packages/{project}/{file.file_name}",
        "yanked": file.yanked is not None,
        "yanked_reason": file.yanked or None,
    }
