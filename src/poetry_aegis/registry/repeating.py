"""Work that is done again and again beside the server."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def repeating(work: Callable[[], object], seconds: float) -> Iterator[None]:
    """Do *work* in a thread every so many *seconds* until the block ends, and once more then.

    What it raises does not end it; of failures in a row the first and the last are logged.
    """
    ending = threading.Event()
    tries = _Tries(work)

    def repeat() -> None:
        while not ending.wait(seconds):
            tries.once_more()

    thread = threading.Thread(target=repeat, name=getattr(work, "__name__", "work"), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        tries.once_more()
        tries.tell_last()


class _Tries:
    """Does *work*, and tells of its failures."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._in_a_row = 0
        self._last: Exception | None = None

    def once_more(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._in_a_row += 1
            self._last = error
            if self._in_a_row == 1:
                logger.exception("What is done every second failed, and is tried again.")
        else:
            self.tell_last()
            self._in_a_row = 0

    def tell_last(self) -> None:
        """Log the last of several failures in a row; that of one was logged already."""
        if self._in_a_row > 1:
            logger.error(
                "What is done every second failed %d times.", self._in_a_row, exc_info=self._last
            )
