"""The list of all projects: brought up to date beside the writes, not by each of them.

A project that comes or goes leaves a durable marker, which costs the same in a store of any size.
The list is then written once for all markers there are: at once, or soon by a thread of its own.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from poetry_aegis.atomic import fsync_directory
from poetry_aegis.registry.locks import exclusive
from poetry_aegis.registry.names import is_normalized
from poetry_aegis.registry.store.listing import parse_project_list
from poetry_aegis.registry.store.pages import JSON_PAGE, write_project_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poetry_aegis.registry.data import DataDirectory

logger = logging.getLogger(__name__)

_LOCK = ".list"  # no project can be called so
_PATIENCE = 30.0  # seconds until a list that cannot be written is no longer waited for


class ProjectList:
    """The list on disk. With *deferred* a thread writes it, and `settle` waits for that."""

    def __init__(self, data: DataDirectory, *, deferred: bool = False) -> None:
        self._data = data
        self._deferred = deferred
        self._wanted = threading.Event()
        self._settled = threading.Event()
        self._settled.set()
        self._ended = threading.Event()
        self._waking = threading.Lock()
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
        marker = self._data.unlisted / project
        marker.touch()
        fsync_directory(marker.parent)
        if self._deferred:
            self._wake()
        else:
            self.bring_up_to_date()

    def bring_up_to_date(self) -> None:
        """Write the list with all that was noted. Raises ``OSError``."""
        with exclusive(self._data.locks / _LOCK):
            noted = self._noted()
            if not noted and self.exists:
                return
            here = {project for project in noted if self._has_page(project)}
            listed = self._read()
            if listed is None:
                listed = list(filter(self._has_page, self._folders()))
            names = (set(listed) - set(noted)) | here
            write_project_list(self._data.simple, sorted(names))
            for project in noted:
                (self._data.unlisted / project).unlink(missing_ok=True)

    def rebuild(self, projects: Iterable[str]) -> None:
        """Write the list of just those of *projects* that have a page. Raises ``OSError``."""
        with exclusive(self._data.locks / _LOCK):
            names = sorted(filter(self._has_page, projects))
            if names != self._read():
                write_project_list(self._data.simple, names)
            for project in self._noted():
                if project in names or not self._has_page(project):
                    (self._data.unlisted / project).unlink(missing_ok=True)

    def resume(self) -> None:
        """Go on with what an earlier process has noted."""
        if self._noted():
            if self._deferred:
                self._wake()
            else:
                self.bring_up_to_date()

    @property
    def is_settled(self) -> bool:
        """Whether all that this process has noted is on the list."""
        return self._settled.is_set()

    def settle(self) -> None:
        """Wait until all that this process has noted is on the list."""
        self._settled.wait(_PATIENCE)

    def close(self) -> None:
        """End the thread, after the list is written."""
        self._ended.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _wake(self) -> None:
        with self._waking:
            self._settled.clear()
            self._wanted.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="projects", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while not (self._ended.is_set() and self._settled.is_set()):
            self._wanted.wait()
            self._wanted.clear()
            try:
                self.bring_up_to_date()
            except OSError:
                logger.exception("The project list cannot be written; its markers stay.")
            with self._waking:
                if not self._wanted.is_set():
                    self._settled.set()

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

    def _noted(self) -> list[str]:
        return [path.name for path in self._data.unlisted.iterdir() if is_normalized(path.name)]

    def _has_page(self, project: str) -> bool:
        return (self._data.project_pages(project) / JSON_PAGE).exists()
