from __future__ import annotations

import asyncio
import base64
import threading
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.errors import Overloaded
from poetry_aegis.registry.people.decisions import Decisions, basic_credential
from poetry_aegis.registry.people.identity import Identity
from poetry_aegis.registry.people.users import Users

if TYPE_CHECKING:
    from pathlib import Path


class CountingUsers(Users):
    """Counts how often a password is really checked."""

    checks = 0

    def authenticate(self, name: str, password: str) -> Identity | None:
        self.checks += 1
        return super().authenticate(name, password)


class HeldUsers(CountingUsers):
    """Checks no password until it is let go."""

    def __init__(self, directory: Path, rounds: int) -> None:
        super().__init__(directory, rounds=rounds)
        self.let_go = threading.Event()
        self.let_go.set()

    def authenticate(self, name: str, password: str) -> Identity | None:
        assert self.let_go.wait(20)
        return super().authenticate(name, password)


@pytest.fixture
def held(tmp_path: Path) -> HeldUsers:
    found = HeldUsers(tmp_path, rounds=4)
    found.add("ada", "secret")
    return found


@pytest.fixture
def users(tmp_path: Path) -> CountingUsers:
    found = CountingUsers(tmp_path, rounds=4)
    found.add("ada", "secret")
    return found


def basic(name: str, password: str, encoding: str = "utf-8") -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode(encoding))


def test_a_credential_is_checked_once_even_by_many_at_a_time(users: CountingUsers) -> None:
    async def ask() -> list[Identity | None]:
        decisions = Decisions(users)
        together = await asyncio.gather(
            *(decisions.user_of(basic("ada", "secret")) for _ in range(20))
        )
        return [*together, await decisions.user_of(basic("ada", "secret"))]

    assert asyncio.run(ask()) == [Identity("ada", "admin")] * 21
    assert users.checks == 1


def test_a_wrong_credential_is_remembered_too_and_apart(users: CountingUsers) -> None:
    async def ask() -> list[Identity | None]:
        decisions = Decisions(users)
        headers = [basic("ada", "wrong"), basic("ada", "secret"), basic("ada", "wrong")]
        return [await decisions.user_of(header) for header in headers]

    assert asyncio.run(ask()) == [None, Identity("ada", "admin"), None]
    assert users.checks == 2


def test_a_decision_lives_for_seconds_only(users: CountingUsers) -> None:
    async def ask() -> None:
        decisions = Decisions(users, lifetime=0)
        await decisions.user_of(basic("ada", "secret"))
        await decisions.user_of(basic("ada", "secret"))

    asyncio.run(ask())

    assert users.checks == 2


def test_all_is_forgotten_when_a_user_changes(users: CountingUsers) -> None:
    async def ask() -> list[Identity | None]:
        decisions = Decisions(users)
        first = await decisions.user_of(basic("ada", "secret"))
        users.add("ada", "new", "reader", replace=True)
        return [
            first,
            await decisions.user_of(basic("ada", "secret")),
            await decisions.user_of(basic("ada", "new")),
        ]

    assert asyncio.run(ask()) == [Identity("ada", "admin"), None, Identity("ada", "reader")]


def test_neither_name_nor_password_is_kept(users: CountingUsers) -> None:
    async def ask() -> Decisions:
        decisions = Decisions(users)
        await decisions.user_of(basic("ada", "secret"))
        return decisions

    decisions = asyncio.run(ask())

    (fingerprint,) = decisions._decided
    assert len(fingerprint) == 32
    assert basic("ada", "secret") not in decisions._decided


def test_a_request_that_goes_away_leaves_the_decision_to_the_others(users: CountingUsers) -> None:
    async def ask() -> Identity | None:
        decisions = Decisions(users)
        first = asyncio.ensure_future(decisions.user_of(basic("ada", "secret")))
        second = asyncio.ensure_future(decisions.user_of(basic("ada", "secret")))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(ask()) == Identity("ada", "admin")
    assert users.checks == 1


def test_beyond_a_few_undecided_credentials_the_next_is_refused(held: HeldUsers) -> None:
    async def ask() -> list[Identity | BaseException | None]:
        decisions = Decisions(held, workers=1)
        held.let_go.clear()
        asked = [
            asyncio.ensure_future(decisions.user_of(basic("ada", f"wrong {number}")))
            for number in range(50)
        ]
        await asyncio.sleep(0)
        held.let_go.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(ask())

    assert answers[:8] == [None] * 8
    assert all(isinstance(answer, Overloaded) for answer in answers[8:])
    assert held.checks == 8


def test_who_was_right_before_is_let_in_past_a_crowd(held: HeldUsers) -> None:
    async def ask() -> Identity | None:
        decisions = Decisions(held, workers=1, lifetime=0)
        await decisions.user_of(basic("ada", "secret"))
        held.let_go.clear()
        crowd = [
            asyncio.ensure_future(decisions.user_of(basic("ada", f"wrong {number}")))
            for number in range(8)
        ]
        await asyncio.sleep(0)
        known = asyncio.ensure_future(decisions.user_of(basic("ada", "secret")))
        await asyncio.sleep(0)
        held.let_go.set()
        await asyncio.gather(*crowd)
        return await known

    assert asyncio.run(ask()) == Identity("ada", "admin")


def test_what_nobody_waits_for_any_more_is_not_checked(held: HeldUsers) -> None:
    async def ask() -> Identity | None:
        decisions = Decisions(held, workers=1)
        held.let_go.clear()
        crowd = [
            asyncio.ensure_future(decisions.user_of(basic("ada", f"wrong {number}")))
            for number in range(8)
        ]
        await asyncio.sleep(0)
        for request in crowd:
            request.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        wanted = asyncio.ensure_future(decisions.user_of(basic("ada", "secret")))
        again = asyncio.ensure_future(decisions.user_of(basic("ada", "wrong 7")))
        await asyncio.sleep(0)
        held.let_go.set()
        assert await again is None
        return await wanted

    assert asyncio.run(ask()) == Identity("ada", "admin")
    assert held.checks == 3  # one of the crowd had begun


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (basic("ada", "secret"), ("ada", "secret")),
        (basic("bé", "pä:ss"), ("bé", "pä:ss")),
        (basic("bé", "pä", "latin-1"), ("bé", "pä")),
        (basic("ada", "secret").replace(b"Basic ", b"basic  "), ("ada", "secret")),
        (b"Basic " + base64.b64encode(b"no colon"), None),
        (b"Basic !!!", None),
        (b"Basic", None),
        (b"Bearer " + base64.b64encode(b"ada:secret"), None),
        (b"", None),
    ],
)
def test_http_basic_is_read_strictly(header: bytes, expected: tuple[str, str] | None) -> None:
    assert basic_credential(header) == expected


def test_what_is_no_credential_costs_no_check(users: CountingUsers) -> None:
    async def ask() -> Identity | None:
        return await Decisions(users).user_of(b"Bearer token")

    assert asyncio.run(ask()) is None
    assert users.checks == 0
