"""Failed logins counted in Redis: by several registries together, and over their restarts."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.errors import InvalidSettings
from poetry_aegis.registry.people.attempts import Attempts, Keys, refuse_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.registry.options import LoginLimits, RegistrySettings

logger = logging.getLogger(__name__)

_PATIENCE = 0.05  # seconds for an answer: a login must not wait long for what is not vital
_CONNECTIONS = 32  # at most; more logins at a time wait for one
_PAUSE = 5.0  # seconds without Redis after it did not answer

# A key is a list of the last failures, the newest first, in milliseconds of Redis' own clock, and
# no longer than its limit. KEYS: of the address, and of the user, if one is named. ARGV: a limit
# for each, and the window in milliseconds.
_WAITS = """\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local longest = 0
for number, key in ipairs(KEYS) do
  local oldest = redis.call('LINDEX', key, ARGV[number] - 1)
  if oldest then
    longest = math.max(longest, oldest + ARGV[#ARGV] - now)
  end
end
return longest
"""
_FAILED = """\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for number, key in ipairs(KEYS) do
  redis.call('LPUSH', key, string.format('%.0f', now))
  redis.call('LTRIM', key, 0, ARGV[number] - 1)
  redis.call('PEXPIRE', key, ARGV[#ARGV])
end
return 0
"""


def attempts_of(settings: RegistrySettings) -> Attempts:
    """Return what counts failed logins: in Redis where the settings name one, else in memory.

    Raises `InvalidSettings` where Redis is named and cannot be spoken to for want of a package.
    """
    if not settings.redis_url:
        return Attempts(settings.logins)
    return SharedAttempts(settings.logins, settings.redis_url)


class SharedAttempts(Attempts):
    """Counts failed logins in Redis, and in memory, too, which is what counts without Redis.

    Redis is asked at most once for each check and once for each failure. No answer within
    *patience* seconds is none, and it is left alone for *pause* seconds then. The address may hold
    a password: it is in no message.
    """

    def __init__(
        self,
        limits: LoginLimits,
        url: str,
        *,
        patience: float = _PATIENCE,
        pause: float = _PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(limits, clock=clock)
        self._limits = limits
        self._patience = patience
        self._pause = pause
        self._clock = clock
        self._not_before = -math.inf
        self._is_lost = False
        self._redis, self._refusal = _connected(url)
        self._waits = self._redis.register_script(_WAITS)
        self._failed = self._redis.register_script(_FAILED)

    async def check(self, address: str | None, name: str | None) -> None:
        """Raise `TooManyFailures` where no password of *name* is taken from *address* for now."""
        await super().check(address, name)
        wait = await self._ask(self._waits, address, name)
        refuse_for((wait or 0) / 1000)

    async def failed(self, address: str | None, name: str | None) -> None:
        """Count a failure. Without a *name*, as for a token, only the address's."""
        await super().failed(address, name)
        await self._ask(self._failed, address, name)

    async def _ask(self, script: Any, address: str | None, name: str | None) -> int | None:
        """Return what *script* does; ``None`` where Redis does not answer, or did not lately."""
        now = self._clock()
        if now < self._not_before:
            return None
        if self._is_lost:
            self._not_before = now + self._pause  # One asks; others need not wait with it.
        keys = Keys.of(address, name)
        limits = (self._limits.per_address, self._limits.per_user)[: len(keys.named)]
        arguments = (*limits, self._limits.window * 1000)
        try:
            answer = await asyncio.wait_for(
                script(keys=list(map(_hidden, keys.named)), args=arguments), self._patience
            )
        except (self._refusal, OSError, asyncio.TimeoutError) as error:
            self._lose(error)
            return None
        self._find()
        return int(answer)

    def _lose(self, error: Exception) -> None:
        self._not_before = self._clock() + self._pause
        if not self._is_lost:
            # Its text is the library's and the server's, and may say more than a log should hold.
            logger.warning(
                "Redis %s: failed logins are counted by this process alone.", _reason(error)
            )
        self._is_lost = True

    def _find(self) -> None:
        self._not_before = -math.inf
        if self._is_lost:
            logger.info("Redis answers again: failed logins are counted there.")
        self._is_lost = False


def _connected(url: str) -> tuple[Any, type[Exception]]:
    """Return a client of the Redis at *url*, and its errors. Nothing is sent yet."""
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError
    except ModuleNotFoundError:
        raise InvalidSettings(
            "The settings name a Redis, and the package redis is not installed; "
            "install it with: pip install 'poetry-aegis[cluster]'"
        ) from None
    try:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=_CONNECTIONS, retry=Retry(NoBackoff(), 0)
        )
    except ValueError:
        raise InvalidSettings("redis_url has something in it that Redis has no use for.") from None
    return Redis(connection_pool=pool), RedisError


def _reason(error: Exception) -> str:
    """Return what Redis did, in words that hold nothing of its address or password."""
    from redis.exceptions import AuthenticationError, ResponseError

    if isinstance(error, AuthenticationError):
        return "does not take the user name or the password of its address"
    if isinstance(error, ResponseError):
        return "refuses what it is asked"
    return "does not answer"


def _hidden(key: str) -> str:
    """Return the name of *key* in Redis, in which nobody reads who tried to log in."""
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"aegis:failed-logins:{digest}"
