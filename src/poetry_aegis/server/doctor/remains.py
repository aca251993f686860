"""What commands and crashes leave behind: locks, half-done work, temporary files."""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from itertools import islice
from typing import TYPE_CHECKING

from poetry_aegis.atomic import LEFTOVERS
from poetry_aegis.server.doctor.index import reindexing
from poetry_aegis.server.doctor.verdicts import Check, Verdict, has_registry, warn, well, wrong
from poetry_aegis.server.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from poetry_aegis.server.doctor.context import Context

PATIENCE = 1.5  # seconds for which a lock may be held by who does its work
MOST_LOCKS = 2000
OLD = 3600  # seconds after which nobody is at work on it any more
LONG_AGO = 600


def look_at_lock(context: Context) -> Verdict:
    """Look whether another command has been at work on the server for long."""
    lock = context.home.lock_file
    if not _stay_held([lock]):
        return well("No other command is at work.")
    holder = _holder(context, lock)
    return warn(
        f"{holder or 'Another command'} holds {lock}.",
        f"Wait for it to end; where it hangs: kill {_pid(holder)}",
    )


def look_at_project_locks(context: Context) -> Verdict:
    """Look whether a project has been kept from being written for long."""
    folder = context.home.data / ".work" / "locks"
    held = _stay_held(islice(sorted(folder.glob("*.lock")), MOST_LOCKS))
    holder = _holder(context, held[0]) if held else ""
    if not held or _pid(holder) == str(os.getpid()):  # Another check looks at the project.
        return well("No project is kept from being written.")
    names = ", ".join(path.name.removesuffix(".lock") for path in held[:3])
    return warn(
        f"{holder or 'A process'} keeps {names} from being written.",
        f"Wait for it to end; where it hangs: kill {_pid(holder)}",
    )


def _stay_held(locks: Iterable[Path]) -> list[Path]:
    """Return those of *locks* that somebody holds, and goes on holding."""
    held = [lock for lock in locks if _is_held(lock)]
    if held:
        time.sleep(PATIENCE)
    return [lock for lock in held if _is_held(lock)]


def _is_held(lock: Path) -> bool:
    from poetry_aegis.registry.locks import exclusive_if_free

    if not lock.exists():  # Looking is not to make it.
        return False
    with exclusive_if_free(lock) as ours:
        return not ours


def _holder(context: Context, lock: Path) -> str:
    """Return ``NAME (pid N)`` of who holds *lock*; empty where the system does not tell."""
    proc = context.machine.root / "proc"
    with contextlib.suppress(OSError, ValueError, IndexError):
        inode = lock.stat().st_ino
        for line in (proc / "locks").read_text(encoding="ascii").splitlines():
            fields = line.split()
            if fields[1] != "->" and int(fields[5].rpartition(":")[2]) == inode:
                name = (proc / fields[4] / "comm").read_text(errors="replace").strip()
                return f"{name} (pid {fields[4]})"
    return ""


def _pid(holder: str) -> str:
    return holder.rpartition("pid ")[2].rstrip(")") or "PID"


def look_at_unfinished(context: Context) -> Verdict:
    """Look whether a crash has left changes of projects half-done."""
    folder = context.home.data / ".work" / "pending"
    old = [path.name for path in _older_than(context, LONG_AGO, folder, "*")]
    if not old:
        return well("No change of a project is left half-done.")
    shown = " ".join(map(shlex.quote, sorted(old)[:20]))
    return warn(
        f"{counted(len(old), 'change')} left half-done by a crash: {', '.join(sorted(old)[:3])}.",
        context.command(f"reindex {shown}"),
        reindexing(context, sorted(old)),
    )


def look_at_leftovers(context: Context) -> Verdict:
    """Look for temporary files of commands that were killed."""
    home = context.home
    folders = (home.root, home.auth, home.tls, home.pid_file.parent, home.stack)
    found = [path for folder in folders for path in _older_than(context, OLD, folder, LEFTOVERS)]
    if not found:
        return well("No temporary file is left over.")

    def remove() -> str:
        for path in found:
            path.unlink(missing_ok=True)
        return f"{counted(len(found), 'file')} removed."

    quoted = " ".join(shlex.quote(str(path)) for path in found)
    return warn(f"{counted(len(found), 'temporary file')} left over.", f"rm {quoted}", remove)


def look_at_restores(context: Context) -> Verdict:
    """Look for a restore or a backup that did not come to its end. Raises `BackupError`."""
    from poetry_aegis.server.backup import marker

    if begun := marker.read(context.home):
        return wrong(
            f"The restore of {begun.archive} did not come to its end.", context.command("restore")
        )
    folder = context.home.data / ".work"
    broken_off = list(_older_than(context, OLD, folder, "backup-*"))
    broken_off += _older_than(context, OLD, context.home.root, "data.restoring-*")
    if broken_off:
        return warn(
            f"A backup or a restore was broken off: {', '.join(map(str, broken_off))}.",
            f"rm -r {' '.join(shlex.quote(str(path)) for path in broken_off)}",
        )
    return well("No restore or backup is left half-done.")


def _older_than(context: Context, age: float, folder: Path, pattern: str) -> list[Path]:
    latest, found = context.now.timestamp() - age, []
    for path in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError):  # gone meanwhile
            if path.lstat().st_mtime < latest:
                found.append(path)
    return found


CHECKS = (
    Check("command-lock", "No command hangs", look_at_lock),
    Check("project-locks", "No project is locked for long", look_at_project_locks, has_registry),
    Check("unfinished", "No change is left half-done", look_at_unfinished, has_registry),
    Check("leftovers", "No temporary files are left over", look_at_leftovers),
    Check("half-restored", "No restore or backup is half-done", look_at_restores),
)
