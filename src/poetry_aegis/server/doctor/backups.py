"""Backups: when the last one was made, and whether the next one can be."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.verdicts import Check, Verdict, is_set_up, skip, warn, well, wrong
from poetry_aegis.server.units import format_duration

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.doctor.context import Context

TOO_OLD = 48 * 3600  # seconds, as the alerts have it


def look_at_age(context: Context) -> Verdict:
    """Look when the last backup was made."""
    from poetry_aegis.registry.data import DataDirectory

    data = DataDirectory(context.home.data)
    try:
        age = context.now.timestamp() - data.last_backup.stat().st_mtime
    except FileNotFoundError:
        if not _holds_packages(data.packages):
            return skip("There is no package yet that could be lost.")
        return warn("There was never a backup.", context.command("backup"))
    if age > TOO_OLD:
        return warn(f"The last backup is {format_duration(age)} old.", context.command("backup"))
    return well(f"The last backup is {format_duration(max(age, 0))} old.")


def _holds_packages(packages: Path) -> bool:
    return packages.is_dir() and any(packages.iterdir())


def look_at_folder(context: Context) -> Verdict:
    """Look whether backups can be written where they are to go."""
    folder = context.backups
    if folder.exists() and not folder.is_dir():
        return wrong(f"{folder} is no folder.", f"Change [backup] in {context.home.settings_file}")
    place = next(path for path in (folder, *folder.parents) if path.is_dir())
    if not os.access(place, os.W_OK | os.X_OK) or not place.stat().st_mode & 0o222:
        return wrong(
            f"This user may not write to {place}.",
            f"sudo chown {os.getuid()} {shlex.quote(str(place))}"
            if hasattr(os, "getuid")
            else f"Change [backup] in {context.home.settings_file}",
        )
    return well(f"{folder} can be written to.")


CHECKS = (
    Check("backup-age", "There is a backup of these days", look_at_age, is_set_up),
    Check("backup-folder", "Backups can be written", look_at_folder, is_set_up),
)
