"""``poetry aegis server init``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from cleo.helpers import option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, PASSWORD_STDIN, ServerCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo.io.inputs.option import Option

    from poetry_aegis.server.config import ServerSettings

DRIVERS = ("compose", "embedded")
_EMBEDDED = ("host", "port")
_COMPOSE = ("name", "http-port", "https-port")


class ServerInitCommand(ServerCommand):
    """Sets up a new server."""

    name = "aegis server init"
    description = "Sets up a private package index."
    options: ClassVar[list[Option]] = [
        option(
            "driver",
            description="How it runs: compose (containers, with TLS) or embedded (one process).",
            flag=False,
        ),
        option("name", description="compose: the name that clients use.", flag=False),
        option("http-port", description="compose: the port of HTTP (80).", flag=False),
        option("https-port", description="compose: the port of HTTPS (443).", flag=False),
        option("host", description="embedded: the address to listen on (127.0.0.1).", flag=False),
        option("port", description="embedded: the port (8080); 0 takes a free one.", flag=False),
        HOME,
        option("user", description="The first user, an admin.", flag=False, default="admin"),
        PASSWORD_STDIN,
        JSON,
    ]
    help = """\
Without <c1>--driver</c1> it is <c1>compose</c1> where Docker with Compose answers, and
<c1>embedded</c1> elsewhere, or where <c1>--host</c1> or <c1>--port</c1> is given.

Without <c1>--password-stdin</c1> the password is asked for on a terminal; where
nobody can be asked, one is generated and shown once.

<b>Examples:</b>
  <c1>poetry aegis server init</c1>
  <c1>poetry aegis server init --driver compose --name pypi.example.com</c1>
  <c1>poetry aegis server init --home ./index --port 0</c1>"""

    def perform(self) -> int:
        """Check all, ask for the password, then write."""
        from poetry_aegis.server import installation, users

        user = self.option("user")
        installation.require_vacant(self.home, option=self.home_option)
        driver, reason = self._driver()
        settings = self._settings(driver)
        given = self.new_password(user)
        password = given or users.generate_password()
        installation.create(self.home, settings, user=user, password=password)
        warnings = (*settings.warnings, *installation.obstacles(settings))
        self.warn(warnings)
        if self.wants_json:
            self._print_json(user, settings, reason, warnings)
        else:
            self._tell(user, settings, reason, generated=None if given else password)
        return 0

    def _driver(self) -> tuple[Literal["embedded", "compose"], str]:
        """Return the driver to set up, and why it is that one. Raises `UsageError`."""
        from poetry_aegis.errors import UsageError

        asked = self.option("driver")
        if asked not in (None, *DRIVERS):
            raise UsageError(
                f"There is no driver {asked!r}.", hint=f"The drivers are: {', '.join(DRIVERS)}."
            )
        of_embedded, of_compose = self._given(_EMBEDDED), self._given(_COMPOSE)
        if asked is None and not of_embedded and not of_compose:
            from poetry_aegis.server.installation import choose_driver

            return choose_driver()
        driver: Literal["embedded", "compose"] = "embedded"
        if asked == "compose" or (asked is None and of_compose):
            driver = "compose"
        misplaced = of_embedded if driver == "compose" else of_compose
        if misplaced:
            raise UsageError(f"{', '.join(misplaced)} does not go with the driver {driver}.")
        given = " and ".join(of_embedded + of_compose)
        return driver, "as asked for" if asked else f"since {given} was given"

    def _given(self, names: Sequence[str]) -> list[str]:
        return [f"--{name}" for name in names if self.option(name) is not None]

    def _settings(self, driver: Literal["embedded", "compose"]) -> ServerSettings:
        from poetry_aegis.server.config import ServerSettings, new_settings

        defaults = ServerSettings()
        return new_settings(
            driver,
            host=self.option("host") or defaults.host,
            port=self._port("port", defaults.port),
            name=self.option("name") or defaults.web.name,
            http_port=self._port("http-port", defaults.web.http_port),
            https_port=self._port("https-port", defaults.web.https_port),
        )

    def _port(self, name: str, default: int) -> int:
        from poetry_aegis.errors import UsageError

        asked = self.option(name)
        if asked is None:
            return default
        if not (asked.isascii() and asked.isdigit()):
            raise UsageError(f"--{name} {asked} is not a port.", hint="Ports go from 1 to 65535.")
        return int(asked)

    @property
    def _next_steps(self) -> list[str]:
        import shlex

        user = shlex.quote(self.option("user"))
        named = "" if user == "admin" else f" --username {user}"
        return [
            f"poetry aegis server start{self.home_option}",
            f"poetry aegis client poetry{self.home_option}{named}",
        ]

    def _tell(
        self, user: str, settings: ServerSettings, reason: str, *, generated: str | None
    ) -> None:
        self.say(f"A package index is set up in {plain(str(self.home.root))}")
        rows = [
            ("driver", f"{settings.driver} ({reason})"),
            ("address", settings.url),
            ("admin", user),
        ]
        if generated:
            rows.append(("password", f"{generated}  (shown only this once)"))
        self.say_table(rows)
        self.say("\nStart it, then make it known to Poetry:")
        for step in self._next_steps:
            self.say(f"  <c1>{plain(step)}</c1>")

    def _print_json(
        self, user: str, settings: ServerSettings, reason: str, warnings: Sequence[str]
    ) -> None:
        self.print_json(
            {
                "home": str(self.home.root),
                "settings_file": str(self.home.settings_file),
                "driver": settings.driver,
                "reason": reason,
                **_where(settings),
                "url": settings.url,
                "user": user,
                "warnings": list(warnings),
                "next": self._next_steps,
            }
        )


def _where(settings: ServerSettings) -> dict[str, str | int]:
    """Return what the driver in use listens as."""
    if not settings.is_stack:
        return {"host": settings.host, "port": settings.port}
    web = settings.web
    return {"name": web.name, "http_port": web.http_port, "https_port": web.https_port}
