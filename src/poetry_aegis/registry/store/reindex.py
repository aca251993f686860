"""Makes a project's listing anew from the files that are there."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poetry_aegis.atomic import write_bytes
from poetry_aegis.registry.archives.distributions import inspect
from poetry_aegis.registry.attestations import is_about
from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.names import METADATA_SUFFIX, is_file_name, parse_file_name
from poetry_aegis.registry.store.files import provenance_beside
from poetry_aegis.registry.store.pages import JSON_PAGE
from poetry_aegis.registry.store.report import Report

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.archives.distributions import Distribution
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.store.listing import ListedFile, Listing

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reindexed:
    """A listing made anew, and what it did not share with the one before."""

    listing: Listing
    report: Report


def reindexed(data: DataDirectory, before: Listing, suspect: str | None) -> Reindexed:
    """Return the listing of the files that are there, and write the core metadata they lack.

    What *before* tells of a file is believed if the file has not changed since the page was
    written; *suspect*, a file that was being written, is looked into in any case. A file that is
    no distribution is left where it is, unlisted, with a line in the log. Raises ``OSError``.
    """
    project = before.project
    page = data.project_pages(project) / JSON_PAGE
    found: list[ListedFile] = []
    unreadable: list[str] = []
    for path in distribution_files(data.project_files(project)):
        known = before.file(path.name)
        if known is None or path.name == suspect or not is_unchanged(path, known, page):
            try:
                distribution = _looked_into(path)
            except (BadUpload, OSError) as error:
                logger.warning("%s is not listed. %s", path, error)
                unreadable.append(f"{project}/{path.name}: {error}")
                continue
            write_bytes(data.metadata(project, path.name), distribution.core_metadata)
            known = _relisted(distribution, path.stat().st_mtime, known)
        if path.name == suspect:
            _drop_foreign_provenance(data, project, known)
        has_provenance = data.provenance(project, path.name).exists()
        found.append(replace(known, has_provenance=has_provenance))
    if suspect and all(file.file_name != suspect for file in found):
        data.metadata(project, suspect).unlink(missing_ok=True)
        data.provenance(project, suspect).unlink(missing_ok=True)
    after = replace(before, files=tuple(sorted(found, key=lambda file: file.file_name)))
    return Reindexed(after, _differences(before, after, tuple(unreadable)))


def _drop_foreign_provenance(data: DataDirectory, project: str, file: ListedFile) -> None:
    """Remove the provenance of what was to overwrite *file*, and did not come to it."""
    provenance = provenance_beside(data, project, file.file_name)
    if provenance is not None and not is_about(provenance, file.file_name, file.sha256):
        data.provenance(project, file.file_name).unlink()


def distribution_files(folder: Path) -> list[Path]:
    """Return the files in a project's folder that are named as distributions, none without it."""
    try:
        return [path for path in folder.iterdir() if is_file_name(path.name) and path.is_file()]
    except FileNotFoundError:
        return []


def _differences(before: Listing, after: Listing, unreadable: tuple[str, ...]) -> Report:
    were = {file.file_name: file for file in before.files}
    are = {file.file_name: file for file in after.files}
    project = before.project
    return Report(
        projects=1,
        files=len(are),
        missing=tuple(f"{project}/{name}: the file is gone" for name in were if name not in are),
        extra=tuple(f"{project}/{name}: the file is new" for name in are if name not in were),
        changed=tuple(
            f"{project}/{name}: the file has changed"
            for name, file in are.items()
            if name in were and were[name].sha256 != file.sha256
        ),
        unreadable=unreadable,
    )


def is_unchanged(path: Path, known: ListedFile, page: Path) -> bool:
    """Tell whether the file at *path* is the one that is *known* since *page* was written.

    A copy may bring its time along, but not that of its coming here. Raises ``OSError``.
    """
    found = path.stat()
    return (
        found.st_size == known.size
        and max(found.st_mtime_ns, found.st_ctime_ns) <= page.stat().st_mtime_ns
        and (known.metadata_sha256 is None or path.with_name(path.name + METADATA_SUFFIX).exists())
    )


def _looked_into(path: Path) -> Distribution:
    """Return what *path* is. Raises `BadUpload`, and ``OSError`` where it cannot be read."""
    name = parse_file_name(path.name)
    if name.project != path.parent.name:
        raise BadUpload(f"The file {path.name} belongs to the project {name.project}.")
    return inspect(path, name, sha256_of(path))


def _relisted(distribution: Distribution, changed: float, known: ListedFile | None) -> ListedFile:
    """Return the file as its page is to show it, with what was *known* of the same bytes."""
    listed = distribution.listed(changed)
    if known is not None and known.sha256 == listed.sha256:
        return replace(listed, upload_time=known.upload_time, yanked=known.yanked)
    return listed
