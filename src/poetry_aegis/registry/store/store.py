"""The store: distributions in, pages out. What it has acknowledged survives a crash.

The order of a change is what makes it safe. Under the project's lock: a marker that says what is
about to be done, then the files (each renamed into place when it is whole on disk), then the
pages, then the marker goes. Deleting goes the other way round: the pages first, then the files. So
no page ever names a file that is not there, and what a crash cuts off is finished, by its marker,
at the next start or with the project's next change.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import uuid
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from poetry_aegis.atomic import fsync_directory, write_bytes
from poetry_aegis.registry.attestations import with_more
from poetry_aegis.registry.errors import NotFound, UnusableData
from poetry_aegis.registry.locks import exclusive
from poetry_aegis.registry.store import survey
from poetry_aegis.registry.store.admission import Outcome, Overwriting, decide
from poetry_aegis.registry.store.files import (
    empty_trash,
    provenance_beside,
    put_in_place,
    put_provenance,
    remove_temporary,
    sync_folder,
    throw_away,
    unlink,
)
from poetry_aegis.registry.store.listing import Listing
from poetry_aegis.registry.store.pages import JSON_PAGE, render_json, shows, write_project_page
from poetry_aegis.registry.store.pending import Intent, Pending
from poetry_aegis.registry.store.project_list import ProjectList
from poetry_aegis.registry.store.records import logged, read_record, survived
from poetry_aegis.registry.store.reindex import Reindexed, reindexed
from poetry_aegis.registry.store.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path
    from typing import TypeAlias

    from poetry_aegis.registry.archives.distributions import Distribution
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.store.listing import ProjectStatus
    from poetry_aegis.registry.store.survey import Progress

    # Told of a project whose pages are on disk, with ``None`` where the project is gone.
    Observer: TypeAlias = Callable[[str, Listing | None], None]
    # Returns the provenance of a file that has one, and is given another; raises where it may not.
    Join: TypeAlias = Callable[[bytes | None, bytes | None], bytes | None]

logger = logging.getLogger(__name__)


class Store:
    """The distributions and pages of a data directory. Methods block, and raise ``OSError``.

    *observers* are told of each change, in the project's lock. With *deferred_list* the project
    list is written by a thread of its own, see `ProjectList`.
    """

    def __init__(
        self,
        data: DataDirectory,
        observers: Iterable[Observer] = (),
        *,
        deferred_list: bool = False,
    ) -> None:
        self.data = data
        self.project_list = ProjectList(data, deferred=deferred_list)
        self._observers = tuple(observers)
        self._pending = Pending(data.pending)

    # Reading

    def exists(self, project: str) -> bool:
        """Tell whether there is such a project, be it one without files."""
        return os.path.exists(self._page_of(project))  # noqa: PTH110 -- asked for each request

    def listing(self, project: str) -> Listing:
        """Return all files of *project*, also while it is quarantined; none where it is not."""
        withheld = read_record(self.data.withheld(project))
        page = self.data.project_pages(project) / JSON_PAGE
        return withheld or read_record(page) or Listing(project)

    def projects(self) -> list[str]:
        """Return the names of all projects, sorted."""
        self.project_list.settle()
        return self.project_list.names()

    # Changing

    @contextlib.contextmanager
    def incoming(self) -> Iterator[tuple[IO[bytes], Path]]:
        """Open a temporary file for an upload; it is removed unless `add` took it."""
        path = self.data.incoming / f"{uuid.uuid4().hex}.part"
        try:
            # Readable as the umask has it: another web server may serve the file.
            with path.open("xb") as stream:
                yield stream, path
        finally:
            path.unlink(missing_ok=True)

    def add(  # noqa: PLR0913 -- all that an upload brings
        self,
        path: Path,
        distribution: Distribution,
        overwriting: Overwriting,
        provenance: bytes | None = None,
        *,
        joined: Join = with_more,
        uploaded: float | None = None,
    ) -> Outcome:
        """Take the file *path* in as *distribution* and bring its project's pages up to date.

        *path* is one that `incoming` gave, already durable; *uploaded* is in seconds since 1970,
        now unless given. Returns when all of it would survive a power cut. A file that is there
        with the same bytes stays as it is, but for its provenance: *joined* makes one of that and
        the given *provenance*. One that is overwritten is a new file: neither a yank nor a
        provenance of the old one is kept.

        Raises what `admission.decide` and *joined* do; then all is as before.
        """
        name = distribution.name
        with self._writing(name.project):
            before = self._trusted_listing(name.project)
            outcome = decide(self.data, distribution, before, overwriting)
            was_there = self.exists(name.project)
            known = before.file(name.file_name) if outcome is Outcome.UNCHANGED else None
            present = provenance_beside(self.data, name.project, name.file_name) if known else None
            provenance = joined(present, provenance)
            if known and provenance == present:
                return outcome
            listed = known or distribution.listed(time.time() if uploaded is None else uploaded)
            listed = replace(listed, has_provenance=provenance is not None)
            with self._pending.changing(name.project, Intent(writing=name.file_name)):
                try:
                    if known is None:
                        put_in_place(self.data, path, distribution, provenance)
                    else:
                        put_provenance(self.data, distribution, provenance)
                    self._write_pages(before.with_file(listed))
                except OSError:
                    if outcome is Outcome.CREATED:
                        self._take_back(distribution, before, was_there=was_there)
                    raise
            return Outcome.SIGNED if known else outcome

    def yank(self, project: str, file_names: Collection[str], reason: str | None) -> Listing:
        """Yank files (PEP 592), or take the yank back for a *reason* of ``None``.

        Raises `NotFound` where one of them is not there.
        """

        def yanked(before: Listing) -> Listing:
            _require_files(before, file_names)
            return before.with_changed(file_names, lambda file: replace(file, yanked=reason))

        return self._change(project, yanked)

    def set_status(self, project: str, status: ProjectStatus, reason: str | None) -> Listing:
        """Give *project* a status (PEP 792). Raises `NotFound`."""
        return self._change(
            project, lambda before: replace(before, status=status, status_reason=reason)
        )

    def set_locations(
        self, project: str, *, tracks: Iterable[str], alternates: Iterable[str]
    ) -> Listing:
        """Say where else *project* is found (PEP 708). Raises `NotFound`."""
        found = (tuple(tracks), tuple(alternates))
        return self._change(
            project, lambda before: replace(before, tracks=found[0], alternates=found[1])
        )

    def delete_files(self, project: str, file_names: Collection[str]) -> Listing:
        """Delete files; the project stays, so that its name is not looked up elsewhere.

        Raises `NotFound` where one of them is not there.
        """
        with self._writing(project):
            before = self._existing_listing(project)
            _require_files(before, file_names)
            return self._delete_files(before, tuple(file_names))

    def delete_project(self, project: str) -> None:
        """Delete *project* with all its files. Raises `NotFound`."""
        with self._writing(project):
            self._existing_listing(project)
            self._remove_project(project)

    # Bringing up to date

    def open(self, *, alone: bool = True) -> None:
        """Finish what crashes left half-done, which markers tell of. Raises ``OSError``.

        In a data directory that has no project list yet, all that lies in it is taken in. Unless
        this process is *alone* in serving it, what others are receiving is left as it is.
        """
        if alone:
            for leftover in self.data.incoming.iterdir():
                leftover.unlink(missing_ok=True)
            for folder in (self.data.pending, self.data.simple):
                remove_temporary(folder)
        for project in self._pending.projects():
            with survived(project):
                self.reindex(project)
        empty_trash(self.data)
        if not self.project_list.exists:
            self.reindex_all()
        self.project_list.resume()

    def close(self) -> None:
        """Write what is still to be written."""
        self.project_list.close()

    def reindex(self, project: str) -> Reindexed:
        """Bring one project's pages up to date with its files."""
        with self._writing(project):
            return self._reindex(project)

    def reindex_all(self, progress: Progress | None = None) -> Report:
        """Bring all pages up to date with the files, and return what was found and mended.

        *progress* is called with the number of projects done, and of all. Every record is read,
        and every file that came or changed.
        """
        return survey.reindex_all(self, progress or survey.unseen)

    def check(self, progress: Progress | None = None) -> Report:
        """Read all files and pages, change nothing, and return what does not match."""
        return survey.check(self, progress or survey.unseen)

    def is_stale(self, project: str) -> bool:
        """Tell whether files may have come or gone since the project's page was written."""
        page = self.data.project_pages(project) / JSON_PAGE
        try:
            written = page.stat().st_mtime_ns
            return self.data.project_files(project).stat().st_mtime_ns > written
        except FileNotFoundError:
            return True

    @contextlib.contextmanager
    def frozen(self, project: str) -> Iterator[None]:
        """Let nobody change *project* while the block runs, after what was half done is mended.

        Who wants to change it waits, so the block is to be short.
        """
        with self._writing(project):
            if self._pending.of(project) is not None:
                self._reindex(project)
            yield

    # How it is done

    def _change(self, project: str, change: Callable[[Listing], Listing]) -> Listing:
        """Write the pages of what *change* makes of the listing; files stay as they are."""
        with self._writing(project):
            before = self._existing_listing(project)
            after = change(before)
            if after != before:
                with self._pending.changing(project, Intent()):
                    self._write_pages(after)
            return after

    @contextlib.contextmanager
    def _writing(self, project: str) -> Iterator[None]:
        with exclusive(self.data.locks / f"{project}.lock"):
            yield

    def _trusted_listing(self, project: str) -> Listing:
        if self._pending.of(project) is not None:
            return self._reindex(project).listing
        return self.listing(project)

    def _existing_listing(self, project: str) -> Listing:
        listing = self._trusted_listing(project)
        if not self.exists(project):
            raise NotFound(f"There is no project {project} in this index.")
        return listing

    def _reindex(self, project: str) -> Reindexed:
        begun = self._pending.of(project)
        intent = begun or Intent()
        if intent.removing_project:
            self._remove_project(project)
            return Reindexed(Listing(project), Report())
        before = self.listing(project)
        if intent.deleting:
            before = self._delete_files(before, intent.deleting)
        for folder in (self.data.project_files(project), self.data.project_pages(project)):
            remove_temporary(folder)
        with self._pending.changing(project, intent):
            found = reindexed(self.data, before, intent.writing)
            if found.listing.files or self.exists(project):
                self._write_pages(found.listing)
            if begun is not None:
                self.project_list.note(project)  # It may have come just then, or gone.
        logger.info("Brought the pages of %s up to date: %d files.", project, found.report.files)
        return found

    def _take_back(self, distribution: Distribution, before: Listing, *, was_there: bool) -> None:
        """Undo what was half done of a new file: it will not be acknowledged.

        The pages first, as when a file is deleted. Where not even that can be done the file stays
        until its project's marker is seen to.
        """
        project = before.project
        with contextlib.suppress(OSError):
            if not was_there:
                throw_away(self.data, self.data.project_pages(project))
            elif not shows(self.data.project_pages(project), before):
                self._write_pages(before)
            unlink(self.data, project, distribution.name.file_name)

    def _delete_files(self, before: Listing, file_names: tuple[str, ...]) -> Listing:
        after = before.without(file_names)
        with self._pending.changing(before.project, Intent(deleting=file_names)):
            self._write_pages(after)
            for file_name in file_names:
                unlink(self.data, before.project, file_name)
            sync_folder(self.data.project_files(before.project))
        return after

    def _remove_project(self, project: str) -> None:
        with self._pending.changing(project, Intent(removing_project=True)):
            # Moved away in one step each, the pages first: none of them names a file that is gone.
            throw_away(self.data, self.data.project_pages(project))
            throw_away(self.data, self.data.project_files(project))
            self.project_list.note(project)
            self._tell(project, None)

    def _write_pages(self, listing: Listing) -> None:
        folder = self.data.project_pages(listing.project)
        is_new = not (folder / JSON_PAGE).exists()
        folder.mkdir(exist_ok=True)
        withheld = self.data.withheld(listing.project)
        if listing.status == "quarantined":
            write_bytes(withheld, render_json(listing.record()))
        write_project_page(folder, listing)
        if listing.status != "quarantined":
            withheld.unlink(missing_ok=True)
        if is_new:
            fsync_directory(folder.parent)
            self.project_list.note(listing.project)
        self._tell(listing.project, listing)

    def _tell(self, project: str, listing: Listing | None) -> None:
        for observe in self._observers:
            with logged(project):
                observe(project, listing)

    def _page_of(self, project: str) -> str:
        return f"{self.data.project_pages(project)}{os.sep}{JSON_PAGE}"


def _require_files(listing: Listing, file_names: Iterable[str]) -> None:
    for file_name in file_names:
        if listing.file(file_name) is None:
            raise NotFound(f"There is no file {file_name} in the project {listing.project}.")


def open_store(
    data: DataDirectory,
    observers: Iterable[Observer] = (),
    *,
    deferred_list: bool = False,
    alone: bool = True,
) -> Store:
    """Return the store of *data* with all that crashes left finished. Raises `UnusableData`."""
    store = Store(data, observers, deferred_list=deferred_list)
    try:
        store.open(alone=alone)
    except OSError as error:
        raise UnusableData(
            f"The data directory {data.root} cannot be used: {error.strerror or error}."
        ) from error
    return store
