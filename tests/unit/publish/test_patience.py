from __future__ import annotations

import pytest

from poetry_aegis.errors import PublishError
from poetry_aegis.publish.patience import Failure, Patience, persist

PASSING = Failure(PublishError("Not now."), repeatable=True)


class Clock:
    """A clock that only those who wait move on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> bool:
        if seconds:
            self.waits.append(seconds)
        self.now += seconds
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("poetry_aegis.publish.patience.time.monotonic", clock.monotonic)
    return clock


def give_up(clock: Clock, patience: Patience, *outcomes: Failure) -> int:
    """Return how often it was tried, with *outcomes* and then the last of them for ever."""
    tries = 0

    def attempt() -> Failure:
        nonlocal tries
        tries += 1
        return outcomes[min(tries, len(outcomes)) - 1]

    with pytest.raises(PublishError):
        persist(attempt, patience, lambda _: None, pause=clock.pause)
    return tries


def test_the_waits_grow_and_differ_from_time_to_time(clock: Clock) -> None:
    patience = Patience()
    assert give_up(clock, patience, PASSING) == len(patience.backoffs) + 1
    for wait, backoff in zip(clock.waits, patience.backoffs, strict=True):
        assert 0.75 * backoff <= wait <= 1.25 * backoff
    first = list(clock.waits)
    give_up(clock, patience, PASSING)
    assert clock.waits[len(first) :] != first


def test_what_the_server_asks_for_is_waited_and_no_more_than_the_longest(clock: Clock) -> None:
    asked = Failure(PublishError("Slowly."), repeatable=True, wait=7.0)
    give_up(clock, Patience(backoffs=(0.5,)), asked)
    assert clock.waits == [7.0]
    too_long = Failure(PublishError("Tomorrow."), repeatable=True, wait=61.0)
    assert give_up(clock, Patience(), too_long) == 1


def test_all_of_it_has_an_end(clock: Clock) -> None:
    asked = Failure(PublishError("Slowly."), repeatable=True, wait=50.0)
    patience = Patience(backoffs=(1.0,) * 100, in_all=300.0)
    assert give_up(clock, patience, asked) == 7
    assert clock.now == 300.0


def test_one_repeat_is_granted_after_an_attempt_that_took_long(clock: Clock) -> None:
    """The time in all counts from the first failure: a large file may take an hour to send."""
    tries = 0

    def attempt() -> Failure | str:
        nonlocal tries
        tries += 1
        clock.now += 3600.0
        return PASSING if tries == 1 else "arrived"

    assert persist(attempt, Patience(), lambda _: None, pause=clock.pause) == "arrived"


def test_where_all_shall_end_nothing_is_announced(clock: Clock) -> None:
    told: list[str] = []
    with pytest.raises(PublishError):
        persist(lambda: PASSING, Patience(), told.append, pause=lambda _: False)
    assert told == []
