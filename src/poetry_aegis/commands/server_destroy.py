"""``poetry aegis server destroy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option


class ServerDestroyCommand(ServerCommand):
    """Removes what runs the server, and the data where asked to."""

    name = "aegis server destroy"
    description = "Removes the containers, or all the data."
    options: ClassVar[list[Option]] = [
        option("data", description="Delete the packages and users, too, for good."),
        option("yes", "y", "Do not ask."),
        HOME,
        JSON,
    ]
    help = """\
Stops the server and removes its containers, networks, volumes and the image
that was built for it: what Prometheus has measured goes, too. The packages,
the users and all settings stay, and <c1>poetry aegis server start</c1> makes the
rest anew.

With <c1>--data</c1> the packages, users and records are deleted for good. Backups,
certificates and server.toml stay: a backup can be restored.

<b>Examples:</b>
  <c1>poetry aegis server destroy</c1>
  <c1>poetry aegis server destroy --data</c1>"""

    def perform(self) -> int:
        """Ask, then remove."""
        data = bool(self.option("data"))
        self.home.require()
        self._require_consent(data=data)
        removed = self.driver.destroy(data=data)
        if self.wants_json:
            self.print_json({"removed": removed, "data": data})
        elif data:
            self.say("The server and its data are gone.")
        else:
            self.say("The server is gone; its data are kept." if removed else "There was nothing.")
        return 0

    def _require_consent(self, *, data: bool) -> None:
        """Return if all that may go. Raises `UsageError` where nobody says so."""
        import sys

        from poetry_aegis.errors import UsageError

        if self.option("yes"):
            return
        if not self.can_ask:
            raise UsageError(
                "Nobody can be asked here whether to remove the server.", hint="Add --yes to do it."
            )
        where = plain(str(self.home.root))
        if data:
            self.io.write_error(
                f"All packages and users of {where} will be deleted for good.\n"
                'Type "delete" to do it: '
            )
            agreed = sys.stdin.readline().strip() == "delete"
        else:
            agreed = self.agrees(f"Remove the containers and volumes of {where}?")
        if not agreed:
            raise UsageError("Nothing was removed.")
