"""What root makes in a data directory belongs to the one whose data they are."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from poetry_aegis.atomic import temporary_beside
from poetry_aegis.server.stack.owner import Owner, hand_over

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def lend(root: Path, files: Iterable[Path]) -> None:
    """Make those *files* that are missing, empty, for the owner of *root*, where we are root.

    A lock that root made would be closed to the server, were it for a moment: so each file appears
    with its owner.
    """
    if not _is_root() or (owner := _owner_of(root)).uid == 0:
        return
    for file in files:
        if not file.exists():
            with temporary_beside(file) as (stream, temporary):
                os.fchown(stream.fileno(), owner.uid, owner.gid)
                with contextlib.suppress(FileExistsError):
                    os.link(temporary, file)


def give_back(root: Path) -> None:
    """Make all below *root* belong to its owner, where we are root."""
    if _is_root():
        hand_over(root, _owner_of(root))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _owner_of(root: Path) -> Owner:
    found = root.stat()
    return Owner(found.st_uid, found.st_gid)
