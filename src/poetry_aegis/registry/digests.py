"""The digests that an index verifies: sha256, and the older two that clients still declare."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BLOCK = 1024 * 1024


class Digests:
    """Running digests of a stream of bytes, named as upload forms name them."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._blake2_256 = hashlib.blake2b(digest_size=32)

    def update(self, data: bytes) -> None:
        """Take more bytes in."""
        self._md5.update(data)
        self._sha256.update(data)
        self._blake2_256.update(data)

    def hexdigests(self) -> Mapping[str, str]:
        """Return each digest in lower-case hexadecimal."""
        return {
            "md5": self._md5.hexdigest(),
            "sha256": self._sha256.hexdigest(),
            "blake2_256": self._blake2_256.hexdigest(),
        }


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal. Raises ``OSError``."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
