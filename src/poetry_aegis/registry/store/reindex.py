"""Makes a project's listing anew from the files that are there."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from poetry_aegis.atomic import write_bytes
from poetry_aegis.registry.archives.distributions import inspect
from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.names import METADATA_SUFFIX, is_file_name, parse_file_name
from poetry_aegis.registry.store.listing import ListedFile, Listing
from poetry_aegis.registry.store.pages import JSON_PAGE

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.data import DataDirectory

logger = logging.getLogger(__name__)


def reindexed(data: DataDirectory, before: Listing, suspect: str | None) -> Listing:
    """Return the listing of the files that are there, and write the core metadata they lack.

    What *before* tells of a file is believed if the file has not changed since the page was
    written; *suspect*, a file that was being written, is looked into in any case. A file that is
    no distribution is left where it is, unlisted, with a line in the log. Raises ``OSError``.
    """
    page = data.project_pages(before.project) / JSON_PAGE
    found: list[ListedFile] = []
    for path in _distributions(data.project_files(before.project)):
        known = before.file(path.name)
        if known is None or path.name == suspect or not _unchanged(path, known, page):
            known = _looked_into(path, known)
        if known is not None:
            found.append(known)
    if suspect and all(file.file_name != suspect for file in found):
        data.metadata(before.project, suspect).unlink(missing_ok=True)
    return Listing(before.project, tuple(sorted(found, key=lambda file: file.file_name)))


def _distributions(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if is_file_name(path.name) and path.is_file()]
    except FileNotFoundError:
        return []


def _unchanged(path: Path, known: ListedFile, page: Path) -> bool:
    found = path.stat()
    return (
        found.st_size == known.size
        and found.st_mtime_ns <= page.stat().st_mtime_ns
        and (known.metadata_sha256 is None or path.with_name(path.name + METADATA_SUFFIX).exists())
    )


def _looked_into(path: Path, known: ListedFile | None) -> ListedFile | None:
    try:
        name = parse_file_name(path.name)
        if name.project != path.parent.name:
            raise BadUpload(f"The file {path.name} belongs to the project {name.project}.")
        distribution = inspect(path, name, sha256_of(path))
    except BadUpload as error:
        logger.warning("%s is not listed. %s", path, error)
        return None
    if distribution.core_metadata is not None:
        write_bytes(path.with_name(path.name + METADATA_SUFFIX), distribution.core_metadata)
    listed = distribution.listed(path.stat().st_mtime)
    if known is not None and known.sha256 == listed.sha256:
        return replace(listed, upload_time=known.upload_time)
    return listed
