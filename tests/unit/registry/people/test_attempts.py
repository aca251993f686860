from __future__ import annotations

import asyncio

import pytest

from poetry_aegis.registry.errors import TooManyFailures
from poetry_aegis.registry.options import LoginLimits
from poetry_aegis.registry.people import attempts
from poetry_aegis.registry.people.attempts import Attempts

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counted(clock: Clock) -> Attempts:
    return Attempts(LoginLimits(per_address=3, per_user=5, window=60), clock=clock)


def check(counted: Attempts, address: str | None, name: str | None) -> None:
    asyncio.run(counted.check(address, name))


def fail(counted: Attempts, address: str | None, name: str | None) -> None:
    asyncio.run(counted.failed(address, name))


def limited(counted: Attempts, address: str | None, name: str | None) -> bool:
    try:
        check(counted, address, name)
    except TooManyFailures:
        return True
    return False


def test_an_address_is_limited_whatever_the_names(counted: Attempts) -> None:
    for name in ("ada", "bob", None):
        assert not limited(counted, HERE, "eve")
        fail(counted, HERE, name)

    assert limited(counted, HERE, "eve")
    assert limited(counted, HERE, None)
    assert not limited(counted, THERE, "ada")


def test_a_name_is_limited_whatever_the_addresses(counted: Attempts) -> None:
    for number in range(5):
        assert not limited(counted, THERE, "ada")
        fail(counted, f"198.51.100.{number}", "ada")

    assert limited(counted, THERE, "ada")
    assert not limited(counted, THERE, "bob")
    assert not limited(counted, THERE, None)


def test_the_window_slides_and_tells_when_to_come_again(counted: Attempts, clock: Clock) -> None:
    for moment in (0.0, 20.0, 40.0):
        clock.now = 1000 + moment
        fail(counted, HERE, "ada")

    with pytest.raises(TooManyFailures, match="in 20 seconds") as caught:
        check(counted, HERE, "ada")
    assert caught.value.headers == ((b"retry-after", b"20"),)

    clock.now = 1059.5
    with pytest.raises(TooManyFailures) as caught:
        check(counted, HERE, "ada")
    assert caught.value.seconds == 1
    clock.now = 1060
    check(counted, HERE, "ada")
    fail(counted, HERE, "ada")
    assert limited(counted, HERE, "ada")  # the failures at 20, 40 and 60


@pytest.mark.parametrize(
    ("address", "neighbour", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        (None, None, True),
        ("not:an:address", "not:an:address", True),
    ],
)
def test_addresses_of_one_owner_count_together(
    counted: Attempts, address: str | None, neighbour: str | None, *, together: bool
) -> None:
    for _ in range(3):
        fail(counted, address, None)

    assert limited(counted, neighbour, None) is together


def test_memory_is_bounded(counted: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_MOST_KEYS", 100)
    for number in range(1000):
        fail(counted, f"address {number}", "n" * 100_000 + str(number))

    assert len(counted._of_address._times) == 100
    assert "address 999" in counted._of_address._times
    assert max(map(len, counted._of_user._times)) == 255
    assert max(map(len, counted._of_user._times.values())) == 5
