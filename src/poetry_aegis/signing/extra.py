"""The ``signing`` extra: whether what signatures need is installed."""

from __future__ import annotations

from poetry_aegis.errors import MissingExtra
from poetry_aegis.extras import adding, missing_module


def require_signing() -> None:
    """Raise `MissingExtra` where nothing can be signed or verified for want of a package."""
    if (module := missing_module("signing")) is not None:
        raise MissingExtra(
            f"Signatures need {module}, which is not installed.",
            hint=f"Install the part for them with: {adding('signing')}",
        )
