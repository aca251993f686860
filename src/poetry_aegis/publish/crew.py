"""Threads that work off tasks, and the one that waits for them and tells of what they do."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from poetry_aegis.publish.relay import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from poetry_aegis.publish.relay import Relay
    from poetry_aegis.publish.reporter import Reporter

Task = TypeVar("Task")

_PATIENCE = 2.0  # seconds until a thread that does not end is left alone


class Crew(Generic[Task]):
    """Threads that *work* off tasks. *cut* wakes those that wait for somebody else.

    *failures* are the tasks that failed, the first one first, with their errors.
    """

    def __init__(self, work: Callable[[Task], None], relay: Relay, cut: Callable[[], None]) -> None:
        self.failures: list[tuple[Task, Exception]] = []
        self._work = work
        self._relay = relay
        self._cut = cut

    def work_off(self, tasks: Iterable[Task], jobs: int, reporter: Reporter) -> None:
        """Work off *tasks*, as many at a time as there are *jobs*, and tell *reporter* of it.

        After a failure none is begun any more. Raises the first one once the others have ended,
        and what interrupts this thread as soon as nothing more leaves.
        """
        left, ended = deque(tasks), list[None]()
        threads = [
            # Python's own end waits for no daemon: Ctrl-C is meant.
            threading.Thread(target=self._run, args=(left, ended), daemon=True, name=f"crew-{n}")
            for n in range(min(jobs, len(left)))
        ]
        try:
            for thread in threads:
                thread.start()
            self._relay.pass_on(reporter, until=lambda: len(ended) == len(threads))
        except BaseException:
            left.clear()
            self._relay.stop()
            self._cut()
            for thread in threads:
                with contextlib.suppress(RuntimeError):  # It may not have been started yet.
                    thread.join(_PATIENCE)
            self._relay.pass_on(reporter, until=lambda: True)
            raise
        if self.failures:
            raise self.failures[0][1]

    def _run(self, left: deque[Task], ended: list[None]) -> None:
        while not self.failures and (task := _next(left)) is not None:
            self._try(task)
        ended.append(None)
        self._relay.wake()

    def _try(self, task: Task) -> None:
        try:
            self._work(task)
        except Stopped:
            pass  # There is nothing left to do, either.
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
            self.failures.append((task, error))
            self._relay.fail()


def _next(left: deque[Task]) -> Task | None:
    try:
        return left.popleft()
    except IndexError:  # Another thread has taken the last one.
        return None
