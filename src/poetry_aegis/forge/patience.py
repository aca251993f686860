"""How long to go on trying: the waits between repeats, and what makes a repeat worth it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.errors import ForgeError

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """The *backoffs* before each repeat and the *longest_wait* a forge may ask for, in seconds."""

    backoffs: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    longest_wait: float = 60.0


DEFAULT_PATIENCE = Patience()


class Setback(Exception):
    """A failure that may pass, after *wait* seconds if the forge said so.

    The request may have had its effect all the same: only an attempt that looks before it acts
    may be repeated.
    """

    def __init__(self, error: ForgeError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


def persist(attempt: Callable[[], T], patience: Patience, tell: Callable[[str], None]) -> T:
    """Return what *attempt* gives, beginning it anew after each `Setback`.

    Each repeat is announced to *tell*. Raises the error of the last setback.
    """
    backoffs = iter(patience.backoffs)
    while True:
        try:
            return attempt()
        except Setback as setback:
            backoff = next(backoffs, None)
            if backoff is None or (setback.wait or 0) > patience.longest_wait:
                raise setback.error from setback.__cause__
            # Jitter keeps many pipelines from coming back to a struggling forge at one moment.
            jittered = backoff * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
            wait = jittered if setback.wait is None else setback.wait
            tell(f"{setback.error} Trying again in {wait:.1f} s.")
        time.sleep(wait)
