"""Files on this disk, as a forge is to show them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def name_on_forge(path: Path) -> str:
    """Return the name of *path* on a forge, in characters that none of them changes."""
    return plain_name(path.name)


def plain_name(text: str) -> str:
    """Return *text* with a dot for whatever is not an ASCII letter, a digit or one of ``._+-``."""
    return re.sub(r"[^A-Za-z0-9._+-]", ".", text).strip(".")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file's content in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
