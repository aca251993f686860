"""Texts with addresses in them, made fit to be shown."""

from __future__ import annotations

import re

# Up to the last one: a password may have an @ in it.
_CREDENTIAL = re.compile(r"(?<=://)[^\s/]*@")


def redacted(text: str) -> str:
    """Return *text* without the users and passwords of the addresses in it."""
    return _CREDENTIAL.sub("***@", text)
