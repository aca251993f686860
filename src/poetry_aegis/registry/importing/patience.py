"""Trying again what may only have broken off."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from poetry_aegis.registry.importing.sources import SourceBroke

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

Result = TypeVar("Result")

_PAUSES = (0.5, 2.0, 5.0)  # seconds before each further attempt


def retried(attempt: Callable[[], Result], stopped: threading.Event) -> Result:
    """Return what *attempt* returns, tried again each time the source broke off.

    Raises `SourceBroke` after the last attempt, and does not wait for it when *stopped* is set.
    """
    for pause in _PAUSES:
        with contextlib.suppress(SourceBroke):
            return attempt()
        if stopped.wait(pause):
            break
    return attempt()
