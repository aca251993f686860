"""A folder of backups: what they hold already, what a new one is called, which ones go."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poetry_aegis.atomic import LEFTOVERS
from poetry_aegis.errors import BackupError
from poetry_aegis.server.backup.archive import Archive, open_archive
from poetry_aegis.server.backup.manifest import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from poetry_aegis.server.backup.manifest import Entry
    from poetry_aegis.server.backup.snapshot import Source

_NAME = re.compile(r"backup-\d{8}-\d{6}(-\d+)?\.tar\.gz")


def backups_in(folder: Path) -> list[Archive]:
    """Return the backups of *folder* that can be opened, the oldest first."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if _NAME.fullmatch(path.name) and path.is_file():
            try:
                found.append(open_archive(path))
            except BackupError:  # To refer to it would make one damaged backup two.
                continue
    return sorted(found, key=lambda archive: (archive.manifest.created, archive.path.name))


def vacant_name(folder: Path, now: datetime) -> Path:
    """Return the path of a new backup of *folder*, called after the moment in UTC."""
    stem = f"backup-{now:%Y%m%d-%H%M%S}"
    path, number = folder / f"{stem}{SUFFIX}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{SUFFIX}"
    return path


@dataclass(frozen=True)
class Held:
    """What the backups of a folder hold: *holders* by path and digest; the *last* one's files."""

    holders: dict[tuple[str, str], str]
    sizes: dict[str, set[int]]
    last: dict[str, Entry]

    def find_unchanged(self, source: Source) -> Entry | None:
        """Return the entry for a file that is just as it was at the last backup."""
        before = self.last.get(source.path)
        if before is None:
            return None
        same = (before.size, before.mtime_ns, before.inode)
        if same != (source.size, source.mtime_ns, source.inode):
            return None
        return self.find(replace(before, mode=source.mode))

    def find(self, entry: Entry) -> Entry | None:
        """Return *entry* with the archive that holds its content, if one does."""
        holder = self.holders.get((entry.path, entry.sha256))
        return replace(entry, held_in=holder) if holder else None

    def may_hold(self, source: Source) -> bool:
        """Tell whether it is worth the digest of *source* to look for it."""
        return source.size in self.sizes.get(source.path, ())


def held_by(archives: Sequence[Archive]) -> Held:
    """Return what *archives* hold, the oldest first; the newest holder of a file counts."""
    holders: dict[tuple[str, str], str] = {}
    sizes: dict[str, set[int]] = {}
    for archive in archives:
        for entry in archive.manifest.stored:
            holders[entry.path, entry.sha256] = archive.path.name
            sizes.setdefault(entry.path, set()).add(entry.size)
    last = archives[-1].manifest.entries if archives else ()
    return Held(holders, sizes, {entry.path: entry for entry in last})


def remove_leftovers(folder: Path) -> None:
    """Remove what killed backups have left in *folder*."""
    for leftover in folder.glob(LEFTOVERS):
        leftover.unlink(missing_ok=True)


def prune(folder: Path, keep: int) -> list[str]:
    """Remove all backups but the last *keep* and what those need; return their names.

    0 keeps all. What is needed stays whole: so does what it needs itself.
    """
    archives = backups_in(folder) if keep else []
    others = {archive.path.name: archive.manifest.others for archive in archives}
    wanted = [archive.path.name for archive in archives[-keep:]] if keep else []
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in needed:
            needed.add(name)
            wanted += others.get(name, [])
    removed = [archive.path for archive in archives if archive.path.name not in needed]
    for path in removed:
        path.unlink(missing_ok=True)
    return [path.name for path in removed]
