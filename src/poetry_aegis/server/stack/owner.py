"""Who the services of the stack run as, and to whom what they write belongs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.stack.settings import ContainerSettings

NOBODY_ELSE = 10001  # for a server that root set up: a number that no user of a machine has


@dataclass(frozen=True)
class Owner:
    """A user and a group, by number."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


def owner_of(containers: ContainerSettings) -> Owner:
    """Return whom the settings name, else whoever asks; root is nobody to run a server as."""
    if containers.user:
        uid, _, gid = containers.user.partition(":")
        return Owner(int(uid), int(gid or uid))
    if not hasattr(os, "getuid") or os.getuid() == 0:
        return Owner(NOBODY_ELSE, NOBODY_ELSE)
    return Owner(os.getuid(), os.getgid())


def hand_over(top: Path, owner: Owner) -> None:
    """Make *top* and all below it belong to *owner*, where this process is root.

    For others nothing can be changed, and nothing needs to be: what they write is theirs. Symbolic
    links are changed, not followed. Raises ``OSError``.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    _give(str(top), owner)
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            _give(os.path.join(folder, name), owner)  # noqa: PTH118 -- a Path for each is slow


def _give(path: str, owner: Owner) -> None:
    try:
        held = os.lstat(path)
        if (held.st_uid, held.st_gid) != (owner.uid, owner.gid):
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    except FileNotFoundError:  # come and gone meanwhile
        return
