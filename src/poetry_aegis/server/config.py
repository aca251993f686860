"""``server.toml``: the settings of a server, read, checked and written for the first time."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from poetry_aegis.errors import CorruptProject, ServerError, UsageError
from poetry_aegis.registry.options import RegistrySettings, UpstreamSettings
from poetry_aegis.server.ports import find_free_port
from poetry_aegis.tables import InvalidTable

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

# What else there is, with its default, for an operator to uncomment.
TEMPLATE += """
# Whether an admin may overwrite a file. Where nobody may, clients keep files for good.
#overwrite = true

# Whether files that are copied into data/packages by hand appear at once; they appear after
# `poetry aegis server reindex` in any case.
#watch = false

# Projects that are never looked up in the index behind this one, for example ["acme-*"].
#reserved = []

# A port of its own for Prometheus to read /metrics from, on the same host; 0 for none.
#metrics_port = 0

# Proxies whose X-Forwarded-For is believed, for example ["10.0.0.5", "172.16.0.0/12"].
#trusted_proxies = []

# Below this much free space the server says that it is not ready.
#minimum_free_space = "64MiB"

# The access log of a web server that serves files by itself, as JSON: its downloads are counted,
# too, but for the lines with an "upstream". "" for none.
#followed_log = "/var/log/nginx/aegis.log"

# How many wrong passwords are taken within a window of seconds.
#[logins]
#per_address = 20
#per_user = 50
#window = 60

# Another index, whose projects are shown where this one has none of that name.
#[upstream]
#url = "https://index.example.com/simple/"
#allow = ["*"]
#deny = []
#minimum_age = 0      # days that a release must be old
#fresh = 600          # seconds until a page is asked for again
#timeout = 15         # seconds

# Which releases `poetry aegis server prune` may delete; any number of rules.
#[[retention]]
#projects = ["*"]
#keep_releases = 0      # 0 keeps all of them
#keep_pre_releases = 3
#keep_dev_releases = 3
#older_than = 30        # days
"""

GENERATED = "# Written from server.toml when the server starts. Edit that file, not this one.\n"


@dataclass(frozen=True)
class ServerSettings(RegistrySettings):
    """What ``server.toml`` says: the registry's settings, and where it runs.

    Raises `InvalidTable` for values that make no sense.
    """

    driver: Literal["embedded"] = "embedded"
    host: str = "127.0.0.1"
    port: int = 8080

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[0-9A-Za-z_.:-]+", self.host):
            raise InvalidTable(
                f"host = {self.host!r} is neither an IP address nor a host name.",
                hint='Name the address to listen on, for example "127.0.0.1".',
            )
        if not 1 <= self.port <= 65535:
            raise InvalidTable(
                f"port = {self.port} is not a port.", hint="Ports go from 1 to 65535."
            )

        if self.metrics_port == self.port:
            raise InvalidTable(
                f"port and metrics_port are both {self.port}.",
                hint="Name another metrics_port, or 0 for none.",
            )

    def of_registry(self) -> dict[str, Any]:
        """Return the part that the registry itself reads, as a table."""
        table = asdict(self)
        return {field.name: table[field.name] for field in fields(RegistrySettings)}

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
        found = []
        if self.upstream != UpstreamSettings() and not self.upstream.url:
            found.append("[upstream] in server.toml has no url: no other index is looked into.")
        if not is_loopback(self.host):
            found.append(self._unencrypted)
        return tuple(found)

    @property
    def _unencrypted(self) -> str:
        return (
            f"The server listens on {self.host} without TLS: whoever can listen on the network "
            "reads passwords and packages. Put a TLS proxy before it, or listen on 127.0.0.1."
        )


def new_settings(*, host: str, port: int) -> ServerSettings:
    """Return the settings of a new server; port 0 stands for one that is free now.

    Raises `UsageError` for a host or port that makes no sense.
    """
    try:
        settings = ServerSettings(host=host, port=port or ServerSettings.port)
    except InvalidTable as error:
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

    table = asdict(settings)
    values = {
        key: tomlkit.item(table[key]).as_string()
        for key in ("driver", "host", "port", "anonymous_read", "max_upload_size")
    }
    return TEMPLATE.format(**values)


def render_registry_settings(settings: ServerSettings) -> str:
    """Return what the registry's process is to read: all of its settings, in TOML."""
    import tomlkit

    return GENERATED + tomlkit.dumps(settings.of_registry())


def is_loopback(host: str) -> bool:
    """Return whether *host* can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
