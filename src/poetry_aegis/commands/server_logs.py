"""``poetry aegis server logs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class ServerLogsCommand(ServerCommand):
    """Prints the server's log."""

    name = "aegis server logs"
    description = "Prints what the index has logged."
    arguments: ClassVar[list[Argument]] = [
        argument("service", "A service of the stack; all of them unless named.", optional=True)
    ]
    options: ClassVar[list[Option]] = [
        option("follow", "f", "Go on with new lines until Ctrl-C."),
        option("lines", description="How many lines of the end.", flag=False, default="100"),
        HOME,
    ]
    help = """\
Prints what the server has logged, its requests as a line of JSON each.
Checks of its health that find all well are left out.

The services of a stack are those of <c1>poetry aegis server status</c1>; each line
begins with the name of its own. nginx writes its requests to a file of the
home, <c1>logs/nginx/access.log</c1>, and only what goes wrong is printed here.

<b>Examples:</b>
  <c1>poetry aegis server logs --follow</c1>
  <c1>poetry aegis server logs nginx --lines 20</c1>"""

    def perform(self) -> int:
        """Print lines as they come; a reader that has read enough is no error."""
        from poetry_aegis.errors import UsageError

        asked = self.option("lines")
        if not (asked.isascii() and asked.isdigit()):
            raise UsageError(
                f"--lines {asked} is not a number of lines.", hint="For example: --lines 50"
            )
        try:
            lines = self._log_lines(int(asked))
            self._tell_of_file()
            for line in lines:
                self.messages.write_line(plain(line))
        except BrokenPipeError:
            _discard_output()
        return 0

    def _log_lines(self, count: int) -> Iterator[str]:
        follow, service = bool(self.option("follow")), self.argument("service")
        return self.driver.logs(lines=count, follow=follow, service=service)

    def _tell_of_file(self) -> None:
        """Say where nginx's requests are, beside what is printed."""
        if self.argument("service") == "nginx" and self.settings.is_stack:
            where = plain(str(self.home.nginx_logs / "access.log"))
            self.io.write_error_line(f"The requests are in {where}")


def _discard_output() -> None:
    """Let the interpreter's last flush go nowhere instead of failing on the closed pipe."""
    import os
    import sys

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
