"""``poetry aegis server stop``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.commands.base import JSON
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option


class ServerStopCommand(ServerCommand):
    """Stops the server."""

    name = "aegis server stop"
    description = "Stops the index."
    options: ClassVar[list[Option]] = [HOME, JSON]

    def perform(self) -> int:
        """Stop it; one that is not running is fine."""
        was_running = self.driver.stop()
        if self.wants_json:
            self.print_json({"was_running": was_running})
        else:
            self.say("The server is stopped." if was_running else "The server was not running.")
        return 0
