"""``poetry aegis server debug``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class ServerDebugCommand(ServerCommand):
    """Runs the engine in the foreground, telling more."""

    name = "aegis server debug"
    description = "Runs the engine here, telling more."
    arguments: ClassVar[list[Argument]] = [
        argument("service", "Another service of the stack than the engine.", optional=True)
    ]
    options: ClassVar[list[Option]] = [HOME]
    help = """\
Serves until Ctrl-C with Python's development mode on: warnings, and files and
tasks that were forgotten, are told on the terminal.

Of a stack of containers the engine alone is taken into the foreground; nginx
and the others go on, and send it their requests. After Ctrl-C it runs in the
background again. Without containers the server has to be stopped before.

<b>Examples:</b>
  <c1>poetry aegis server debug</c1>"""

    def perform(self) -> int:
        """Serve, with all that there is to tell on the terminal."""
        self.warn(self.settings.warnings)
        service = self.argument("service")
        code = self.driver.debug(
            started=lambda: self.say("Running here until Ctrl-C."), service=service
        )
        self.say("No longer running here.")
        return code
