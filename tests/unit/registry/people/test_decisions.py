from __future__ import annotations

import asyncio
import base64
import threading
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.errors import Overloaded
from poetry_aegis.registry.people import decisions as decisions_module
from poetry_aegis.registry.people.decisions import Decisions
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
        self.begun = threading.Event()
        self.let_go = threading.Event()
        self.let_go.set()

    def authenticate(self, name: str, password: str) -> Identity | None:
        self.begun.set()
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
        decisions = Decisions(users, look_every=0)
        together = await asyncio.gather(
            *(decisions.user_of(basic("ada", "secret")) for _ in range(20))
        )
        return [*together, await decisions.user_of(basic("ada", "secret"))]

    assert asyncio.run(ask()) == [Identity("ada", "admin")] * 21
    assert users.checks == 1


def test_a_wrong_credential_is_remembered_too_and_apart(users: CountingUsers) -> None:
    async def ask() -> list[Identity | None]:
        decisions = Decisions(users, look_every=0)
        headers = [basic("ada", "wrong"), basic("ada", "secret"), basic("ada", "wrong")]
        return [await decisions.user_of(header) for header in headers]

    assert asyncio.run(ask()) == [None, Identity("ada", "admin"), None]
    assert users.checks == 2


def test_a_decision_lives_for_seconds_only(users: CountingUsers) -> None:
    async def ask() -> None:
        decisions = Decisions(users, lifetime=0, look_every=0)
        await decisions.user_of(basic("ada", "secret"))
        await decisions.user_of(basic("ada", "secret"))

    asyncio.run(ask())

    assert users.checks == 2


def test_all_is_forgotten_when_a_user_changes(users: CountingUsers) -> None:
    async def ask() -> list[Identity | None]:
        decisions = Decisions(users, look_every=0)
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
        decisions = Decisions(users, look_every=0)
        await decisions.user_of(basic("ada", "secret"))
        return decisions

    decisions = asyncio.run(ask())

    (fingerprint,) = decisions._decided._kept
    assert len(fingerprint) == 32
    assert basic("ada", "secret") not in decisions._decided


def test_a_request_that_goes_away_leaves_the_decision_to_the_others(users: CountingUsers) -> None:
    async def ask() -> Identity | None:
        decisions = Decisions(users, look_every=0)
        first = asyncio.ensure_future(decisions.user_of(basic("ada", "secret")))
        second = asyncio.ensure_future(decisions.user_of(basic("ada", "secret")))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(ask()) == Identity("ada", "admin")
    assert users.checks == 1


def test_beyond_a_few_undecided_credentials_the_next_is_refused(held: HeldUsers) -> None:
    async def ask() -> list[Identity | BaseException | None]:
        decisions = Decisions(held, look_every=0, workers=1)
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
        decisions = Decisions(held, look_every=0, workers=1, lifetime=0)
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
        decisions = Decisions(held, look_every=0, workers=1)
        held.let_go.clear()
        crowd = [
            asyncio.ensure_future(decisions.user_of(basic("ada", f"wrong {number}")))
            for number in range(8)
        ]
        await asyncio.sleep(0)
        assert held.begun.wait(20)
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


def test_what_is_no_credential_costs_no_check(users: CountingUsers) -> None:
    async def ask() -> Identity | None:
        return await Decisions(users, look_every=0).user_of(b"Digest token")

    assert asyncio.run(ask()) is None
    assert users.checks == 0


def test_a_token_is_decided_on_once_and_without_bcrypt(users: CountingUsers) -> None:
    token, text = users.create_token("ada")
    header = b"Bearer " + text.encode()

    async def ask() -> list[Identity | None]:
        decisions = Decisions(users, look_every=0)
        first = await decisions.user_of(header)
        known = decisions.known(header)
        return [
            first,
            known.user if known else None,
            await decisions.user_of(basic("__token__", text)),
        ]

    found = asyncio.run(ask())
    assert [user and user.token for user in found] == [token.id] * 3
    assert users.checks == 0


def test_a_decision_on_a_token_ends_with_the_token(
    users: CountingUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(timezone.utc)
    _, text = users.create_token("ada", expires=now + timedelta(seconds=5))
    header = b"Bearer " + text.encode()

    async def ask() -> list[bool]:
        decisions = Decisions(users, look_every=0)
        assert await decisions.user_of(header)
        before = decisions.known(header) is not None
        later = time.monotonic() + 6
        monkeypatch.setattr("poetry_aegis.registry.people.decisions.time.monotonic", lambda: later)
        return [before, decisions.known(header) is not None]

    assert asyncio.run(ask()) == [True, False]


def test_a_token_does_not_wait_behind_passwords(held: HeldUsers) -> None:
    _, text = held.create_token("ada")

    async def ask() -> Identity | None:
        decisions = Decisions(held, look_every=0, workers=1)
        held.let_go.clear()
        crowd = [
            asyncio.ensure_future(decisions.user_of(basic("ada", f"wrong {number}")))
            for number in range(8)
        ]
        await asyncio.sleep(0)
        user = await decisions.user_of(b"Bearer " + text.encode())
        held.let_go.set()
        await asyncio.gather(*crowd)
        return user

    assert asyncio.run(ask())


def test_wrong_tokens_push_nothing_out(
    users: CountingUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poetry_aegis.registry.people.decisions._MOST", 4)

    async def ask() -> bool:
        decisions = Decisions(users, look_every=0)
        await decisions.user_of(basic("ada", "secret"))
        for number in range(8):
            assert await decisions.user_of(f"Bearer aegis_x_{number}".encode()) is None
        return decisions.known(basic("ada", "secret")) is not None

    assert asyncio.run(ask())


def test_what_was_right_is_known_even_after_a_change_and_until_it_is_wrong(
    users: CountingUsers,
) -> None:
    async def ask() -> list[bool]:
        decisions, header = Decisions(users, look_every=0), basic("ada", "secret")
        was_right = [decisions.was_right(header)]
        await decisions.user_of(header)
        was_right.append(decisions.was_right(header))
        users.add("ada", "new", replace=True)
        assert decisions.known(header) is None
        was_right.append(decisions.was_right(header))
        await decisions.user_of(header)
        return [*was_right, decisions.was_right(header)]

    assert asyncio.run(ask()) == [False, True, True, False]


def test_a_credential_in_use_is_checked_anew_before_its_time_is_over(
    users: CountingUsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    clock = SimpleNamespace(monotonic=lambda: now, time=time.time)
    monkeypatch.setattr(decisions_module, "time", clock)

    async def ask() -> None:
        nonlocal now
        decisions, header = Decisions(users, lifetime=100), basic("ada", "secret")
        await decisions.user_of(header)
        now += 60
        assert decisions.known(header)
        assert not decisions._deciding
        now += 15
        assert decisions.known(header)
        assert decisions.known(header)
        (pending,) = decisions._deciding.values()
        await pending.task
        now += 60
        assert decisions.known(header)

    asyncio.run(ask())
    assert users.checks == 2
