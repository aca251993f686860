"""What the server is started with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_MAX_UPLOAD_SIZE = 1024**3

_SIZE = re.compile(r"(\d+)\s*(|B|KiB|MiB|GiB|KB|MB|GB|K|M|G)", re.IGNORECASE)
_UNITS = {
    "": 1, "B": 1,
    "K": 1024, "KIB": 1024, "KB": 1000,
    "M": 1024**2, "MIB": 1024**2, "MB": 1000**2,
    "G": 1024**3, "GIB": 1024**3, "GB": 1000**3,
}  # fmt: skip


@dataclass(frozen=True)
class ServeOptions:
    """How to serve a data directory. *max_upload_size* is in bytes, of the whole request."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    max_upload_size: int = DEFAULT_MAX_UPLOAD_SIZE
    anonymous_read: bool = False


def parse_size(text: str) -> int:
    """Return a number of bytes from ``1048576``, ``512MiB`` or ``2G``. Raises ``ValueError``."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or (size := int(match[1]) * _UNITS[match[2].upper()]) < 1:
        raise ValueError(f"{text!r} is not a size such as 1048576, 512MiB or 2GiB")
    return size
