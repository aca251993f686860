"""``poetry aegis server restart``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class ServerRestartCommand(ServerCommand):
    """Restarts the server, or one service of it."""

    name = "aegis server restart"
    description = "Restarts the index, or one service."
    arguments: ClassVar[list[Argument]] = [
        argument("service", "A service of the stack; all of them unless named.", optional=True)
    ]
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = """\
Without a service all is stopped and started again, with server.toml as it is
now. To bring in changed settings with no more restarts than needed, use
<c1>poetry aegis server apply</c1>.

<b>Examples:</b>

  <c1>poetry aegis server restart</c1>
  <c1>poetry aegis server restart nginx</c1>"""

    def perform(self) -> int:
        """Restart, and wait until it takes requests."""
        from poetry_aegis.commands.server_view import StartView

        service = self.argument("service")
        started = self.driver.restart(service, StartView(self.messages))
        if self.wants_json:
            self.print_json(started.to_json())
            return 0
        what = f"{service} is restarted" if service else "The server is restarted"
        self.say(f"{plain(what)}, at {plain(started.url)}")
        return 0
