"""Looks through the whole store: brings it up to date, or only tells what does not match."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from poetry_aegis.registry.archives.distributions import inspect
from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.locks import exclusive
from poetry_aegis.registry.names import is_normalized, parse_file_name
from poetry_aegis.registry.store.listing import parse_listing
from poetry_aegis.registry.store.pages import HTML_PAGE, JSON_PAGE, render_html, render_json, shows
from poetry_aegis.registry.store.reindex import distribution_files, is_unchanged
from poetry_aegis.registry.store.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from poetry_aegis.registry.store.listing import ListedFile, Listing
    from poetry_aegis.registry.store.store import Store

    Progress: TypeAlias = Callable[[int, int], None]  # projects done, and of all


def unseen(_done: int, _all: int) -> None:
    """Take progress that nobody looks at."""


def reindex_all(store: Store, progress: Progress) -> Report:
    """See `Store.reindex_all`."""
    projects = _projects(store)
    report = Report(projects=len(projects), unreadable=_strays(store))
    for done, project in enumerate(projects, 1):
        report += _brought_up_to_date(store, project)
        progress(done, len(projects))
    store.project_list.rebuild()
    return report


def _brought_up_to_date(store: Store, project: str) -> Report:
    try:
        files = distribution_files(store.data.project_files(project))
        if store.is_stale(project) or not _is_listed(store, project, files):
            return replace(store.reindex(project).report, projects=0)
        return Report(files=len(files))
    except OSError as error:  # The other projects are not to suffer from it.
        return Report(unreadable=(f"{project}: {error}",))


def check(store: Store, progress: Progress) -> Report:
    """See `Store.check`."""
    projects = _projects(store)
    report = _check_list(store, projects) + Report(unreadable=_strays(store))
    for done, project in enumerate(projects, 1):
        report += check_project(store, project)
        progress(done, len(projects))
    return report


def check_project(store: Store, project: str) -> Report:
    """Return what does not match between the pages and files of one project; change nothing."""
    with exclusive(store.data.locks / f"{project}.lock"):
        return _check_project(store, project)


def _is_listed(store: Store, project: str, files: Sequence[Path]) -> bool:
    """Tell whether a project's pages tell of these *files*, as they are, and in today's words."""
    pages = store.data.project_pages(project)
    page = pages / JSON_PAGE
    try:
        parse_listing(page.read_bytes())
        listing = store.listing(project)
        written = shows(pages, listing)
    except (OSError, ValueError):
        return False
    listed = {file.file_name: file for file in listing.files}
    return (
        written
        and listed.keys() == {path.name for path in files}
        and all(is_unchanged(path, listed[path.name], page) for path in files)
    )


def _projects(store: Store) -> list[str]:
    folders = (store.data.packages, store.data.simple, store.data.pending)
    return sorted(
        {path.name for folder in folders for path in folder.iterdir() if is_normalized(path.name)}
    )


def _strays(store: Store) -> tuple[str, ...]:
    """Return what is said of folders with distributions that are no project's."""
    return tuple(
        f"{path.name}: the folder is not named as a project is, in a-z, 0-9 and single hyphens"
        for path in sorted(store.data.packages.iterdir())
        if not is_normalized(path.name) and path.is_dir() and distribution_files(path)
    )


def _check_list(store: Store, projects: list[str]) -> Report:
    listed = set(store.projects())
    here = {project for project in projects if store.exists(project)}
    return Report(
        missing=tuple(f"{name}: it is listed and has no page" for name in sorted(listed - here)),
        extra=tuple(f"{name}: it has a page and is not listed" for name in sorted(here - listed)),
    )


def _check_project(store: Store, project: str) -> Report:
    listing = store.listing(project)
    paths = {path.name: path for path in distribution_files(store.data.project_files(project))}
    report = Report(projects=1, files=len(paths)) + _check_pages(store, listing)
    for file in listing.files:
        path = paths.pop(file.file_name, None)
        if path is None:
            report += Report(missing=(f"{project}/{file.file_name}: the file is gone",))
        else:
            report += _compared(store, listing, file, path)
    for path in paths.values():
        report += _unlisted(project, path)
    return report


def _check_pages(store: Store, listing: Listing) -> Report:
    if not store.exists(listing.project):
        return Report()
    folder = store.data.project_pages(listing.project)
    wanted = {HTML_PAGE: render_html(listing), JSON_PAGE: render_json(listing.to_json())}
    return Report(
        changed=tuple(
            f"{listing.project}/{name}: the page is not what its files ask for"
            for name, content in wanted.items()
            if _content(folder / name) != content
        )
    )


def _compared(store: Store, listing: Listing, file: ListedFile, path: Path) -> Report:
    try:
        return Report(changed=tuple(_changes(store, listing, file, path)))
    except OSError as error:
        return Report(unreadable=(f"{listing.project}/{file.file_name}: {error}",))


def _changes(store: Store, listing: Listing, file: ListedFile, path: Path) -> Iterator[str]:
    where = f"{listing.project}/{file.file_name}"
    if path.stat().st_size != file.size or sha256_of(path) != file.sha256:
        yield f"{where}: the file is not the one that its page tells of"
    metadata = store.data.metadata(listing.project, file.file_name)
    if file.metadata_sha256 and (
        not metadata.exists() or sha256_of(metadata) != file.metadata_sha256
    ):
        yield f"{where}: its core metadata are not what its page tells of"
    if file.has_provenance != store.data.provenance(listing.project, file.file_name).exists():
        yield f"{where}: its page and its attestations do not agree"


def _unlisted(project: str, path: Path) -> Report:
    try:
        inspect(path, parse_file_name(path.name), sha256_of(path))
    except (BadUpload, OSError) as error:
        return Report(unreadable=(f"{project}/{path.name}: {error}",))
    return Report(extra=(f"{project}/{path.name}: no page tells of it",))


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
