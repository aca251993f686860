"""How long to go on trying: repeats, the waits between them, and what makes them worth it."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.errors import AegisError

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How often a request is repeated, and how long an index may take to show an upload.

    *backoffs* are the waits before each repeat, which are made a little longer or shorter each
    time, *longest_wait* is the most that a server's ``Retry-After`` is obeyed, *in_all* is how long
    after the first failure the last repeat may begin, *looks* are the waits before each further
    reading of the index. All are in seconds.
    """

    backoffs: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    longest_wait: float = 60.0
    in_all: float = 300.0
    looks: tuple[float, ...] = (0.2, 0.5, 1.0, 2.0, 3.0, 3.5)


DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True)
class Failure:
    """A request that failed.

    *repeatable* where the same request may work later, after *wait* seconds if the server said
    so. *reached* where the server may have acted on it before it failed, *refused* where it said
    that it did not.
    """

    error: AegisError
    repeatable: bool = False
    reached: bool = True
    refused: bool = False
    wait: float | None = None


def sleep(seconds: float) -> bool:
    """Wait so many *seconds*, and return that it may go on then."""
    time.sleep(seconds)
    return True


def persist(
    attempt: Callable[[], T | Failure],
    patience: Patience,
    tell: Callable[[str], None],
    *,
    pause: Callable[[float], bool] = sleep,
) -> T:
    """Return what *attempt* gives, repeating it after failures that a repeat may mend.

    Each repeat is announced to *tell*. *pause* waits, and returns False where all shall end
    instead. Raises the error of the last failure.
    """
    end = math.inf
    for backoff in patience.backoffs:
        outcome = attempt()
        if not isinstance(outcome, Failure):
            return outcome
        end = min(end, time.monotonic() + patience.in_all)
        wait = _jittered(backoff) if outcome.wait is None else outcome.wait
        if not outcome.repeatable or wait > patience.longest_wait:
            raise outcome.error
        if time.monotonic() + wait > end:
            raise outcome.error
        if not pause(0):
            raise outcome.error
        tell(f"{outcome.error} Trying again in {wait:.1f} s.")
        if not pause(wait):
            raise outcome.error
    outcome = attempt()
    if isinstance(outcome, Failure):
        raise outcome.error
    return outcome


def _jittered(backoff: float) -> float:
    """Return about *backoff*: many clients shall not come back to a server at one moment."""
    return backoff * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
