"""What an ``Authorization`` header brings: a name with its password, or an API token."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from poetry_aegis.registry.people import tokens

TOKEN_USER = "__token__"  # noqa: S105 -- what clients send as the name beside a token


@dataclass(frozen=True)
class Credential:
    """A password with the *name* it is for; a token, which needs none."""

    name: str | None
    secret: str = field(repr=False)

    @property
    def is_token(self) -> bool:
        """Whether *secret* is an API token."""
        return self.name is None


def credential_of(authorization: bytes) -> Credential | None:
    """Return the credential of a header: Basic (RFC 7617) or Bearer (RFC 6750).

    ``None`` for anything else. The password of the user ``__token__`` is a token, and so is a name
    that is spelled like one and has no password.
    """
    scheme, _, value = authorization.strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return Credential(None, value.strip().decode("latin-1"))
    found = _basic(value) if scheme.lower() == b"basic" else None
    if found is None:
        return None
    name, password = found
    if not password and tokens.split(name):
        return Credential(None, name)  # https://TOKEN@host/: no name to be noted anywhere
    return Credential(None if name == TOKEN_USER else name, password)


def _basic(encoded: bytes) -> tuple[str, str] | None:
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")  # as older clients encode what fits into it
    name, colon, password = text.partition(":")
    return (name, password) if colon else None
