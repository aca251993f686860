"""The changes that the API makes to the store, each of them in the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.errors import NotFound
from poetry_aegis.registry.http.events import event_of
from poetry_aegis.registry.http.gate import no_such_project

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.version import Version

    from poetry_aegis.registry.http.api_documents import ProjectChange
    from poetry_aegis.registry.http.exchange import Exchange
    from poetry_aegis.registry.state.audit import AuditTrail
    from poetry_aegis.registry.store.listing import ListedFile, Listing
    from poetry_aegis.registry.store.store import Store


@dataclass(frozen=True)
class Selection:
    """Files of a project: those of a *version*, or the one called *file_name*."""

    project: str
    version: Version | None = None
    file_name: str | None = None

    def of(self, listing: Listing) -> tuple[ListedFile, ...]:
        """Return the files of *listing* that are meant. Raises `NotFound` where there are none."""
        if self.version is not None:
            files = listing.files_of(str(self.version))
            missing = f"Project {self.project} has no version {self.version} in this index."
        else:
            file = listing.file(self.file_name or "")
            files = () if file is None else (file,)
            missing = f"Project {self.project} has no such file in this index."
        if not files:
            raise NotFound(missing)
        return files


class Changes:
    """Changes that the user of *exchange* makes. Methods block.

    They may be repeated: what is so already is neither written nor recorded again. They raise
    `NotFound` and ``OSError``.
    """

    def __init__(self, store: Store, audit: AuditTrail, exchange: Exchange) -> None:
        self._store = store
        self._audit = audit
        self._exchange = exchange

    def record_of(self, project: str) -> Listing:
        """Return the files and state of *project*."""
        listing = self._store.listing(project)
        if not listing.files and not self._store.exists(project):
            raise no_such_project(project)
        return listing

    def yank(self, selection: Selection, reason: str | None) -> dict[str, Any]:
        """Yank the files for *reason*, or take their yank back for ``None``."""
        files = selection.of(self.record_of(selection.project))
        changed = [file.file_name for file in files if file.yanked != reason]
        if changed:
            self._store.yank(selection.project, changed, reason)
        action = "unyank" if reason is None else "yank"
        self._note(action, selection.project, changed, reason or "")
        return _outcome(selection.project, files, changed)

    def delete(self, selection: Selection) -> dict[str, Any]:
        """Delete the files for good."""
        files = selection.of(self.record_of(selection.project))
        deleted = [file.file_name for file in files]
        self._store.delete_files(selection.project, deleted)
        self._note("delete-file", selection.project, deleted)
        return _outcome(selection.project, files, deleted)

    def delete_project(self, project: str) -> dict[str, Any]:
        """Delete a project with all its files for good."""
        files = self.record_of(project).files
        self._store.delete_project(project)
        self._note("delete-project", project, [None], f"{len(files)} files")
        return _outcome(project, files, [file.file_name for file in files])

    def change(self, project: str, change: ProjectChange) -> Listing:
        """Give *project* another status or other locations; return its listing."""
        listing = self.record_of(project)
        if change.status is not None or change.reason is not None:
            listing = self._set_status(listing, change)
        if change.tracks is not None or change.alternate_locations is not None:
            listing = self._set_locations(listing, change)
        return listing

    def _set_status(self, before: Listing, change: ProjectChange) -> Listing:
        status = change.status or before.status
        if (status, change.reason) == (before.status, before.status_reason):
            return before
        listing = self._store.set_status(before.project, status, change.reason)
        said = status if change.reason is None else f"{status}: {change.reason}"
        self._note("status", before.project, [None], said)
        return listing

    def _set_locations(self, before: Listing, change: ProjectChange) -> Listing:
        tracks = before.tracks if change.tracks is None else change.tracks
        alternates = before.alternates
        if change.alternate_locations is not None:
            alternates = change.alternate_locations
        if (tracks, alternates) == (before.tracks, before.alternates):
            return before
        listing = self._store.set_locations(before.project, tracks=tracks, alternates=alternates)
        said = (
            f"tracks: {', '.join(tracks) or 'none'}; alternates: {', '.join(alternates) or 'none'}"
        )
        self._note("locations", before.project, [None], said)
        return listing

    def _note(
        self, action: str, project: str, files: Iterable[str | None], detail: str = ""
    ) -> None:
        for file in files:
            self._audit.record(event_of(self._exchange, action, project, file, detail))


def _outcome(project: str, files: Iterable[ListedFile], changed: Iterable[str]) -> dict[str, Any]:
    return {
        "project": project,
        "files": [file.file_name for file in files],
        "changed": list(changed),
    }
