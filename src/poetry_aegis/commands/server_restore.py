"""``poetry aegis server restore``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.server.backup.manifest import Manifest
    from poetry_aegis.server.backup.restoring import Restored, RestoreOrder

_SHOWN = 20  # of what did not match


class ServerRestoreCommand(ServerCommand):
    """Puts the index back to a backup."""

    name = "aegis server restore"
    description = "Puts the index back to a backup."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "file",
            "A file, or the name of a backup; without it an interrupted restore ends.",
            optional=True,
        )
    ]
    options: ClassVar[list[Option]] = [
        DRY_RUN,
        option("yes", None, "Do not ask."),
        option("settings", None, "Replace server.toml, .env and tls/, too."),
        option("keep-old", None, "Keep the present data beside the restored ones."),
        HOME,
        JSON,
    ]
    help = """\
All of the backup is read, checked and laid out beside the present data
before anything changes. Only then the server is stopped, two renames
swap the data, and it is started again if it ran. A single process is back
within seconds; a stack, whose containers all stop and start, takes half a
minute or more. Until it runs the present data are kept.

<c1>server.toml</c1>, <c1>.env</c1> and <c1>tls/</c1> come from the backup where they are missing;
with <c1>--settings</c1> always, and those of now stay beside them under another
name. On a new machine name an empty home:

  <c1>poetry aegis server restore backup.tar.gz --home /srv/index</c1>

A restore that was interrupted, were it by a power cut, left either the
old index or the new one. Run <c1>poetry aegis server restore</c1> without a file
to end it."""

    def perform(self) -> int:
        """End what was interrupted, then restore, or check whether that would go well."""
        from poetry_aegis.commands.server_progress import UpkeepProgress
        from poetry_aegis.server.backup.ending import recover
        from poetry_aegis.server.backup.restoring import rehearse, restore

        home, dry_run = self.home, bool(self.option("dry-run"))
        ended = None if dry_run else recover(home)
        order = self._order()
        if order is None:
            self._tell_ended(ended)
            return 0
        if not dry_run:
            self._require_consent()
        with UpkeepProgress(self.messages) as progress:
            if dry_run:
                manifest = rehearse(home, order, progress.arrived)
                self._tell_checked(manifest)
                return 0
            restored = restore(home, order, progress.arrived, progress)
        if self.wants_json:
            self.print_json({"dry_run": False, **restored.to_json()})
        else:
            self._tell(restored)
        return 0

    def _order(self) -> RestoreOrder | None:
        from poetry_aegis.server.backup.restoring import RestoreOrder

        if not self.argument("file"):
            return None
        return RestoreOrder(
            self.find_backup(self.argument("file")),
            replace_settings=bool(self.option("settings")),
            keep_old=bool(self.option("keep-old")),
        )

    def _require_consent(self) -> None:
        """Ask where data are there that would go. Raises `UsageError`."""
        from poetry_aegis.errors import UsageError

        if self.option("yes") or not self.home.auth.is_dir():
            return
        question = f"Replace the index in {plain(str(self.home.root))}?"
        if not (self.can_ask and self.agrees(question)):
            raise UsageError(
                f"The index in {self.home.root} was left as it is.",
                hint="Add --yes to replace it, or --dry-run to check the backup.",
            )

    def _tell_ended(self, ended: str | None) -> None:
        from poetry_aegis.errors import UsageError

        if ended is None:
            raise UsageError(
                "No restore was interrupted, and no backup is named.",
                hint="Name one: poetry aegis server restore FILE",
            )
        if self.wants_json:
            self.print_json({"ended": ended})
        else:
            self.say(plain(ended))

    def _tell_checked(self, manifest: Manifest) -> None:
        from poetry_aegis.server.units import counted, format_size

        files, size = len(manifest.entries), manifest.size
        if self.wants_json:
            document = {"files": files, "size": size, "created": manifest.created}
            self.print_json({"dry_run": True, **document})
            return
        self.say(f"The backup is whole and fits: {counted(files, 'file')}, {format_size(size)}.")
        self.say("Nothing was changed.")

    def _tell(self, restored: Restored) -> None:
        from poetry_aegis.server.backup.manifest import readable_moment
        from poetry_aegis.server.units import counted, format_size

        taken = plain(readable_moment(restored.created))
        files, size = counted(restored.files, "file"), format_size(restored.size)
        self.say(f"The index is what it was at {taken}: {files}, {size}.")
        self.say_table([("mended", what) for what in restored.mended[:_SHOWN]])
        if restored.kept:
            self.say(f"The data of before are in {plain(str(restored.kept))}.")
        if not restored.was_running:
            self.say(f"Start it with: <c1>poetry aegis server start{self.home_option}</c1>")
