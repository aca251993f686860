"""API tokens: ``aegis_<id>_<secret>``, shown once and kept only as a hash.

The secret is 256 random bits. There is nothing to guess, so that a fast hash keeps it as well as
a slow one would: SHA-256 rather than bcrypt, and a token costs microseconds where a password
costs a quarter of a second.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import UsersError
from poetry_aegis.registry.times import parse_moment

if TYPE_CHECKING:
    from poetry_aegis.registry.people.access import TokenEntry

_PREFIX = "aegis"
_SECRET_BYTES = 32
_SECRET_LENGTH = 43  # characters, of so many bytes in base64 without its padding
_NOBODYS_HASH = "0" * 64
_LIFETIME = re.compile(r"([0-9]{1,5})\s*([dwmy])", re.IGNORECASE)
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True)
class Token:
    """A token that is kept: its id, and what ``access.toml`` says of it."""

    id: str
    entry: TokenEntry

    def expired(self, now: datetime) -> bool:
        """Tell whether the token has come to its end at *now*."""
        return self.entry.expires is not None and self.entry.expires <= now


def new_id() -> str:
    """Return an id, no secret."""
    return secrets.token_hex(6)


def new_secret() -> str:
    """Return 256 random bits, fit for an URL."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def spell(token_id: str, secret: str) -> str:
    """Return the token as its owner gets to see it."""
    return f"{_PREFIX}_{token_id}_{secret}"


def split(text: str) -> tuple[str, str] | None:
    """Return id and secret of a token, ``None`` for what is not spelled like one."""
    prefix, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    return (token_id, secret) if prefix == _PREFIX and token_id and secret else None


def looks_like_token(text: str) -> bool:
    """Tell whether *text* is as long as a token and spelled like one, unlike a user's name."""
    parts = split(text)
    return parts is not None and len(parts[1]) >= _SECRET_LENGTH


def hash_secret(secret: str) -> str:
    """Return what is kept of *secret*."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_secret_of(secret: str, entry: TokenEntry | None) -> bool:
    """Tell whether *secret* is the one of *entry*, in a time that tells nothing."""
    kept = _NOBODYS_HASH if entry is None else entry.hash
    return hmac.compare_digest(hash_secret(secret), kept)


def parse_expiry(text: str, now: datetime) -> datetime:
    """Return the first moment at which a token is dead: after a time, or on a day.

    *text* is a time such as ``90d``, ``12w``, ``6m`` or ``1y`` (of 30 and 365 days), a day such as
    ``2027-01-31``, which begins in UTC, or an ISO 8601 moment. Raises `UsersError`.
    """
    moment = _moment(text.strip(), now)
    if moment is None:
        raise UsersError(
            f"{text!r} is neither a time such as 90d, 12w, 6m or 1y nor a day such as 2027-01-31."
        )
    if moment <= now:
        raise UsersError(f"The token would have expired already: {moment:%Y-%m-%d %H:%M} UTC.")
    return moment.replace(microsecond=0)


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        if match := _LIFETIME.fullmatch(text):
            return now + timedelta(days=int(match[1]) * _DAYS[match[2].lower()])
        moment = parse_moment(text)
        return moment.astimezone(timezone.utc) if moment else None
    except (ValueError, OverflowError):
        return None
