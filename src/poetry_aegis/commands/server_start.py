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
