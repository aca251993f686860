"""Reading a backup: its own archive, and those of the same folder that it refers to."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeAlias

from poetry_aegis.errors import BackupError
from poetry_aegis.server.backup.archive import open_archive
from poetry_aegis.server.extra import updating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from poetry_aegis.server.backup.archive import Archive
    from poetry_aegis.server.backup.manifest import Entry, Manifest

    Progress: TypeAlias = Callable[[int, int, int], None]  # files done, and of all; bytes
    Content: TypeAlias = "Iterator[bytes]"

_PRIVATE = ("data/auth/", "data/state.db", "server.toml", ".env")


def verify(path: Path, progress: Progress) -> Manifest:
    """Read the whole backup *path* and what it refers to, and return its manifest.

    Raises `BackupError` for whatever is cut short, altered or missing, and says what.
    """
    archive = open_archive(path)
    for _, content in _told(_files_of(archive), archive.manifest, progress):
        for _chunk in content:
            pass
    return archive.manifest


def extract(archive: Archive, target: Path, progress: Progress) -> None:
    """Write all files of *archive* below the folder *target*, which is empty, durably.

    Raises `BackupError` as `verify` does, and ``OSError``.
    """
    for entry, content in _told(_files_of(archive), archive.manifest, progress):
        file = target / entry.path
        _make_folders(target, file.parent)
        with file.open("xb") as stream:
            for chunk in content:
                stream.write(chunk)
            if not hasattr(os, "sync"):
                stream.flush()
                os.fsync(stream.fileno())
        file.chmod(_mode(entry))
        moment = max(0, min(entry.mtime_ns, 2**62))
        os.utime(file, ns=(moment, moment))
    if sys.platform != "win32":
        os.sync()  # once for all of them


def require_not_newer(manifest: Manifest) -> None:
    """Raise `BackupError` where a newer poetry-aegis took the backup than this one."""
    from packaging.version import InvalidVersion, Version

    from poetry_aegis.registry.version import version

    try:
        is_newer = Version(manifest.version) > Version(version())
    except InvalidVersion:  # a bare copy of the files has no version
        return
    if is_newer:
        raise BackupError(
            f"The backup was taken by poetry-aegis {manifest.version}, and this is {version()}.",
            hint=f"Update with: {updating()}",
        )


def _files_of(archive: Archive) -> Iterator[tuple[Entry, Content]]:
    """Yield every file with its content, to be read before the next."""
    archive.check()
    yield from archive.members()
    for name in archive.manifest.others:
        wanted = {entry.path: entry for entry in archive.manifest.entries if entry.held_in == name}
        yield from _files_held(_other(archive, name), wanted)


def _files_held(other: Archive, wanted: dict[str, Entry]) -> Iterator[tuple[Entry, Content]]:
    held = {entry.path: entry.sha256 for entry in other.manifest.stored}
    for entry in wanted.values():
        if held.get(entry.path) != entry.sha256:
            raise BackupError(f"{other.path} does not hold {entry.path}, which is needed of it.")
    other.check()
    for entry, content in other.members():
        if entry.path in wanted:
            yield wanted[entry.path], content
        for _chunk in content:
            pass


def _other(archive: Archive, name: str) -> Archive:
    path = archive.path.with_name(name)
    if not path.is_file():
        raise BackupError(
            f"{archive.path.name} needs {name}, which is not beside it.",
            hint="Put both into one folder. A backup that needs no other is taken with: "
            "poetry aegis server backup --full",
        )
    return open_archive(path)


def _told(
    files: Iterator[tuple[Entry, Content]], manifest: Manifest, progress: Progress
) -> Iterator[tuple[Entry, Content]]:
    size = 0
    for done, (entry, content) in enumerate(files, 1):
        yield entry, content
        size += entry.size
        progress(done, len(manifest.entries), size)


def _make_folders(top: Path, folder: Path) -> None:
    """Make *folder* below *top*: what is nobody else's is closed to others."""
    if folder == top or folder.is_dir():
        return
    _make_folders(top, folder.parent)
    private = folder.relative_to(top).as_posix() in {"data", "data/auth", "tls"}
    folder.mkdir(mode=0o700 if private else 0o777)


def _mode(entry: Entry) -> int:
    """Return the permissions to write with: secrets stay closed, whatever a manifest says."""
    is_private = entry.path.startswith(_PRIVATE) or entry.path.endswith(".key")
    return entry.mode & (0o640 if is_private else 0o755) | 0o600
