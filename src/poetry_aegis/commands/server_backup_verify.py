"""``poetry aegis server backup verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class ServerBackupVerifyCommand(ServerCommand):
    """Checks that a backup is whole."""

    name = "aegis server backup verify"
    description = "Checks that a backup is whole."
    arguments: ClassVar[list[Argument]] = [
        argument("file", "A file, or the name of one in the server's folder of backups.")
    ]
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = """\
Every byte of the archive is read and compared, and those of the archives
beside it that it refers to. One that was cut short or altered, or one
that is missing, is named, and the exit code is 76. It takes no server:
check a copy wherever it lies. A bare name that is not there is looked for
in the server's own folder of backups.

<b>Examples:</b>
  <c1>poetry aegis server backup verify backup-20260131-031700.tar.gz</c1>
  <c1>poetry aegis server backup verify /mnt/copies/backup.tar.gz</c1>"""

    def perform(self) -> int:
        """Read all of it."""
        from poetry_aegis.commands.server_progress import UpkeepProgress
        from poetry_aegis.server.backup.reading import verify
        from poetry_aegis.server.units import counted, format_size

        path = self.find_backup(self.argument("file"))
        with UpkeepProgress(self.messages) as progress:
            manifest = verify(path, progress.arrived)
        if self.wants_json:
            self.print_json(
                {
                    "archive": str(path),
                    "created": manifest.created,
                    "version": manifest.version,
                    "files": len(manifest.entries),
                    "size": manifest.size,
                    "needs": manifest.others,
                }
            )
            return 0
        files, size = counted(len(manifest.entries), "file"), format_size(manifest.size)
        self.say(f"{plain(path.name)} is whole: {files}, {size}.")
        self.say_table(
            [
                ("taken", manifest.taken),
                ("version", manifest.version),
                *(("needs", name) for name in manifest.others),
            ]
        )
        return 0
