"""``poetry aegis server start``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option


class ServerStartCommand(ServerCommand):
    """Starts the server in the background."""

    name = "aegis server start"
    description = "Starts the index, waits until it is ready."
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = """\
Returns when the server takes requests; one that is running is left alone.
It goes on when the terminal is closed, and not after a restart of the
machine. Its settings are in server.toml, and read at each start.

  <c1>poetry aegis server status</c1>   how it is doing
  <c1>poetry aegis server logs</c1>     what it has logged
  <c1>poetry aegis server stop</c1>     stops it"""

    def perform(self) -> int:
        """Start it, or say that it runs."""
        from dataclasses import asdict

        self.warn(self.settings.warnings)
        started = self.driver.start()
        if self.wants_json:
            self.print_json(asdict(started))
            return 0
        already = "already " if started.already_running else ""
        self.say(f"The server is {already}running at {plain(started.url)} (pid {started.pid}).")
        return 0
