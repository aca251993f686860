"""What the commands about a server share: its home, its driver, passwords and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo.helpers import option

from poetry_aegis.commands.base import AegisCommand, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.drivers.interface import Driver
    from poetry_aegis.server.home import ServerHome

HOME = option(
    "home",
    description="The server's home; AEGIS_SERVER_HOME or the user's data folder unless given.",
    flag=False,
)
PASSWORD_STDIN = option("password-stdin", description="Read the password from standard input.")


class ServerCommand(AegisCommand):
    """A command about the server in one home."""

    @property
    def home(self) -> ServerHome:
        """The home that the command line, the environment or the platform names."""
        from poetry_aegis.server.home import locate_home

        return locate_home(self.option("home"))

    @property
    def home_option(self) -> str:
        """The option that leads further commands to the same home; empty where none is needed."""
        return self.home.option

    @property
    def settings(self) -> ServerSettings:
        """What the home's ``server.toml`` says now."""
        from poetry_aegis.server.config import load_settings

        return load_settings(self.home)

    @property
    def driver(self) -> Driver:
        """The driver that the settings name."""
        from poetry_aegis.server.drivers import driver_of

        return driver_of(self.home, self.settings)

    def find_backup(self, named: str) -> Path:
        """Return the file *named*, or the backup of that name in the server's own folder."""
        from pathlib import Path

        from poetry_aegis.errors import AegisError

        path = Path(named).expanduser().absolute()
        if path.exists() or Path(named).name != named:
            return path
        try:
            kept = self.home.root / self.settings.backup.folder / named
        except AegisError:
            return path  # A copy is read anywhere, also where no server is.
        return kept if kept.is_file() else path

    def warn(self, sentences: Iterable[str]) -> None:
        """Write warnings to standard error."""
        for sentence in sentences:
            self.io.write_error_line(f"<warning>Warning: {plain(sentence)}</>")
            self.annotate("warning", sentence)

    def say_table(self, rows: Sequence[tuple[str, str]]) -> None:
        """Write two columns: names and what belongs to them."""
        width = max((len(name) for name, _ in rows), default=0) + 2
        for name, value in rows:
            self.say(f"  <c1>{plain(name)}</c1>{' ' * (width - len(name))}{plain(value)}")

    def new_password(self, user: str) -> str | None:
        """Return the password to set for *user*; ``None`` where one is to be generated.

        Raises `UsageError` for nothing on standard input, and beside ``--json``, where a
        generated password could be shown nowhere.
        """
        from poetry_aegis.errors import UsageError

        from_stdin = bool(self.option("password-stdin"))
        if self.wants_json and not from_stdin:
            raise UsageError(
                "With --json the password has to come from standard input.",
                hint="Add --password-stdin.",
            )
        question = f"Password for {plain(user)} (empty: generate one):"
        password = self.read_secret(question, from_stdin=from_stdin)
        if from_stdin and not password:
            raise UsageError(
                "There is no password on standard input.",
                hint="Write it there as one line, or leave --password-stdin away.",
            )
        return password or None
