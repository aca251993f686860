from __future__ import annotations

import threading
import time

import pytest

from poetry_aegis.signing.parallel import in_parallel


def test_outcomes_come_in_the_order_of_the_tasks() -> None:
    def work(number: int) -> int:
        time.sleep(0.01 * (3 - number))
        return number * 10

    heard: list[tuple[int, int]] = []
    found = in_parallel(work, [0, 1, 2], 3, lambda done, total: heard.append((done, total)))
    assert found == [0, 10, 20]
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_so_many_are_done_at_a_time_and_no_more() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1

    in_parallel(work, range(12), 3)
    assert most == 3


def test_after_a_failure_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        in_parallel(work, range(1000), 1)
    assert begun == [0]


def test_nothing_to_do_is_done() -> None:
    assert in_parallel(str, [], 0) == []
