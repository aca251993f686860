"""Ctrl-C, let in where it does no harm.

A ``KeyboardInterrupt`` may arise between any two instructions of the main thread, also between
those with which `concurrent.futures` takes its locks. Such a lock stays taken, and a worker waits
for it for ever.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def interrupts_held_back() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that is yielded is called, or the block ends.

    That function, to be called every now and then, raises the ``KeyboardInterrupt``. A second
    Ctrl-C is not held back. In another thread than the main one, which gets no signals, and where
    Ctrl-C means something else, nothing changes.
    """
    noted = threading.Event()

    def let_in() -> None:
        if noted.is_set():
            noted.clear()
            raise KeyboardInterrupt

    def note(number: int, _frame: object) -> None:
        signal.signal(number, signal.default_int_handler)
        noted.set()

    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield let_in
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield let_in
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    let_in()
