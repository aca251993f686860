"""Moments, as pages of the simple API write them (PEP 700)."""

from __future__ import annotations

from datetime import datetime, timezone


def parse_moment(text: str) -> datetime | None:
    """Return the moment that *text*, in ISO 8601, names; ``None`` where it names none.

    A moment without a time zone is one of UTC.
    """
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
