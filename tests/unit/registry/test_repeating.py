from __future__ import annotations

import threading

import pytest

from poetry_aegis.registry.repeating import repeating


def test_work_is_repeated_and_done_once_more_at_the_end() -> None:
    done: list[int] = []
    thrice = threading.Event()

    def work() -> None:
        done.append(1)
        if len(done) == 3:
            thrice.set()

    with repeating(work, 0.001):
        assert thrice.wait(10)
        last = len(done)

    assert len(done) > last


def test_the_last_time_comes_even_where_none_came_before() -> None:
    done: list[int] = []

    with pytest.raises(SystemExit), repeating(lambda: done.append(1), 3600):
        raise SystemExit(0)

    assert done == [1]


def test_a_failure_is_logged_and_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []
    twice = threading.Event()

    def fail() -> None:
        tried.append(1)
        if len(tried) == 2:
            twice.set()
        raise OSError("no")

    with repeating(fail, 0.001):
        assert twice.wait(10)

    assert len(caplog.records) == len(tried)
