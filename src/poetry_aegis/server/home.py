"""The server's home: the one directory that holds an installation of the index.

::

    server.toml         the settings, the only file an operator edits
    data/               the index itself: distributions, pages, users
    run/registry.pid    the running process
    run/registry.toml   the settings it was started with, written from server.toml
    run/lock            held while a command starts, stops or changes something
    logs/registry.log   what the process prints
    trust.toml          the keys whose signatures count, where server.toml names it
    backups/            backups, unless server.toml names another folder

and for the Compose stack::

    compose.yaml        the services; this and all of stack/ is written from server.toml
    .env                generated passwords
    stack/              the configuration of each service, and what the registry's image is built of
    tls/                the local authority and the server's certificate, with their keys
    logs/nginx/         nginx's access log
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from poetry_aegis.errors import NoServer, ServerError

HOME_VARIABLE = "AEGIS_SERVER_HOME"
TRUST = "trust.toml"


@dataclass(frozen=True)
class ServerHome:
    """The paths of an installation under *root*, which is absolute."""

    root: Path

    @property
    def settings_file(self) -> Path:
        """Where ``server.toml`` is; a home without it holds no server."""
        return self.root / "server.toml"

    @property
    def data(self) -> Path:
        """The registry's data directory."""
        return self.root / "data"

    @property
    def auth(self) -> Path:
        """Where the registry keeps its users."""
        return self.data / "auth"

    @property
    def pid_file(self) -> Path:
        """Which process serves this home."""
        return self.root / "run" / "registry.pid"

    @property
    def registry_settings(self) -> Path:
        """What the running process reads; written from ``server.toml``."""
        return self.root / "run" / "registry.toml"

    @property
    def lock_file(self) -> Path:
        """Held while a command changes this home."""
        return self.root / "run" / "lock"

    @property
    def log_file(self) -> Path:
        """What the process prints."""
        return self.root / "logs" / "registry.log"

    def trust_file(self, named: str = TRUST) -> Path:
        """Return where the file of trusted keys is that the settings have *named*.

        Under its usual name it is in backups, too.
        """
        return self.root / named

    @property
    def compose_file(self) -> Path:
        """The services of the Compose stack."""
        return self.root / "compose.yaml"

    @property
    def env_file(self) -> Path:
        """The generated passwords of the Compose stack, for its owner alone."""
        return self.root / ".env"

    @property
    def stack(self) -> Path:
        """The configuration of the Compose stack's services."""
        return self.root / "stack"

    @property
    def tls(self) -> Path:
        """The local authority and the server's certificate."""
        return self.root / "tls"

    @property
    def nginx_logs(self) -> Path:
        """Where nginx writes ``access.log``, which the registry follows."""
        return self.root / "logs" / "nginx"

    @property
    def option(self) -> str:
        """What leads a further command here, with a space before it; empty where nothing has to."""
        return "" if self == locate_home(None) else f" --home {shlex.quote(str(self.root))}"

    @property
    def exists(self) -> bool:
        """Whether a server is set up here."""
        return self.settings_file.is_file()

    def require(self) -> None:
        """Raise `NoServer` where none is set up."""
        if not self.exists:
            raise NoServer(
                f"There is no server in {self.root}.",
                hint="Set one up with: poetry aegis server init\n"
                f"Or name its home with --home or {HOME_VARIABLE}.",
            )

    def require_data(self) -> None:
        """Raise `ServerError` where the data is gone: an empty index must not take its place.

        It would look for private names at the index behind it.
        """
        if not self.auth.is_dir():
            raise ServerError(
                f"The data of this server, {self.data}, is not there.",
                hint="Is a disk not mounted? Bring it back, or restore a backup with: "
                f"poetry aegis server restore FILE{self.option}\n"
                f"Or set up a new server: remove {self.settings_file} and run "
                f"poetry aegis server init{self.option}",
            )

    def make_directories(self) -> None:
        """Make what is missing of the layout, closed to other users. Raises `ServerError`."""
        directories = (
            self.root,
            self.data,
            self.auth,
            self.pid_file.parent,
            self.log_file.parent,
        )
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            for directory in directories:
                directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ServerError(
                f"The directory {error.filename} cannot be made: {error.strerror}.",
                hint="Name another home with --home.",
            ) from error


def locate_home(option: str | None) -> ServerHome:
    """Return the home named by *option*, else by the environment, else the platform's own."""
    named = option or os.environ.get(HOME_VARIABLE)
    if named:
        return ServerHome(Path(os.path.abspath(Path(named).expanduser())))  # noqa: PTH100  no links followed
    import platformdirs

    return ServerHome(platformdirs.user_data_path("poetry-aegis", appauthor=False) / "server")
