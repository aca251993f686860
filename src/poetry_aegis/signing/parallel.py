"""Several things at a time, waited for by the thread that tells of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


def in_parallel(
    work: Callable[[Task], Outcome],
    tasks: Sequence[Task],
    jobs: int,
    advance: Callable[[int, int], object] = lambda done, total: None,  # noqa: ARG005
) -> list[Outcome]:
    """Return what *work* gives for each of *tasks*, in their order, *jobs* of them at a time.

    *advance* hears in this thread how many are done, of how many. Raises what *work* raises, and
    begins none of those that are left then.
    """
    outcomes: dict[int, Outcome] = {}
    failed = threading.Event()

    def attempt(place: int) -> None:
        if failed.is_set():
            return
        try:
            outcomes[place] = work(tasks[place])
        except BaseException:
            failed.set()
            raise

    executor = ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="verify")
    try:
        futures = [executor.submit(attempt, place) for place in range(len(tasks))]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            advance(done, len(tasks))
        return [outcomes[place] for place in range(len(tasks))]
    finally:
        failed.set()
        # Not waited for: Ctrl-C is meant. Whoever owns the connections cuts them.
        executor.shutdown(wait=False, cancel_futures=True)
