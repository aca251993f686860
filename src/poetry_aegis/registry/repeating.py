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
def repeating(work: Callable[[], None], seconds: float) -> Iterator[None]:
    """Do *work* in a thread every so many *seconds* until the block ends, and once more then.

    What it raises is logged, and it is tried again.
    """
    ending = threading.Event()

    def repeat() -> None:
        while not ending.wait(seconds):
            _try(work)

    thread = threading.Thread(target=repeat, name=getattr(work, "__name__", "work"), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        _try(work)


def _try(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        logger.exception("What is done every second failed.")
