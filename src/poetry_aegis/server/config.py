"""``server.toml``: the settings of a server, read, checked and written for the first time."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

from poetry_aegis.errors import CorruptProject, ServerError, SettingsError, UsageError
from poetry_aegis.registry.options import parse_size
from poetry_aegis.server.ports import find_free_port

if TYPE_CHECKING:
    from poetry_aegis.server.home import ServerHome

TEMPLATE = """\
# The settings of this index server. Edit this file, then restart the server:
#   poetry aegis server stop && poetry aegis server start

# How the server runs: "embedded" is a background process of this machine.
driver = {driver}

# The address it listens on. Beyond 127.0.0.1 passwords and packages travel unencrypted.
host = {host}
port = {port}

# Whether packages can be listed and downloaded without a password.
anonymous_read = {anonymous_read}

# The largest file an upload may bring, such as "500MB" or "2GiB".
max_upload_size = {max_upload_size}
"""


@dataclass(frozen=True)
class ServerSettings:
    """What ``server.toml`` says. Raises `SettingsError` for values that make no sense."""

    driver: Literal["embedded"] = "embedded"
    host: str = "127.0.0.1"
    port: int = 8080
    anonymous_read: bool = False
    max_upload_size: str = "1GiB"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9A-Za-z_.:-]+", self.host):
            raise SettingsError(
                f"host = {self.host!r} is neither an IP address nor a host name.",
                hint='Name the address to listen on, for example "127.0.0.1".',
            )
        if not 1 <= self.port <= 65535:
            raise SettingsError(
                f"port = {self.port} is not a port.", hint="Ports go from 1 to 65535."
            )
        try:
            parse_size(self.max_upload_size)
        except ValueError as error:
            raise SettingsError(f"max_upload_size: {error}.") from None

    @property
    def max_upload_bytes(self) -> int:
        """The largest upload, in bytes."""
        return parse_size(self.max_upload_size)

    @property
    def reachable_host(self) -> str:
        """The address at which this machine reaches the server."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  read, not bound

    @property
    def url(self) -> str:
        """The server's address for clients on this machine, ending in a slash."""
        host = f"[{self.reachable_host}]" if ":" in self.reachable_host else self.reachable_host
        return f"http://{host}:{self.port}/"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should know before these settings are used."""
        if is_loopback(self.host):
            return ()
        warning = (
            f"The server listens on {self.host} without TLS: whoever can listen on the network "
            "reads passwords and packages. Put a TLS proxy before it, or listen on 127.0.0.1."
        )
        return (warning,)


def new_settings(*, host: str, port: int) -> ServerSettings:
    """Return the settings of a new server; port 0 stands for one that is free now.

    Raises `UsageError` for a host or port that makes no sense.
    """
    try:
        settings = ServerSettings(host=host, port=port or ServerSettings.port)
    except SettingsError as error:
        raise UsageError(str(error), hint=error.hint) from None
    return settings if port else replace(settings, port=find_free_port(host))


def load_settings(home: ServerHome) -> ServerSettings:
    """Return the settings of the server in *home*.

    Raises `NoServer`, `ServerError` where the file cannot be read, and `SettingsError` for an
    unknown key or a wrong value.
    """
    from poetry_aegis.settings import read_table, read_toml

    home.require()
    path = home.settings_file
    try:
        table = read_toml(path)
    except CorruptProject as error:
        raise ServerError(str(error), hint=error.hint) from error
    except OSError as error:
        raise ServerError(f"{path} cannot be read: {error.strerror}.") from error
    return read_table(ServerSettings, table, where=str(path))


def render_settings(settings: ServerSettings) -> str:
    """Return *settings* as a commented ``server.toml``."""
    import tomlkit

    values = {key: tomlkit.item(value).as_string() for key, value in asdict(settings).items()}
    return TEMPLATE.format(**values)


def is_loopback(host: str) -> bool:
    """Return whether *host* can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
