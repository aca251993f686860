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
