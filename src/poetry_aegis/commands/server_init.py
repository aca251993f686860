"""``poetry aegis server init``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, PASSWORD_STDIN, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.server.config import ServerSettings


class ServerInitCommand(ServerCommand):
    """Sets up a new server."""

    name = "aegis server init"
    description = "Sets up a private package index."
    options: ClassVar[list[Option]] = [
        option("driver", description="How it runs: embedded.", flag=False, default="embedded"),
        option("host", description="The address to listen on.", flag=False, default="127.0.0.1"),
        option("port", description="The port; 0 takes a free one.", flag=False, default="8080"),
        HOME,
        option("user", description="The first user, an admin.", flag=False, default="admin"),
        PASSWORD_STDIN,
        JSON,
    ]
    help = """\
Without <c1>--password-stdin</c1> the password is asked for on a terminal; where
nobody can be asked, one is generated and shown once.

<b>Examples:</b>
  <c1>poetry aegis server init</c1>
  <c1>poetry aegis server init --home ./index --port 0</c1>"""

    def perform(self) -> int:
        """Check all, ask for the password, then write."""
        from poetry_aegis.server import installation, users

        user = self.option("user")
        installation.require_vacant(self.home)
        settings = self._settings()
        given = self.new_password(user)
        password = given or users.generate_password()
        installation.create(self.home, settings, user=user, password=password)
        self.warn(settings.warnings)
        if self.wants_json:
            self._print_json(user, settings)
        else:
            self._tell(user, settings, generated=None if given else password)
        return 0

    def _settings(self) -> ServerSettings:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.server.config import new_settings

        if self.option("driver") != "embedded":
            raise UsageError(
                f"There is no driver {self.option('driver')!r}.", hint="The drivers are: embedded."
            )
        port = self.option("port")
        if not (port.isascii() and port.isdigit()):
            raise UsageError(f"--port {port} is not a port.", hint="Ports go from 1 to 65535.")
        return new_settings(host=self.option("host"), port=int(port))

    @property
    def _next_steps(self) -> list[str]:
        import shlex

        user = shlex.quote(self.option("user"))
        named = "" if user == "admin" else f" --username {user}"
        return [
            f"poetry aegis server start{self.home_option}",
            f"poetry aegis client poetry{self.home_option}{named}",
        ]

    def _tell(self, user: str, settings: ServerSettings, *, generated: str | None) -> None:
        self.say(f"A package index is set up in {plain(str(self.home.root))}")
        rows = [("address", settings.url), ("admin", user)]
        if generated:
            rows.append(("password", f"{generated}  (shown only this once)"))
        self.say_table(rows)
        self.say("\nStart it, then make it known to Poetry:")
        for step in self._next_steps:
            self.say(f"  <c1>{plain(step)}</c1>")

    def _print_json(self, user: str, settings: ServerSettings) -> None:
        self.print_json(
            {
                "home": str(self.home.root),
                "settings_file": str(self.home.settings_file),
                "driver": settings.driver,
                "host": settings.host,
                "port": settings.port,
                "url": settings.url,
                "user": user,
                "warnings": list(settings.warnings),
                "next": self._next_steps,
            }
        )
