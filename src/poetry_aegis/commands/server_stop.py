"""``poetry aegis server stop``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.commands.base import JSON
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.server.drivers.interface import Driver


class ServerStopCommand(ServerCommand):
    """Stops the server."""

    name = "aegis server stop"
    description = "Stops the index."
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = """\
Requests that are under way are finished first. A server that is not running
is no error. Data and measurements stay. To bring in changed settings, use
<c1>poetry aegis server apply</c1>: it stops no more than it has to.

<b>Examples:</b>
  <c1>poetry aegis server stop</c1>"""

    def perform(self) -> int:
        """Stop it; one that is not running is fine."""
        was_running = self._driver_to_stop().stop()
        if self.wants_json:
            self.print_json({"was_running": was_running})
        else:
            self.say("The server is stopped." if was_running else "The server was not running.")
        return 0

    def _driver_to_stop(self) -> Driver:
        """Return the driver, also where ``server.toml`` was broken while the server ran."""
        from poetry_aegis.errors import NoServer, ServerError, SettingsError
        from poetry_aegis.server.config import ServerSettings
        from poetry_aegis.server.drivers import driver_of

        try:
            return self.driver
        except NoServer:
            raise
        except (ServerError, SettingsError):
            # Stopping needs no setting: what runs is known by its pid file, or by compose.yaml.
            stack = self.home.compose_file.exists()
            return driver_of(self.home, ServerSettings(driver="compose" if stack else "embedded"))
