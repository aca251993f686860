"""Moments, as pages of the simple API (PEP 700), logs and Docker write them."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def parse_moment(text: str) -> datetime | None:
    """Return the moment that *text*, in ISO 8601, names; ``None`` where it names none.

    A moment without a time zone is one of UTC. Below microseconds nothing counts.
    """
    # Python 3.10 reads no Z, and fractions of three and six digits only.
    text = _FRACTION.sub(lambda found: f".{found[1]:0<6}", text.replace("Z", "+00:00"))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
