"""``poetry aegis server start``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.server.drivers.interface import Started


class ServerStartCommand(ServerCommand):
    """Starts the server in the background."""

    name = "aegis server start"
    description = "Starts the index, waits until it is ready."
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = """\
Returns when the server takes requests; one that is running is left alone.
It goes on when the terminal is closed. Its settings are in server.toml, and
read at each start. A stack of containers comes back after a restart of the
machine, too; without containers, start it again.

Where a service does not come up, it is named, with the last lines that it
has logged. Ctrl-C ends the start where it is: what runs goes on, and what was
not started yet waits for the next <c1>poetry aegis server start</c1>.

  <c1>poetry aegis server start</c1>    starts it
  <c1>poetry aegis server status</c1>   how it is doing
  <c1>poetry aegis server logs</c1>     what it has logged
  <c1>poetry aegis server apply</c1>    brings it to a changed server.toml
  <c1>poetry aegis server stop</c1>     stops it"""

    def perform(self) -> int:
        """Start it, or say that it runs."""
        from poetry_aegis.commands.server_view import StartView

        self.warn(self.settings.warnings)
        started = self.driver.start(StartView(self.messages))
        if self.wants_json:
            self.print_json(started.to_json())
        else:
            self._tell(started)
        return 0

    def _tell(self, started: Started) -> None:
        already = "already " if started.already_running else ""
        process = f" (pid {started.pid})" if started.pid else ""
        self.say(f"The server is {already}running at {plain(started.url)}{process}.")
        for note in started.notes:
            self.say(f"<comment>Note:</comment> {plain(note)}")
