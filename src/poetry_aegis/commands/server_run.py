"""``poetry aegis server run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.commands.base import plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option


class ServerRunCommand(ServerCommand):
    """Runs the server in the foreground."""

    name = "aegis server run"
    description = "Runs the index in the foreground."
    options: ClassVar[list[Option]] = [HOME]
    help = """\
Serves until Ctrl-C or <c1>poetry aegis server stop</c1>, with the log on the
terminal: for service managers, and to look what is wrong.
To serve in the background, use <c1>poetry aegis server start</c1>.

<b>Examples:</b>
  <c1>poetry aegis server run</c1>"""

    def perform(self) -> int:
        """Serve, with the server's log on the terminal."""
        settings = self.settings
        self.warn(settings.warnings)
        code = self.driver.run(
            started=lambda: self.say(f"Serving at {plain(settings.url)} until Ctrl-C.")
        )
        self.say("The server is stopped.")
        return code
