"""Taking a backup, while the server runs or not."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeAlias

from poetry_aegis.atomic import fsync_directory, make_durable, temporary_beside
from poetry_aegis.errors import BackupError
from poetry_aegis.server.backup import folder as folders
from poetry_aegis.server.backup.archive import ArchiveWriter
from poetry_aegis.server.backup.failures import no_room, room_in
from poetry_aegis.server.backup.lending import give_back, lend
from poetry_aegis.server.backup.manifest import SUFFIX, Entry, Manifest
from poetry_aegis.server.backup.marker import require_no_restore
from poetry_aegis.server.backup.snapshot import snapshot
from poetry_aegis.server.drivers import access_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from poetry_aegis.server.backup.folder import Held
    from poetry_aegis.server.backup.snapshot import Snapshot, Source
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome

    Progress: TypeAlias = Callable[[int, int, int], None]  # files done, and of all; bytes
    Planned: TypeAlias = "list[tuple[Source, Entry | None]]"


@dataclass(frozen=True)
class Order:
    """What backup is asked for. *output* is a file (``.tar.gz``) or a folder.

    The folder and *keep* (0: all) are those of the settings where they are ``None``. A *full* one
    refers to no other.
    """

    output: Path | None = None
    keep: int | None = None
    full: bool = False


@dataclass(frozen=True)
class Taken:
    """What came of it. *archive* is the last one where nothing has changed since, not *is_new*.

    *stored* of the *files* are in this very archive, which takes *size* bytes. *removed* are older
    backups, *skipped* what is no regular file.
    """

    archive: Path
    is_new: bool
    files: int
    stored: int
    size: int
    removed: tuple[str, ...]
    skipped: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it; the size is in bytes."""
        return {
            "archive": str(self.archive),
            "new": self.is_new,
            "files": self.files,
            "stored": self.stored,
            "size": self.size,
            "removed": list(self.removed),
            "skipped": list(self.skipped),
        }


def take(home: ServerHome, settings: ServerSettings, order: Order, progress: Progress) -> Taken:
    """Take a backup of *home*, and put a log of its stack aside that has grown.

    Raises `BackupError`, `MissingExtra` and ``OSError``.
    """
    _require_data(home)
    require_no_restore(home)
    is_file = order.output is not None and order.output.name.endswith(SUFFIX)
    output = order.output or home.root / settings.backup.folder
    if is_file and (output.exists() or output.is_symlink()):
        raise BackupError(f"{output} is there already.", hint="Name another file, or a folder.")
    folder = output.parent if is_file else output
    _make(folder)
    with _alone(home), room_in(folder), snapshot(home, settings) as frozen:
        if is_file:
            taken = _write(output, frozen, folders.held_by(()), progress)
        else:
            keep = settings.backup.keep if order.keep is None else order.keep
            taken = _into_folder(folder, frozen, keep, progress, full=order.full)
        _remember(home)
    if settings.is_stack:
        access_log.rotate_beside_others(home)
    return taken


def _into_folder(
    folder: Path, frozen: Snapshot, keep: int, progress: Progress, *, full: bool
) -> Taken:
    folders.remove_leftovers(folder)
    earlier = [] if full else folders.backups_in(folder)
    path = folders.vacant_name(folder, datetime.now(timezone.utc))
    last = earlier[-1] if earlier else None
    taken = _write(path, frozen, folders.held_by(earlier), progress, last.path if last else None)
    removed = tuple(folders.prune(folder, keep))
    return Taken(**{**vars(taken), "removed": removed})


def _write(
    path: Path, frozen: Snapshot, held: Held, progress: Progress, last: Path | None = None
) -> Taken:
    """Write the archive *path*, unless all is as it was in the *last* one."""
    planned = [(source, _known(source, held)) for source in frozen.sources]
    is_new = last is None or _differs([entry for _, entry in planned], held)
    if is_new:
        needed = sum(source.size for source, entry in planned if entry is None)
        if shutil.disk_usage(path.parent).free < needed:
            raise no_room(path.parent, needed)
        _write_archive(path, planned, progress)
    written = path if is_new or last is None else last
    stored = sum(entry is None for _, entry in planned)
    size = written.stat().st_size
    skipped = tuple(frozen.skipped)
    return Taken(written, is_new, len(planned), stored, size, (), skipped)


def _write_archive(path: Path, planned: Planned, progress: Progress) -> None:
    """Write all under another name, and give it its own when it is durable."""
    from poetry_aegis.registry.version import version

    created = datetime.now(timezone.utc).isoformat()
    with temporary_beside(path) as (stream, temporary):
        writer, entries, size = ArchiveWriter(stream), [], 0
        for done, (source, known) in enumerate(planned, 1):
            entry = known or _stored(writer, source)
            entries.append(entry)
            size += 0 if known else entry.size
            progress(done, len(planned), size)
        writer.finish(Manifest(created, version(), tuple(entries)))
        make_durable(stream)
        stream.close()  # Windows renames only what nobody holds open.
        temporary.replace(path)
    fsync_directory(path.parent)


def _known(source: Source, held: Held) -> Entry | None:
    """Return the entry of a file that an earlier backup holds."""
    if unchanged := held.find_unchanged(source):
        return unchanged
    if not held.may_hold(source):
        return None
    from poetry_aegis.registry.digests import sha256_of

    digest = sha256_of(source.file)
    return held.find(
        Entry(source.path, digest, source.size, source.mode, source.mtime_ns, source.inode)
    )


def _stored(writer: ArchiveWriter, source: Source) -> Entry:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(source.file, flags), "rb") as stream:  # noqa: PTH123 -- no link is followed
        entry = writer.add(source.path, stream)
    # As it was found, so that it is recognised the next time; a copy has an inode of its own.
    return Entry(**{**vars(entry), "inode": source.inode})


def _differs(entries: Sequence[Entry | None], held: Held) -> bool:
    now = {(entry.path, entry.sha256, entry.mode) for entry in entries if entry}
    return None in entries or now != {(e.path, e.sha256, e.mode) for e in held.last.values()}


def _require_data(home: ServerHome) -> None:
    """Raise `BackupError` where the data is gone: an empty backup must not take its place."""
    if not home.auth.is_dir():
        raise BackupError(
            f"The data of this server, {home.data}, is not there.",
            hint="Is a disk not mounted? Or restore: "
            f"poetry aegis server restore FILE{home.option}",
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{folder} cannot be made: {error.strerror}.") from error


@contextlib.contextmanager
def _alone(home: ServerHome) -> Iterator[None]:
    """Be the only one who backs up *home*, or restores it. Raises `BackupError`."""
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.locks import exclusive_if_free

    data = DataDirectory(home.data)
    lock = data.locks / ".backup"  # no project can be called so
    if not data.locks.is_dir():
        data.locks.mkdir(parents=True, exist_ok=True)
        give_back(data.root)
    lend(data.root, [lock])
    with exclusive_if_free(lock) as free:
        if not free:
            raise BackupError(
                f"Another backup of {home.root} is under way.", hint="Wait for it to end."
            )
        yield


def _remember(home: ServerHome) -> None:
    """Set the moment of the last backup, which the registry's metrics tell."""
    from poetry_aegis.registry.data import DataDirectory

    moment = DataDirectory(home.data).last_backup
    lend(home.data, [moment])
    moment.touch()
