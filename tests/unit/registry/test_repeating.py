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


def test_of_failures_in_a_row_the_first_and_the_last_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried: list[int] = []
    often = threading.Event()

    def fail() -> None:
        tried.append(1)
        if len(tried) == 5:
            often.set()
        raise OSError(f"number {len(tried)}")

    with repeating(fail, 0.001):
        assert often.wait(10)

    first, last = caplog.records
    assert "number 1" in str(first.exc_info)
    assert last.getMessage() == f"What is done every second failed {len(tried)} times."
    assert f"number {len(tried)}" in str(last.exc_info)


def test_each_row_of_failures_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = [True, False, True, True, False, True]
    done = threading.Event()

    def work() -> None:
        if outcomes and outcomes.pop(0):
            raise OSError("no")
        if not outcomes:
            done.set()

    with repeating(work, 0.001):
        assert done.wait(10)

    assert [record.getMessage().partition(" failed")[2] for record in caplog.records] == [
        ", and is tried again.",
        ", and is tried again.",
        " 2 times.",
        ", and is tried again.",
    ]
