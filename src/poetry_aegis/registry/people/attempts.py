"""Limits failed logins, per address and per user."""

from __future__ import annotations

import math
import time
from collections import deque
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from poetry_aegis.registry.errors import TooManyFailures

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.registry.options import LoginLimits

_MOST_KEYS = 4096  # addresses, and users
_LONGEST_NAME = 255  # characters
_SITE = 64  # bits of an IPv6 address: one customer has all the addresses that begin with them


class Attempts:
    """Counts failed logins in a sliding window, in bounded memory. For one thread.

    A login that succeeds takes nothing off: else who knows one password could guess at the
    others without end.
    """

    def __init__(self, limits: LoginLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._of_address = _Failures(limits.per_address, limits.window, clock)
        self._of_user = _Failures(limits.per_user, limits.window, clock)

    async def check(self, address: str | None, name: str | None) -> None:
        """Raise `TooManyFailures` where no password of *name* is taken from *address* for now."""
        keys = Keys.of(address, name)
        of_user = 0.0 if keys.user is None else self._of_user.wait(keys.user)
        refuse_for(max(self._of_address.wait(keys.address), of_user))

    async def failed(self, address: str | None, name: str | None) -> None:
        """Count a failure. Without a *name*, as for a token, only the address's."""
        keys = Keys.of(address, name)
        self._of_address.add(keys.address)
        if keys.user is not None:
            self._of_user.add(keys.user)


class Keys(NamedTuple):
    """What a failure is counted for."""

    address: str
    user: str | None

    @classmethod
    def of(cls, address: str | None, name: str | None) -> Keys:
        """Return the keys of a login, no longer than they need to be."""
        return cls(_origin(address), None if name is None else name[:_LONGEST_NAME])

    @property
    def named(self) -> tuple[str, ...]:
        """The keys, each so that no address is taken for a user; the user's is the last."""
        of_address = f"address {self.address}"
        return (of_address,) if self.user is None else (of_address, f"user {self.user}")


def refuse_for(wait: float) -> None:
    """Raise `TooManyFailures` unless *wait*, in seconds, is over."""
    if wait > 0:
        seconds = math.ceil(wait)
        raise TooManyFailures(f"Too many logins failed; try again in {seconds} seconds.", seconds)


class _Failures:
    """When each key failed lately: its last *limit* times, of the keys that failed last."""

    def __init__(self, limit: int, window: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._window = window
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def wait(self, key: str) -> float:
        """Return the seconds until *key* is below the limit, 0 or less where it is."""
        times = self._times.get(key)
        if times is None or len(times) < self._limit:
            return 0.0
        return times[0] + self._window - self._clock()

    def add(self, key: str) -> None:
        times = self._times.pop(key, None) or deque(maxlen=self._limit)
        times.append(self._clock())
        self._times[key] = times
        if len(self._times) > _MOST_KEYS:
            del self._times[next(iter(self._times))]


def _origin(address: str | None) -> str:
    """Return what stands for *address* and those that its owner can change it for."""
    if address is None or ":" not in address:
        return address or ""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((int(parsed) >> (128 - _SITE) << (128 - _SITE), _SITE)))
    return str(parsed.ipv4_mapped) if isinstance(parsed, IPv6Address) else address
