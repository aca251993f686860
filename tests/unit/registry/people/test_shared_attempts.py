"""Failed logins in a real Redis."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.errors import InvalidSettings, TooManyFailures
from poetry_aegis.registry.options import LoginLimits, RegistrySettings
from poetry_aegis.registry.people.attempts import Attempts
from poetry_aegis.registry.people.shared_attempts import SharedAttempts, attempts_of
from poetry_aegis.tables import InvalidTable
from tests.support.needs import needs_program

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

HERE, THERE = "192.0.2.1", "192.0.2.2"
PASSWORD = "s3cret-of-redis"
LIMITS = LoginLimits(per_address=3, per_user=5, window=60)
UNHURRIED = 5.0  # seconds: a busy machine is not to be taken for a lost Redis


@contextlib.contextmanager
def redis_server(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Give a Redis with a password that keeps nothing on the disk, and stop it."""
    command = [needs_program("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--dir", str(folder), "--requirepass", PASSWORD]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("Redis does not start.")


@pytest.fixture
def port() -> int:
    """Return a port that is free, and that the system gives to no outgoing connection meanwhile."""
    while True:
        found = random.randrange(15000, 30000)  # noqa: S311 -- a port is no secret
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", found)):
            return found


@pytest.fixture
def redis(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with redis_server(tmp_path, port) as process:
        yield process


def url_of(port: int, password: str = PASSWORD) -> str:
    return f"redis://:{password}@127.0.0.1:{port}/0"


def connected(port: int, limits: LoginLimits = LIMITS, **options: Any) -> SharedAttempts:
    return SharedAttempts(limits, url_of(port), **{"patience": UNHURRIED, **options})


async def limited(counted: Attempts, address: str | None, name: str | None) -> bool:
    try:
        await counted.check(address, name)
    except TooManyFailures:
        return True
    return False


def played(story: Callable[[], Awaitable[None]]) -> None:
    """Play *story* on an event loop of its own, as a process has one."""

    async def play() -> None:
        await story()

    asyncio.run(play())


@pytest.mark.usefixtures("redis")
def test_two_registries_count_together(port: int) -> None:
    async def story() -> None:
        one, other = connected(port), connected(port)
        for counted in (one, other, one):
            assert not await limited(counted, HERE, "eve")
            await counted.failed(HERE, "ada")
        for counted in (one, other):
            assert await limited(counted, HERE, "eve")
            assert await limited(counted, HERE, None)
            assert not await limited(counted, THERE, "ada")
        for counted in (one, other):
            await counted.failed(THERE, "ada")
        for counted in (one, other):
            assert await limited(counted, "198.51.100.9", "ada")
            assert not await limited(counted, "198.51.100.9", "bob")

    played(story)


@pytest.mark.usefixtures("redis")
def test_a_registry_that_is_started_anew_still_knows(port: int) -> None:
    async def before() -> None:
        counted = connected(port)
        for _ in range(3):
            await counted.failed(HERE, "ada")

    async def after() -> None:
        with pytest.raises(TooManyFailures) as caught:
            await connected(port).check(HERE, "eve")
        assert 55 <= caught.value.seconds <= 60

    played(before)
    played(after)


@pytest.mark.usefixtures("redis")
def test_the_window_slides(port: int) -> None:
    limits = LoginLimits(per_address=2, per_user=50, window=6)

    async def story() -> None:
        one, other = connected(port, limits), connected(port, limits)
        await one.failed(HERE, None)
        await asyncio.sleep(3.6)
        await one.failed(HERE, None)
        assert await limited(other, HERE, None)
        await asyncio.sleep(3.0)  # The first is over, the second is not.
        assert not await limited(other, HERE, None)
        await one.failed(HERE, None)
        assert await limited(other, HERE, None)

    played(story)


@pytest.mark.usefixtures("redis")
def test_what_redis_holds_is_bounded_ends_and_names_nobody(port: int) -> None:
    async def story() -> None:
        counted = connected(port)
        for number in range(20):
            await counted.failed(HERE, "ada")
            await counted.failed("2001:db8::1", "n" * 100_000 + str(number))
        client = counted._redis
        keys = await client.keys("*")
        assert len(keys) == 4
        for key in keys:
            assert key.startswith(b"aegis:failed-logins:")
            assert len(key) < 60
            assert await client.llen(key) <= 5
            assert 0 < await client.pttl(key) <= 60_000

    played(story)


@pytest.mark.usefixtures("redis")
def test_redis_is_asked_once_for_each_check_and_each_failure(port: int) -> None:
    async def commands(client: Any) -> int:
        found: int = (await client.info("stats"))["total_commands_processed"]
        return found

    async def story() -> None:
        counted = connected(port)
        await counted.failed(HERE, "ada")
        await counted.check(HERE, "ada")  # Both scripts are known now.
        client = counted._redis
        calls = {name: await _calls(client, name) for name in ("evalsha", "eval")}
        for _ in range(10):
            await counted.check(HERE, "ada")
        assert await _calls(client, "evalsha") == calls["evalsha"] + 10
        assert await _calls(client, "eval") == calls["eval"]
        for _ in range(2):
            await counted.failed(HERE, "ada")
        asked = await _calls(client, "evalsha")
        for _ in range(10):  # This process knows it alone.
            assert await limited(counted, HERE, "ada")
        assert await _calls(client, "evalsha") == asked
        assert await commands(client) > 0

    played(story)


async def _calls(client: Any, name: str) -> int:
    found = await client.info("commandstats")
    count: int = found.get(f"cmdstat_{name}", {"calls": 0})["calls"]
    return count


@pytest.mark.usefixtures("redis")
def test_many_logins_at_once_are_all_counted(port: int) -> None:
    async def story() -> None:
        counted = connected(port, LoginLimits(per_address=1, per_user=500, window=60))
        addresses = [f"198.51.{number // 250}.{number % 250}" for number in range(500)]
        await asyncio.gather(*(counted.failed(address, "ada") for address in addresses))
        other = connected(port, LoginLimits(per_address=1, per_user=500, window=60))
        found = await asyncio.gather(*(limited(other, address, None) for address in addresses))
        assert all(found)
        assert await limited(other, HERE, "ada")
        assert (await other._redis.info("clients"))["connected_clients"] < 100

    played(story)


def test_when_redis_dies_the_process_counts_alone_and_says_so_once(
    redis: subprocess.Popen[bytes], port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        counted = connected(port)
        await counted.failed(HERE, "ada")
        redis.kill()
        redis.wait()
        for _ in range(2):
            assert not await limited(counted, HERE, "ada")
            await counted.failed(HERE, "ada")
        assert await limited(counted, HERE, "ada")  # the failure before included
        assert not await limited(counted, THERE, "ada")

    with caplog.at_level(logging.INFO, logger="poetry_aegis"):
        played(story)
    assert [record.getMessage() for record in caplog.records] == [
        "Redis does not answer: failed logins are counted by this process alone."
    ]
    assert PASSWORD not in caplog.text


def test_when_redis_is_back_it_is_asked_again(
    tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1000.0]

    async def story() -> None:
        counted = connected(port, clock=lambda: now[0])
        assert not await limited(counted, HERE, "ada")  # There is no Redis yet.
        with redis_server(tmp_path, port):
            stranger = connected(port)
            for _ in range(3):
                await stranger.failed(HERE, "ada")
            assert not await limited(counted, HERE, "eve")  # It is left alone for a while.
            now[0] += 5.1
            assert await limited(counted, HERE, "eve")

    with caplog.at_level(logging.INFO, logger="poetry_aegis"):
        played(story)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "answers again" in caplog.text


def test_a_redis_that_says_nothing_holds_up_one_login_for_a_moment(port: int) -> None:
    async def story() -> None:
        counted = SharedAttempts(LIMITS, url_of(port))
        began = time.monotonic()
        assert not await limited(counted, HERE, "ada")
        first = time.monotonic() - began
        for _ in range(100):
            assert not await limited(counted, HERE, "ada")
        assert first < 5  # It was not waited for until it speaks,
        assert time.monotonic() - began - first < 4  # and not 100 times for 50 ms, either.

    with socket.create_server(("127.0.0.1", port)):  # takes connections, and never answers
        played(story)


@pytest.mark.usefixtures("redis")
def test_a_wrong_password_is_said_and_not_shown(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        counted = SharedAttempts(LIMITS, url_of(port, "wr0ng"), patience=UNHURRIED)
        for _ in range(3):
            await counted.failed(HERE, "ada")
        assert await limited(counted, HERE, "ada")

    played(story)
    assert "does not take the user name or the password" in caplog.text
    assert "wr0ng" not in caplog.text
    assert "127.0.0.1" not in caplog.text


@pytest.mark.usefixtures("redis")
def test_a_redis_that_forgets_its_scripts_is_told_them_again(port: int) -> None:
    async def story() -> None:
        counted = connected(port)
        await counted.failed(HERE, "ada")
        await counted._redis.script_flush()
        await counted.failed(HERE, "ada")
        await counted._redis.script_flush()
        await connected(port).failed(HERE, "ada")
        assert await limited(connected(port), HERE, "ada")

    played(story)


def test_without_an_address_failures_are_counted_in_memory() -> None:
    assert type(attempts_of(RegistrySettings())) is Attempts


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "redis.asyncio", None)
    with pytest.raises(InvalidSettings, match=r"poetry-aegis\[cluster\]"):
        attempts_of(RegistrySettings(redis_url=url_of(6379)))


@pytest.mark.parametrize(
    "url", ["localhost", "http://:s3cret@host/", "redis://", "redis://:s3cret@host:port/0"]
)
def test_an_address_that_is_none_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(InvalidTable) as caught:
        RegistrySettings(redis_url=url)
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"


def test_what_redis_has_no_use_for_is_refused_and_not_shown() -> None:
    settings = RegistrySettings(redis_url="redis://:s3cret@host/0?socket_timeout=s3cret")
    with pytest.raises(InvalidSettings) as caught:
        attempts_of(settings)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(settings)
