"""Space that stays free on the disk, so that not everything that is written fails together."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import StoreFull

if TYPE_CHECKING:
    from pathlib import Path


def require_space(folder: Path, minimum_free: int, size: int) -> None:
    """Return if *minimum_free* bytes stay free on the disk of *folder* with *size* bytes more.

    They are for the audit trail, the users, and the deletions that make room again. Raises
    `StoreFull` and ``OSError``.
    """
    if shutil.disk_usage(folder).free < minimum_free + size:
        raise StoreFull("The registry has no space left for the file.")
