"""The store: distributions in, pages out. What it has acknowledged survives a crash.

The order of a write is what makes it safe. Under the project's lock: a marker that the project's
pages are about to change, then the core metadata, then the file itself (each renamed into place
when it is whole on disk), then the pages, then the marker goes. A crash before the file is in
place leaves nothing; a crash after it leaves the marker, and the pages are brought up to date by
the next start or by the project's next write.
"""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from enum import Enum
from typing import IO, TYPE_CHECKING

from poetry_aegis.atomic import fsync_directory, write_bytes
from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.errors import FileExists, Forbidden, UnusableData
from poetry_aegis.registry.locks import exclusive
from poetry_aegis.registry.names import is_normalized, parse_file_name
from poetry_aegis.registry.store.listing import Listing, parse_listing, parse_project_list
from poetry_aegis.registry.store.pages import JSON_PAGE, write_project_list, write_project_page
from poetry_aegis.registry.store.reindex import reindexed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.registry.archives.distributions import Distribution
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.names import DistributionName

logger = logging.getLogger(__name__)

_LIST_LOCK = ".list"  # no project can be called so


class Outcome(Enum):
    """What became of an upload."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    OVERWRITTEN = "overwritten"


class Overwriting(Enum):
    """Whether an upload may take the place of another file of its name."""

    NOT_ASKED = "not asked"
    NOT_ALLOWED = "not allowed"
    ALLOWED = "allowed"


class Store:
    """The distributions and pages of a data directory. Methods block, and raise ``OSError``."""

    def __init__(self, data: DataDirectory) -> None:
        self.data = data

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

    def add(self, path: Path, distribution: Distribution, overwriting: Overwriting) -> Outcome:
        """Take the file *path* in as *distribution* and bring its project's pages up to date.

        *path* is one that `incoming` gave, already durable. Returns when all of it would survive
        a power cut. Raises `FileExists` where other bytes have the name, and `Forbidden` where
        overwriting them was asked for and is not allowed. A distribution that is there under
        another spelling of its name is `FileExists` in any case: it is overwritten only under the
        name it has.
        """
        name = distribution.name
        with self._writing(name.project):
            before = self._trusted_listing(name.project)
            outcome = self._decide(distribution, before, overwriting)
            if outcome is Outcome.UNCHANGED and before.file(name.file_name):
                return outcome
            with self._pages_pending(name.project, name.file_name):
                try:
                    self._put_in_place(path, distribution)
                    self._write_pages(before.with_file(distribution.listed(time.time())))
                except OSError:
                    if outcome is Outcome.CREATED:
                        self._take_back(distribution, before)
                    raise
            return outcome

    def repair(self) -> None:
        """Remove what crashes left behind and bring stale pages up to date.

        Costs two stats per project, and the hashing of files whose pages never got written.
        """
        for leftover in self.data.incoming.iterdir():
            leftover.unlink(missing_ok=True)
        for folder in (self.data.pending, self.data.simple):
            _remove_temporary(folder)
        for project in sorted(filter(self._is_stale, self._projects())):
            self.reindex(project)
        self._repair_project_list()

    def reindex(self, project: str) -> Listing:
        """Bring one project's pages up to date with its files, and return the listing."""
        with self._writing(project):
            return self._reindex(project)

    def _reindex(self, project: str) -> Listing:
        suspect = self._pending_file(project)
        before = self._read_listing(project)
        for folder in (self.data.project_files(project), self.data.project_pages(project)):
            _remove_temporary(folder)
        with self._pages_pending(project, suspect or ""):
            listing = reindexed(self.data, before, suspect)
            if listing.files or before.files:
                self._write_pages(listing)
                self._add_to_project_list(project)
        logger.info("Brought the pages of %s up to date: %d files.", project, len(listing.files))
        return listing

    @contextlib.contextmanager
    def _writing(self, project: str) -> Iterator[None]:
        with exclusive(self.data.locks / f"{project}.lock"):
            yield

    @contextlib.contextmanager
    def _pages_pending(self, project: str, file_name: str) -> Iterator[None]:
        marker = self.data.pending / project
        write_bytes(marker, file_name.encode())
        yield
        marker.unlink()  # Only when all went well: else it tells of what is left to do.

    def _pending_file(self, project: str) -> str | None:
        try:
            return (self.data.pending / project).read_text()
        except FileNotFoundError:
            return None

    def _trusted_listing(self, project: str) -> Listing:
        if self._pending_file(project) is not None:
            return self._reindex(project)
        return self._read_listing(project)

    def _read_listing(self, project: str) -> Listing:
        try:
            return parse_listing((self.data.project_pages(project) / JSON_PAGE).read_bytes())
        except FileNotFoundError:
            return Listing(project)
        except ValueError:
            logger.warning("The page of %s is damaged; it is made anew.", project)
            return Listing(project)

    def _decide(
        self, distribution: Distribution, before: Listing, overwriting: Overwriting
    ) -> Outcome:
        name = distribution.name
        present = self.data.distribution(name.project, name.file_name)
        if not present.exists():
            _check_spelling(name, before)
            return Outcome.CREATED
        same_size = present.stat().st_size == distribution.size
        if same_size and sha256_of(present) == distribution.sha256:
            return Outcome.UNCHANGED
        if overwriting is Overwriting.ALLOWED:
            return Outcome.OVERWRITTEN
        if overwriting is Overwriting.NOT_ALLOWED:
            raise Forbidden(
                f"File already exists: {name.file_name}, with other content, "
                f"and only an admin may overwrite it."
            )
        raise FileExists(f"File already exists: {name.file_name}, with other content.")

    def _put_in_place(self, path: Path, distribution: Distribution) -> None:
        name = distribution.name
        folder = self.data.project_files(name.project)
        if not folder.exists():
            folder.mkdir()
            fsync_directory(folder.parent)
        if distribution.core_metadata is not None:
            metadata = self.data.metadata(name.project, name.file_name)
            write_bytes(metadata, distribution.core_metadata)
        path.replace(self.data.distribution(name.project, name.file_name))
        fsync_directory(folder)

    def _take_back(self, distribution: Distribution, before: Listing) -> None:
        """Undo what was half done of a new file: it will not be acknowledged."""
        name = distribution.name
        with contextlib.suppress(OSError):
            self.data.distribution(name.project, name.file_name).unlink(missing_ok=True)
            self.data.metadata(name.project, name.file_name).unlink(missing_ok=True)
            if before.files:
                self._write_pages(before)

    def _write_pages(self, listing: Listing) -> None:
        folder = self.data.project_pages(listing.project)
        is_new = not (folder / JSON_PAGE).exists()
        folder.mkdir(exist_ok=True)
        write_project_page(folder, listing)
        if is_new:
            self._add_to_project_list(listing.project)

    def _add_to_project_list(self, project: str) -> None:
        with exclusive(self.data.locks / _LIST_LOCK):
            listed = self._listed_projects()
            if listed is None:
                write_project_list(self.data.simple, self._projects_with_page())
            elif project not in listed:
                write_project_list(self.data.simple, sorted([*listed, project]))

    def _listed_projects(self) -> list[str] | None:
        try:
            return parse_project_list((self.data.simple / JSON_PAGE).read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def _repair_project_list(self) -> None:
        with exclusive(self.data.locks / _LIST_LOCK):
            projects = self._projects_with_page()
            if projects != self._listed_projects():
                write_project_list(self.data.simple, projects)

    def _projects(self) -> list[str]:
        return sorted(
            {path.name for path in self.data.packages.iterdir() if is_normalized(path.name)}
            | {path.name for path in self.data.pending.iterdir() if is_normalized(path.name)}
            | {path.name for path in self.data.simple.iterdir() if is_normalized(path.name)}
        )

    def _projects_with_page(self) -> list[str]:
        pages = self.data.simple.glob(f"*/{JSON_PAGE}")
        return sorted(page.parent.name for page in pages if is_normalized(page.parent.name))

    def _is_stale(self, project: str) -> bool:
        """Tell whether files may have come or gone since the project's page was written."""
        if (self.data.pending / project).exists():
            return True
        page = self.data.project_pages(project) / JSON_PAGE
        try:
            written = page.stat().st_mtime_ns
            return self.data.project_files(project).stat().st_mtime_ns > written
        except FileNotFoundError:
            return True


def _check_spelling(name: DistributionName, listing: Listing) -> None:
    """Raise `FileExists` where *listing* has the distribution under another name."""
    for file in listing.files:
        if parse_file_name(file.file_name).names_the_same(name):
            raise FileExists(
                f"File already exists: {file.file_name}, of which {name.file_name} is another "
                f"spelling."
            )


def _remove_temporary(folder: Path) -> None:
    """Remove the temporary files of writes that a crash cut off."""
    for leftover in folder.glob(".tmp-*.part"):
        leftover.unlink(missing_ok=True)


def open_store(data: DataDirectory) -> Store:
    """Return the store of *data*, repaired. Raises `UnusableData`."""
    store = Store(data)
    try:
        store.repair()
    except OSError as error:
        raise UnusableData(
            f"The data directory {data.root} cannot be used: {error.strerror or error}."
        ) from error
    return store
