"""What uploading threads have to tell, passed on by the one thread that may write to a terminal."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.reporter import Reporter

    Told = Callable[[Reporter], None]

_TICK = 0.2  # seconds; on Windows Ctrl-C is noticed only between two waits


class Stopped(Exception):
    """The work is broken off: nothing more may leave."""


class Relay:
    """Between uploading threads and a `Reporter`; it also says to them when to stop."""

    def __init__(self) -> None:
        self._told: deque[Told] = deque()
        self._news = threading.Semaphore(0)
        self._leaving = threading.Lock()
        self._stopped = False
        self._failing = threading.Event()
        self._possible: set[str] = set()

    # For the threads

    def started(self, distribution: Distribution) -> None:
        """Tell that the upload of *distribution* begins."""
        self._tell(lambda reporter: reporter.started(distribution))

    def leaving(self, distribution: Distribution, sent: int) -> None:
        """Tell that *sent* bytes leave now; with the last of them the server may have the file.

        Raises `Stopped` where they may not leave any more.
        """

        def told(reporter: Reporter) -> None:
            reporter.advanced(distribution, sent)
            if sent >= distribution.size:
                reporter.sent(distribution)

        # One lock for both: what has left is told of, and what is told of may leave.
        with self._leaving:
            if self._stopped:
                raise Stopped
            if sent >= distribution.size:
                self._possible.add(distribution.filename)
            self._tell(told)

    def possible(self, distribution: Distribution) -> None:
        """Tell that the server may have *distribution*."""
        self._possible.add(distribution.filename)
        self._tell(lambda reporter: reporter.sent(distribution))

    def absent(self, distribution: Distribution) -> None:
        """Tell that the server does not have *distribution* after all."""
        self._possible.discard(distribution.filename)
        self._tell(lambda reporter: reporter.absent(distribution))

    def finished(self, distribution: Distribution, status: str) -> None:
        """Tell that the server has *distribution*."""
        self._tell(lambda reporter: reporter.finished(distribution, status))

    def note(self, message: str) -> None:
        """Tell a sentence that belongs to no single file."""
        self._tell(lambda reporter: reporter.note(message))

    def pause(self, seconds: float) -> bool:
        """Wait so long; return False where nothing is to be tried again."""
        return not self._failing.wait(seconds)

    # For the thread that waits

    def fail(self) -> None:
        """Let what is under way come to its end, without another try."""
        self._failing.set()

    def stop(self) -> None:
        """Let no more bytes leave; what has left before is told of by then."""
        self._failing.set()
        with self._leaving:
            self._stopped = True

    def is_possible(self, distribution: Distribution) -> bool:
        """Return whether the server may have *distribution*."""
        return distribution.filename in self._possible

    def pass_on(self, reporter: Reporter, *, until: Callable[[], bool]) -> None:
        """Tell *reporter* what is told, *until* nobody is there any more to tell something."""
        while not until():
            if self._news.acquire(timeout=_TICK):
                self._pass_on_all(reporter)
        self._pass_on_all(reporter)

    def _pass_on_all(self, reporter: Reporter) -> None:
        while self._told:
            # Removed once it is told: an interrupt in between must not swallow it.
            self._told[0](reporter)
            self._told.popleft()

    def wake(self) -> None:
        """Let `pass_on` look whether it is at its end."""
        self._news.release()

    def _tell(self, told: Told) -> None:
        self._told.append(told)
        self._news.release()
