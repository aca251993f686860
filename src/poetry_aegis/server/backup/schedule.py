"""Backups by themselves: a systemd timer or a line for cron."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.errors import UsageError

if TYPE_CHECKING:
    from poetry_aegis.server.home import ServerHome

KINDS = ("systemd", "cron")

_SYSTEMD = """\
# Save this as {folder}/poetry-aegis-backup.service
[Unit]
Description=Backup of the package index in {home}

[Service]
Type=oneshot
ExecStart={command}
Nice=10
IOSchedulingClass=idle

# ... and this as {folder}/poetry-aegis-backup.timer
[Unit]
Description=Daily backup of the package index in {home}

[Timer]
OnCalendar=*-*-* 03:17:00
RandomizedDelaySec=15min
Persistent=true

[Install]
WantedBy=timers.target

# Then: {systemctl} daemon-reload
#       {systemctl} enable --now poetry-aegis-backup.timer
"""
_CRON = """\
# Add this line with: crontab -e
17 3 * * * {command}
"""


def render_schedule(kind: str, home: ServerHome, *, as_root: bool) -> str:
    """Return what makes a daily backup of *home*, and where to put it.

    Raises `UsageError` for another *kind* than systemd and cron, and for a home whose path
    neither can take.
    """
    if kind not in KINDS:
        raise UsageError(f"--schedule {kind} is neither systemd nor cron.")
    root = str(home.root)
    if not root.isprintable() or "%" in root:
        raise UsageError(f"{root!r} cannot be written into a schedule.")
    arguments = [_poetry(), "aegis", "server", "backup", "--home", root, "--quiet"]
    if kind == "cron":
        return _CRON.format(command=shlex.join(arguments))
    return _SYSTEMD.format(
        command=" ".join(map(_quoted, arguments)),
        home=root,
        folder="/etc/systemd/system" if as_root else "~/.config/systemd/user",
        systemctl="systemctl" if as_root else "systemctl --user",
    )


def _poetry() -> str:
    """Return the absolute path of this very poetry: a timer's PATH is a short one."""
    started = Path(sys.argv[0])
    if started.name.startswith("poetry") and started.is_file():
        return str(started.absolute())
    return shutil.which("poetry") or "poetry"


def _quoted(argument: str) -> str:
    """Return *argument* as systemd reads it."""
    if re.fullmatch(r"[A-Za-z0-9/._+:@,=-]+", argument):
        return argument
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'
