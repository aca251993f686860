from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.bounded import Bounded


def test_what_was_not_used_for_the_longest_time_makes_room() -> None:
    kept: Bounded[str, int] = Bounded(3)
    for number, key in enumerate("abc"):
        kept.put(key, number)
    assert kept.get("a") == 0
    assert "b" in kept  # To look is no use.

    kept.put("d", 3)

    assert [kept.get(key) for key in "abcd"] == [0, None, 2, 3]


def test_what_is_heavier_than_all_may_be_makes_nothing_go() -> None:
    kept: Bounded[str, str] = Bounded(10)
    kept.put("small", "s", 4)
    kept.put("large", "old", 5)

    assert kept.put("large", "new", 11) == "new"

    assert (kept.get("small"), kept.get("large")) == ("s", None)


def test_what_is_forgotten_leaves_its_room() -> None:
    kept: Bounded[str, int] = Bounded(2)
    kept.put("a", 1, 2)
    kept.drop("a")
    kept.drop("nothing")
    kept.put("b", 2, 2)
    assert kept.get("b") == 2
    kept.clear()
    kept.put("c", 3)
    kept.put("d", 4)

    assert (len(kept), kept.get("c"), kept.get("d")) == (2, 3, 4)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=60))
def test_the_weight_is_that_of_what_is_kept(puts: list[tuple[int, int]]) -> None:
    kept: Bounded[int, int] = Bounded(10)
    weights: dict[int, int] = {}
    for key, weight in puts:
        assert kept.put(key, weight, weight) == weight
        weights[key] = weight
        assert kept._weight == sum(weights[key] for key in range(6) if key in kept) <= 10


def test_threads_leave_it_whole() -> None:
    kept: Bounded[int, int] = Bounded(40)

    def use(start: int) -> None:
        for number in range(start, start + 20_000):
            kept.put(number % 13, number, number % 13)
            kept.get(number % 7)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(use, range(6))) == [None] * 6  # It raises what they raise.

    assert kept._weight == sum(key for key in range(13) if key in kept) <= 40
