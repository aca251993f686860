"""``poetry aegis server status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.server.drivers.interface import Status

_PAUSE = 2.0  # seconds between two looks


class ServerStatusCommand(ServerCommand):
    """Tells how the server is."""

    name = "aegis server status"
    description = "Tells how the index is doing."
    options: ClassVar[list[Option]] = [
        option("watch", description="Go on looking until Ctrl-C, on a terminal."),
        HOME,
        JSON,
    ]
    help = """\
The exit code is 0 for a server that takes requests, and 54 for one that does
not.

<b>Examples:</b>
  <c1>poetry aegis server status</c1>
  <c1>poetry aegis server status --json</c1>"""

    def perform(self) -> int:
        """Print the status; it is an answer, not an error, whatever it is."""
        from poetry_aegis.errors import NotRunning

        if self.option("watch"):
            return self._watch()
        status = self.driver.status()
        if self.wants_json:
            self.print_json(status.to_json())
        else:
            self.say("\n".join(self._lines(status)))
        return 0 if status.is_running else NotRunning.exit_code

    def _watch(self) -> int:
        """Show the status again and again, until Ctrl-C."""
        import time

        from poetry_aegis.errors import UsageError

        if self.wants_json or not self.io.output.is_decorated():
            raise UsageError(
                "--watch draws on a terminal, and this is none.",
                hint="Without it the status is told once.",
            )
        screen = self.io.output.section()
        driver = self.driver
        try:
            while True:
                moment = time.strftime("%H:%M:%S")
                lines = self._lines(driver.status())
                screen.overwrite("\n".join([*lines, "", f"{moment}, until Ctrl-C"]))
                time.sleep(_PAUSE)
        except KeyboardInterrupt:
            self.say("")  # The terminal has written ^C where the prompt would come.
            return 0

    def _lines(self, status: Status) -> list[str]:
        lines = self._table_of_services(status)
        rows = self._rows(status)
        width = max(len(name) for name, _ in rows) + 2
        lines += [f"  <c1>{name}</c1>{' ' * (width - len(name))}{plain(v)}" for name, v in rows]
        return lines + self._next_step(status)

    def _table_of_services(self, status: Status) -> list[str]:
        from poetry_aegis.commands.server_view import service_table

        return [*service_table(status.services), ""] if status.services else []

    def _rows(self, status: Status) -> list[tuple[str, str]]:
        from poetry_aegis.server.units import format_duration, format_size

        is_stack = status.driver == "compose"
        of_process = [
            ("pid", str(status.pid or "-")),
            ("version", status.version or "-"),
            ("uptime", "-" if status.uptime is None else format_duration(status.uptime)),
        ]
        days = status.certificate_days
        certificate = [("certificate", "none that can be used" if days is None else _days(days))]
        return [
            ("state", status.state),
            ("url", status.url),
            *(certificate if is_stack else of_process),
            ("projects", str(status.usage.projects)),
            ("files", str(status.usage.files)),
            ("disk", format_size(status.usage.disk_bytes)),
            ("last backup", _backup(status.last_backup)),
            ("driver", status.driver),
            ("home", status.home),
        ]

    def _next_step(self, status: Status) -> list[str]:
        if status.notes:
            return ["", *(f"<comment>Note:</comment> {plain(note)}" for note in status.notes)]
        if status.state == "stopped":
            return ["", f"Start it with: <c1>poetry aegis server start{self.home_option}</c1>"]
        if any(service.is_stopped for service in status.services):
            start = f"<c1>poetry aegis server start{self.home_option}</c1>"
            return ["", f"Start what does not run with: {start}"]
        if not status.is_running:
            return ["", f"See why with: <c1>poetry aegis server logs{self.home_option}</c1>"]
        return []


def _days(days: int) -> str:
    from poetry_aegis.server.units import counted

    return f"{counted(days, 'day')} left"


def _backup(moment: float | None) -> str:
    if moment is None:
        return "never"
    import time

    from poetry_aegis.server.units import format_duration

    return f"{format_duration(max(0.0, time.time() - moment))} ago"
