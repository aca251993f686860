"""Restoring a backup: all of it is checked and laid out before the index is touched.

The new data are made ready in a folder beside the old ones. Then, with the server stopped and the
restore written down, two renames swap them. A kill before that leaves the old index, one after it
the new; `ending.recover` ends what was cut off.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import BackupError
from poetry_aegis.server.backup import marker as markers
from poetry_aegis.server.backup.archive import open_archive
from poetry_aegis.server.backup.ending import finish
from poetry_aegis.server.backup.failures import no_room, registry_errors, room_in
from poetry_aegis.server.backup.marker import Marker
from poetry_aegis.server.backup.place import (
    alone,
    name_for_old,
    place_of,
    remove_leftovers,
    stage_beside,
)
from poetry_aegis.server.backup.reading import extract, require_not_newer, verify
from poetry_aegis.server.backup.swap import swap_stopped
from poetry_aegis.server.config import load_settings
from poetry_aegis.server.drivers.interface import SILENCE
from poetry_aegis.server.extra import require_registry
from poetry_aegis.server.stack.owner import Owner, hand_over, owner_of

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.store.report import Report
    from poetry_aegis.server.backup.archive import Archive
    from poetry_aegis.server.backup.manifest import Manifest
    from poetry_aegis.server.backup.reading import Progress
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.drivers.interface import Listener
    from poetry_aegis.server.home import ServerHome


@dataclass(frozen=True)
class RestoreOrder:
    """What is to be restored, and how.

    With *replace_settings* ``server.toml``, ``.env``, ``trust.toml`` and ``tls/`` come from the
    backup also where they are there; with *keep_old* the old data stay beside the new.
    """

    archive: Path
    replace_settings: bool = False
    keep_old: bool = False


@dataclass(frozen=True)
class Restored:
    """What came of it. *kept* is where the old data are, if they stay.

    *was_running*: the server ran before and runs again. *mended* is what did not match between
    pages and files, as ``project/file: what``.
    """

    files: int
    size: int
    created: str
    was_running: bool
    kept: Path | None
    mended: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it; the size is in bytes."""
        return {
            "files": self.files,
            "size": self.size,
            "created": self.created,
            "restarted": self.was_running,
            "kept": str(self.kept) if self.kept else None,
            "mended": list(self.mended),
        }


def restore(
    home: ServerHome, order: RestoreOrder, progress: Progress, listener: Listener = SILENCE
) -> Restored:
    """Put the index of *home* back to what the backup has, or set *home* up with it.

    *progress* is told how much is laid out, *listener* what happens to the server then.

    Raises `BackupError` with the old index untouched; what the driver raises, with the new one in
    place and the old kept; and ``OSError``.
    """
    archive = open_archive(order.archive)
    require_not_newer(archive.manifest)
    with alone(home):
        markers.require_no_restore(home)
        data = place_of(home)
        _require_place(data, archive)
        data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_leftovers(home, data)
        with stage_beside(data) as stage, room_in(data.parent):
            extract(archive, stage.root, progress)
            settings = _settings(home, stage, order)
            report = _brought_up_to_date(stage, settings, archive)
            _hand_over(stage, data, settings)
            marker = Marker(
                archive.path.name,
                stage.root.name,
                name_for_old(data),
                order.replace_settings,
                order.keep_old,
            )
            marker = swap_stopped(home, data, marker, listener)
        finish(home, data, marker, listener)
    before = data.with_name(marker.before)
    manifest = archive.manifest
    return Restored(
        len(manifest.entries),
        manifest.size,
        manifest.created,
        marker.was_running,
        before if before.exists() else None,
        (*report.missing, *report.extra, *report.changed, *report.unreadable),
    )


def rehearse(home: ServerHome, order: RestoreOrder, progress: Progress) -> Manifest:
    """Check all that `restore` would, change nothing, and return what the backup holds.

    Raises `BackupError`.
    """
    archive = open_archive(order.archive)
    require_not_newer(archive.manifest)
    markers.require_no_restore(home)
    _require_place(place_of(home), archive)
    return verify(order.archive, progress)


def _require_place(data: Path, archive: Archive) -> None:
    if os.path.ismount(data):
        raise BackupError(
            f"{data} is a disk of its own, and cannot be swapped in one step.",
            hint="Restore into another home with --home, then copy its data/ over.",
        )
    disk = next(folder for folder in data.parents if folder.is_dir())
    if shutil.disk_usage(disk).free < archive.manifest.size:
        raise no_room(disk, archive.manifest.size)


def _settings(home: ServerHome, stage: ServerHome, order: RestoreOrder) -> ServerSettings:
    """Return the settings that will hold; those of the backup must be usable then."""
    return load_settings(home if home.exists and not order.replace_settings else stage)


def _brought_up_to_date(stage: ServerHome, settings: ServerSettings, archive: Archive) -> Report:
    """Make pages, project list and catalogue agree with the files that came; record it."""
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.store.report import Report

    data = DataDirectory(stage.data)
    _remember(data, archive)
    if settings.engine != "registry":
        return Report()
    require_registry()
    for folder in (data.packages, data.simple):
        folder.mkdir(exist_ok=True)
    _settle_times(data)
    for page in data.simple.iterdir():
        if page.is_file():  # The list is one of another moment than the projects.
            page.unlink()
    with registry_errors():
        from poetry_aegis.registry.upkeep import upkeep

        with upkeep(data.root) as work:
            report = work.reindex((), lambda _done, _all: None)
            work.record("restore", archive.path.name)
            return report


def _remember(data: DataDirectory, archive: Archive) -> None:
    """Set the moment of the last backup, which alerts go by, to that of this one."""
    data.work.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(ValueError, OverflowError):  # It is only what the backup says.
        moment = datetime.fromisoformat(archive.manifest.created).timestamp()
        data.last_backup.touch()
        os.utime(data.last_backup, (moment, moment))


def _settle_times(data: DataDirectory) -> None:
    """Make each project's folder no newer than its page, which tells what came since."""
    for folder in data.packages.iterdir():
        page = data.simple / folder.name / "index.json"
        if folder.is_dir() and page.is_file():
            moment = page.stat().st_mtime_ns
            os.utime(folder, ns=(moment, moment))


def _hand_over(stage: ServerHome, data: Path, settings: ServerSettings) -> None:
    """Give what root has written to whom the server runs as."""
    if settings.is_stack:
        owner = owner_of(settings.containers)
        if stage.tls.is_dir():
            hand_over(stage.tls, owner)
    elif data.exists():
        owner = Owner(data.stat().st_uid, data.stat().st_gid)
    else:
        return
    hand_over(stage.data, owner)
