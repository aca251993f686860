"""The list of all projects: brought up to date beside the writes, not by each of them.

A project that comes or goes leaves a durable marker, which costs the same in a store of any size.
The list is then written once for all markers there are: at once, or soon by a thread of its own.
"""

from __future__ import annotations

import logging
import threading
import uuid
from typing import TYPE_CHECKING

from poetry_aegis.atomic import fsync_directory
from poetry_aegis.registry.locks import exclusive
from poetry_aegis.registry.names import is_normalized
from poetry_aegis.registry.store.listing import parse_project_list
from poetry_aegis.registry.store.pages import JSON_PAGE, write_project_list

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.data import DataDirectory

logger = logging.getLogger(__name__)

_LOCK = ".list"  # no project can be called so
_GATHERING = 0.5  # seconds in which more projects may come, unless somebody waits
_PAUSE = 5.0  # seconds until a list that could not be written is tried again
_PATIENCE = 30.0  # seconds until a list that cannot be written is no longer waited for


class ProjectList:
    """The list on disk. With *deferred* a thread writes it, and `settle` waits for that."""

    def __init__(self, data: DataDirectory, *, deferred: bool = False) -> None:
        self._data = data
        self._deferred = deferred
        self._changing = threading.Condition()
        self._noted_count = 0  # what this process has noted …
        self._written_count = 0  # … and how much of that is on the list
        self._is_awaited = False
        self._is_failing = False
        self._ended = False
        self._thread: threading.Thread | None = None
        self._known: tuple[tuple[int, int, int], list[str]] | None = None

    def names(self) -> list[str]:
        """Return the names on the list as it stands, sorted; none where there is no list."""
        return self._read() or []

    @property
    def exists(self) -> bool:
        """Whether there is a list at all."""
        return (self._data.simple / JSON_PAGE).exists()

    def note(self, project: str) -> None:
        """Take down that *project* has come or gone; what it is now decides. Raises ``OSError``."""
        # Its own name each time: who takes an earlier one away must not take this one, too.
        marker = self._data.unlisted / f"{project}.{uuid.uuid4().hex}"
        marker.touch()
        fsync_directory(marker.parent)
        if self._deferred:
            self._wake()
        else:
            self.bring_up_to_date()

    def bring_up_to_date(self) -> None:
        """Write the list with all that was noted. Raises ``OSError``."""
        with exclusive(self._data.locks / _LOCK):
            markers = self._markers()
            if not markers and self.exists:
                return
            noted = {marker.stem for marker in markers}
            here = {project for project in noted if self._has_page(project)}
            listed = self._read()
            if listed is None:
                listed = list(filter(self._has_page, self._folders()))
            names = (set(listed) - noted) | here
            write_project_list(self._data.simple, sorted(names))
            for marker in markers:
                marker.unlink(missing_ok=True)

    def rebuild(self) -> None:
        """Write the list of just those projects that have a page. Raises ``OSError``."""
        with exclusive(self._data.locks / _LOCK):
            markers = self._markers()
            names = sorted(filter(self._has_page, self._folders()))
            if names != self._read():
                write_project_list(self._data.simple, names)
            for marker in markers:
                marker.unlink(missing_ok=True)

    def resume(self) -> None:
        """Go on with what an earlier process has noted. Raises ``OSError``."""
        if self._markers():
            if self._deferred:
                self._wake()
            else:
                self.bring_up_to_date()

    @property
    def is_settled(self) -> bool:
        """Whether all that this process has noted is on the list."""
        return self._written_count == self._noted_count

    def settle(self) -> None:
        """Wait until what this process has noted so far is on the list, or cannot be for now."""
        with self._changing:
            wanted = self._noted_count
            self._is_awaited = True
            self._changing.notify_all()
            self._changing.wait_for(
                lambda: self._is_failing or self._written_count >= wanted, _PATIENCE
            )

    def close(self) -> None:
        """End the thread, after the list is written."""
        with self._changing:
            self._ended = True
            self._changing.notify_all()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _wake(self) -> None:
        with self._changing:
            self._noted_count += 1
            self._changing.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="projects", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changing:
                self._changing.wait_for(lambda: self._ended or not self.is_settled)
                if self.is_settled:
                    return
                # Others may come just now; one list is written for all of them.
                self._changing.wait_for(lambda: self._ended or self._is_awaited, _GATHERING)
                self._is_awaited = False
                count = self._noted_count
            try:
                self.bring_up_to_date()
            except OSError:
                logger.exception("The project list cannot be written; its markers stay.")
                if self._ends_in_pause():
                    return
                continue
            with self._changing:
                self._written_count = count
                self._is_failing = False
                self._changing.notify_all()

    def _ends_in_pause(self) -> bool:
        """Let go of who waits, pause after a failure, and tell whether the store was closed."""
        with self._changing:
            self._is_failing = True
            self._changing.notify_all()
            return self._changing.wait_for(lambda: self._ended, _PAUSE)

    def _read(self) -> list[str] | None:
        page = self._data.simple / JSON_PAGE
        try:
            found = page.stat()
            signature = (found.st_ino, found.st_size, found.st_mtime_ns)
            if self._known is None or self._known[0] != signature:
                self._known = (signature, parse_project_list(page.read_bytes()))
            return list(self._known[1])
        except FileNotFoundError:
            return None
        except ValueError:
            logger.warning("The project list is damaged; it is made anew.")
            return None

    def _folders(self) -> list[str]:
        return [path.name for path in self._data.simple.iterdir() if is_normalized(path.name)]

    def _markers(self) -> list[Path]:
        return [path for path in self._data.unlisted.iterdir() if is_normalized(path.stem)]

    def _has_page(self, project: str) -> bool:
        return (self._data.project_pages(project) / JSON_PAGE).exists()
