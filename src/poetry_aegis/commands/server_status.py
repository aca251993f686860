"""``poetry aegis server status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.commands.base import JSON
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.server.drivers.interface import Status


class ServerStatusCommand(ServerCommand):
    """Tells how the server is."""

    name = "aegis server status"
    description = "Tells how the index is doing."
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = "The exit code is 0 for a server that takes requests, and 54 for one that does not."

    def perform(self) -> int:
        """Print the status; it is an answer, not an error, whatever it is."""
        from poetry_aegis.errors import NotRunning

        status = self.driver.status()
        if self.wants_json:
            self.print_json(status.to_json())
        else:
            self._tell(status)
        return 0 if status.is_running else NotRunning.exit_code

    def _tell(self, status: Status) -> None:
        from poetry_aegis.server.units import format_duration, format_size

        self.say_table(
            [
                ("state", status.state),
                ("pid", str(status.pid or "-")),
                ("url", status.url),
                ("version", status.version or "-"),
                ("uptime", "-" if status.uptime is None else format_duration(status.uptime)),
                ("projects", str(status.usage.projects)),
                ("files", str(status.usage.files)),
                ("disk", format_size(status.usage.disk_bytes)),
                ("driver", status.driver),
                ("home", status.home),
            ]
        )
        if status.state == "stopped":
            self.say(f"\nStart it with: <c1>poetry aegis server start{self.home_option}</c1>")
        elif not status.is_running:
            self.say(f"\nSee why with: <c1>poetry aegis server logs{self.home_option}</c1>")
