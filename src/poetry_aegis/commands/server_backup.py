"""``poetry aegis server backup``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.server.backup.taking import Order, Taken


class ServerBackupCommand(ServerCommand):
    """Backs up the index while it runs."""

    name = "aegis server backup"
    description = "Backs up the index while it runs."
    options: ClassVar[list[Option]] = [
        option("output", None, "The file (<c1>*.tar.gz</c1>) or folder to write to.", flag=False),
        option("keep", None, "How many backups stay in the folder; 0 keeps all.", flag=False),
        option("full", None, "Store all files anew; refer to no earlier backup."),
        option("schedule", None, "Print what runs it daily: systemd or cron.", flag=False),
        HOME,
        JSON,
    ]
    help = """\
The archive has the packages, pages, users, the audit trail and download
counts, <c1>server.toml</c1>, <c1>.env</c1> and <c1>tls/</c1>. It holds keys and passwords, and
only its owner may read it: store copies of it as safely. What other
indexes can give again, logs and generated files are left out.

Nothing waits for longer than it takes to note which files a project has,
so run it as often as you like. In a folder of backups a file that an
earlier one holds is not stored again: keep them together. A backup that
is to stand alone is made with <c1>--full</c1>, or with a file for <c1>--output</c1>.
Where nothing has changed since the last one, none is written.

The folder and how many are kept stand in server.toml:

  [backup]
  folder = "backups"   # below the home, unless absolute
  keep = 7

A backup that a kept one refers to stays as well. Give each server a
folder of its own.

<b>Examples:</b>
  <c1>poetry aegis server backup</c1>
  <c1>poetry aegis server backup --output /mnt/backups --keep 30</c1>
  <c1>poetry aegis server backup verify backup-20260131-031700.tar.gz</c1>
  <c1>poetry aegis server backup --schedule systemd</c1>"""

    def perform(self) -> int:
        """Take the backup, or print its schedule."""
        from poetry_aegis.commands.server_progress import UpkeepProgress
        from poetry_aegis.server.backup.taking import take

        if kind := self.option("schedule"):
            self._print_schedule(kind)
            return 0
        home, settings = self.home, self.settings
        with UpkeepProgress(self.messages) as progress:
            taken = take(home, settings, self._order(), progress.arrived)
        self.warn(f"{path} is no regular file, and not in the backup." for path in taken.skipped)
        if self.wants_json:
            self.print_json(taken.to_json())
        else:
            self._tell(taken)
        return 0

    def _order(self) -> Order:
        from pathlib import Path

        from poetry_aegis.errors import UsageError
        from poetry_aegis.server.backup.taking import Order

        output, keep = self.option("output"), self.option("keep")
        if keep is not None and not (keep.isascii() and keep.isdigit() and len(keep) < 10):
            raise UsageError(f"--keep {keep} is not a number.")
        return Order(
            Path(output).expanduser().absolute() if output else None,
            None if keep is None else int(keep),
            full=bool(self.option("full")),
        )

    def _tell(self, taken: Taken) -> None:
        from poetry_aegis.server.units import counted, format_size

        archive = plain(str(taken.archive))
        if taken.is_new:
            files = counted(taken.files, "file")
            new = "" if taken.stored == taken.files else f", {taken.stored} of them new"
            self.say(f"Backed up {files}{new}: {archive} ({format_size(taken.size)}).")
        else:
            self.say(f"Nothing has changed since the last backup, {archive}.")
        self.say_table([("removed", name) for name in taken.removed])

    def _print_schedule(self, kind: str) -> None:
        import os

        from poetry_aegis.server.backup.schedule import render_schedule

        as_root = hasattr(os, "geteuid") and os.geteuid() == 0
        self.home.require()
        text = render_schedule(kind, self.home, as_root=as_root)
        if self.wants_json:
            self.print_json({"schedule": kind, "text": text})
        else:
            self.say(plain(text.rstrip("\n")))
