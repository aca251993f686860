"""Who the services of the stack run as, and to whom what they write belongs."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome
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


@contextlib.contextmanager
def keeping_ownership(home: ServerHome, *, whole: bool = False) -> Iterator[None]:
    """Let root work on the data of *home* and leave them to whom they belong.

    That is the owner of the data directory. What work on users and tokens may have made is handed
    over, with *whole* all of the data.
    """
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):  # nothing was ever made
            held = home.data.stat()
            owner = Owner(held.st_uid, held.st_gid)
            places = [home.data] if whole else [home.auth, *home.data.glob("state.db*")]
            for place in places:
                hand_over(place, owner)


def hand_over(top: Path, owner: Owner) -> None:
    """Make *top* and all below it belong to *owner*, where this process is root.

    For others nothing can be changed, and nothing needs to be: what they write is theirs. Symbolic
    links are changed, not followed. Raises ``OSError``.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    _give(str(top), owner)
    if not top.is_dir():
        return
    # In folders that are open, not by paths, which whoever they belong to could lead elsewhere.
    for _, folders, files, opened in os.fwalk(os.path.realpath(top)):
        for name in (*folders, *files):
            _give(name, owner, opened)


def _give(path: str, owner: Owner, folder: int | None = None) -> None:
    try:
        held = os.stat(path, dir_fd=folder, follow_symlinks=False)
        if (held.st_uid, held.st_gid) != (owner.uid, owner.gid):
            os.chown(path, owner.uid, owner.gid, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:  # come and gone meanwhile
        return
