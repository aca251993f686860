"""Notices distributions that are copied into ``packages/`` by hand, or removed from it.

A project is looked at when nothing has changed in its folder for a moment, so a file that is still
being copied is left alone until it is whole; and whatever changes later, also a file that turned
out to be no distribution yet, has its project looked at again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from poetry_aegis.registry.names import is_file_name, is_normalized
from poetry_aegis.registry.store.pages import JSON_PAGE
from poetry_aegis.registry.store.reindex import distribution_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poetry_aegis.registry.store.store import Store

logger = logging.getLogger(__name__)

_MOMENT = 1000  # milliseconds without a change until a project is looked at
_GRACE = 5.0  # seconds for the thread to end
_COARSENESS = 1.0  # seconds that a file system's clock may be behind

_Snapshot: TypeAlias = "dict[str, tuple[int, int]]"


@contextlib.contextmanager
def watched(store: Store) -> Iterator[None]:
    """Reindex projects of *store* whose files change otherwise than through it, in a thread."""
    stop = threading.Event()
    arguments = store, stop, time.time() - _COARSENESS
    thread = threading.Thread(target=_watch, args=arguments, name="watching", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_GRACE)


def _watch(store: Store, stop: threading.Event, since: float) -> None:
    from watchfiles import watch

    watcher = _Watcher(store)
    has_caught_up = False
    try:
        for changes in watch(
            watcher.root,
            watch_filter=None,
            stop_event=stop,
            rust_timeout=_MOMENT,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            if not has_caught_up:  # What came before the watch was there has no event.
                watcher.note(watcher.changed(since))
                has_caught_up = True
            watcher.note(path for _, path in changes)
            watcher.look()
    except Exception:
        logger.exception(
            "Files that are copied in by hand are no longer noticed; they appear after a reindex."
        )


class _Watcher:
    """The projects that something has happened to, until they have settled."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.root = store.data.packages.resolve()  # as the paths of events have it
        self._unsettled: dict[str, _Snapshot | None] = {}

    def note(self, paths: Iterable[str]) -> None:
        """Take down whose files *paths* are."""
        for path in paths:
            project = _project_of(path, self.root)
            if project is not None:
                self._unsettled[project] = None

    def changed(self, since: float) -> Iterator[str]:
        """Yield the projects' folders with files that came or went *since*, in seconds."""
        for folder in self.root.iterdir():
            with contextlib.suppress(FileNotFoundError):  # gone since
                status = folder.stat()
                if max(status.st_mtime, status.st_ctime) >= since:
                    yield str(folder)

    def look(self) -> None:
        """Bring the pages of those projects up to date that are as they were a moment ago."""
        for project, before in list(self._unsettled.items()):
            snapshot = self._snapshot(project)
            if snapshot != before:
                self._unsettled[project] = snapshot
                continue
            del self._unsettled[project]
            if self._differs(project, snapshot):
                self._reindex(project)

    def _snapshot(self, project: str) -> _Snapshot:
        found: _Snapshot = {}
        for path in distribution_files(self._store.data.project_files(project)):
            with contextlib.suppress(FileNotFoundError):  # gone since
                status = path.stat()
                found[path.name] = (status.st_size, status.st_mtime_ns)
        return found

    def _differs(self, project: str, snapshot: _Snapshot) -> bool:
        """Tell whether the files are others than the page tells of; uploads have seen to theirs."""
        listed = {file.file_name: file.size for file in self._store.listing(project).files}
        if listed != {name: size for name, (size, _) in snapshot.items()}:
            return True
        if not snapshot:
            return False
        try:
            page = (self._store.data.project_pages(project) / JSON_PAGE).stat()
        except FileNotFoundError:  # deleted just now
            return True
        return max(changed for _, changed in snapshot.values()) > page.st_mtime_ns

    def _reindex(self, project: str) -> None:
        try:
            with self._store.frozen(project):
                pass  # An upload that has its file in place, and its page not yet, is over then.
            if not self._differs(project, self._snapshot(project)):
                return
            self._store.reindex(project)
        except OSError as error:
            logger.warning("The pages of %s could not be brought up to date: %s", project, error)


def _project_of(path: str, root: Path) -> str | None:
    """Return whose distribution *path* is, or whose folder; ``None`` for anything else."""
    parts = Path(path).relative_to(root).parts
    if not 1 <= len(parts) <= 2 or not is_normalized(parts[0]):
        return None
    return parts[0] if len(parts) == 1 or is_file_name(parts[1]) else None
