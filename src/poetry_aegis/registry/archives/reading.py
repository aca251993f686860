"""Opens an uploaded archive as what it is, hostile input, and takes its core metadata out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.registry.archives.inventory import Limits
from poetry_aegis.registry.archives.sdists import read_pkg_info
from poetry_aegis.registry.archives.wheels import read_metadata

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.names import DistributionName

DEFAULT_LIMITS = Limits()


def read_core_metadata(
    path: Path, name: DistributionName, limits: Limits = DEFAULT_LIMITS
) -> bytes:
    """Return METADATA of a wheel or PKG-INFO of an sdist, the archive being safe to unpack.

    Raises `BadUpload` with a sentence for one that is damaged, hostile or lacks what its kind
    must have, and ``OSError`` where *path* itself cannot be read.
    """
    read = read_metadata if name.kind == "wheel" else read_pkg_info
    return read(path, name, limits)
