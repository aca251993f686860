"""``poetry aegis server upgrade``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option


class ServerUpgradeCommand(ServerCommand):
    """Runs the version of the server that is installed now."""

    name = "aegis server upgrade"
    description = "Runs the installed version of the index."
    options: ClassVar[list[Option]] = [
        option("pull", description="Look for newer images of the same names first."),
        HOME,
        JSON,
    ]
    help = """\
After an upgrade of this plugin the server goes on with the version that it
was started with. This builds the image of the registry anew and replaces
what has changed, one service after the other; data and measurements stay.
What waits for the registry is replaced with it: nginx is away for some
seconds. Where a service does not come up, it says so, and how to go back.

  <c1>poetry self add "poetry-aegis[registry]@latest"</c1>
  <c1>poetry aegis server backup</c1>
  <c1>poetry aegis server upgrade</c1>"""

    def perform(self) -> int:
        """Build, replace and wait."""
        from poetry_aegis.commands.server_view import StartView

        pull = bool(self.option("pull"))
        applied = self.driver.upgrade(StartView(self.messages), pull=pull)
        if self.wants_json:
            self.print_json(applied.to_json())
            return 0
        replaced = (*applied.recreated, *applied.restarted)
        self.say_table([("replaced", ", ".join(replaced) or "nothing")])
        state = "runs" if applied.running else "is not running; it will start with"
        self.say(f"The server {state} the installed version.")
        return 0
