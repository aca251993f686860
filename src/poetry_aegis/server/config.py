"""``server.toml``: the settings of a server, read and checked."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from poetry_aegis.errors import CorruptProject, ServerError, SettingsError, UsageError
from poetry_aegis.registry.options import RegistrySettings, UpstreamSettings
from poetry_aegis.server.ports import find_free_port
from poetry_aegis.server.stack.settings import (
    BackupSettings,
    ContainerSettings,
    ImageSettings,
    MonitoringSettings,
    RedisSettings,
    WebSettings,
)
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.server.home import ServerHome


@dataclass(frozen=True)
class ServerSettings(RegistrySettings):
    """What ``server.toml`` says: the registry's settings, and where it runs.

    Raises `InvalidTable` for values that make no sense.
    """

    driver: Literal["embedded", "compose"] = "embedded"
    host: str = "127.0.0.1"
    port: int = 8080
    engine: Literal["registry", "pypiserver"] = "registry"
    web: WebSettings = field(default_factory=WebSettings)
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    images: ImageSettings = field(default_factory=ImageSettings)
    containers: ContainerSettings = field(default_factory=ContainerSettings)
    backup: BackupSettings = field(default_factory=BackupSettings)

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

        if self.engine != "registry" and not self.is_stack:
            raise InvalidTable(
                f'engine = {self.engine!r} needs the driver "compose".',
                hint='Set driver = "compose", or engine = "registry".',
            )
        if self.engine != "registry" and self.redis.enabled:
            raise InvalidTable(
                "[redis] is for this project's own registry; pypiserver makes no use of it.",
                hint='Set enabled = false there, or engine = "registry".',
            )
        if self.engine != "registry" and self.signatures.required:
            raise InvalidTable(
                "[signatures] is for this project's own registry; pypiserver looks at none.",
                hint='Leave required away there, or set engine = "registry".',
            )
        if self.metrics_port == self.port:
            raise InvalidTable(
                f"port and metrics_port are both {self.port}.",
                hint="Name another metrics_port, or 0 for none.",
            )
        if self.is_stack:
            self._require_ports_apart()

    def _require_ports_apart(self) -> None:
        """Raise `InvalidTable` where two services would be published on one port."""
        taken: dict[tuple[str, int], str] = {}
        for key, address, port in self._published():
            other = taken.setdefault((address, port), key)
            if other != key:
                raise InvalidTable(
                    f"{other} and {key} are both {port}.", hint="Give each a port of its own."
                )

    def _published(self) -> Iterator[tuple[str, str, int]]:
        # Listening on all addresses takes the port on loopback, too.
        listen = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(self.web.listen, self.web.listen)  # noqa: S104  read, not bound
        yield "http_port", listen, self.web.http_port
        yield "https_port", listen, self.web.https_port
        if self.monitoring.prometheus:
            yield "prometheus_port", "127.0.0.1", self.monitoring.prometheus_port
        if self.monitoring.grafana:
            yield "grafana_port", "127.0.0.1", self.monitoring.grafana_port

    @property
    def is_stack(self) -> bool:
        """Whether the server runs as a Compose stack."""
        return self.driver == "compose"

    def of_registry(self) -> dict[str, Any]:
        """Return the part that the registry itself reads, as a table."""
        table = asdict(self)
        return {item.name: table[item.name] for item in fields(RegistrySettings)}

    @property
    def reachable_host(self) -> str:
        """The address at which this machine reaches the server."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  read, not bound

    @property
    def url(self) -> str:
        """The server's address for clients, ending in a slash."""
        if self.is_stack:
            port = "" if self.web.https_port == 443 else f":{self.web.https_port}"
            name = f"[{self.web.name}]" if ":" in self.web.name else self.web.name
            return f"https://{name}{port}/"
        host = f"[{self.reachable_host}]" if ":" in self.reachable_host else self.reachable_host
        return f"http://{host}:{self.port}/"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should know before these settings are used."""
        found = []
        if self.upstream != UpstreamSettings() and not self.upstream.url:
            found.append("[upstream] in server.toml has no url: no other index is looked into.")
        if not self.is_stack and not is_loopback(self.host):
            found.append(self._unencrypted)
        return tuple(found)

    @property
    def _unencrypted(self) -> str:
        return (
            f"The server listens on {self.host} without TLS: whoever can listen on the network "
            "reads passwords and packages. Put a TLS proxy before it, or listen on 127.0.0.1."
        )


def new_settings(  # noqa: PLR0913 -- each is an option of the command line
    driver: Literal["embedded", "compose"] = "embedded",
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    name: str = WebSettings.name,
    http_port: int = WebSettings.http_port,
    https_port: int = WebSettings.https_port,
) -> ServerSettings:
    """Return the settings of a new server; port 0 stands for one that is free now.

    Raises `UsageError` for a host, name or port that makes no sense.
    """
    try:
        web = WebSettings(name=name, http_port=http_port, https_port=https_port)
        settings = ServerSettings(
            driver=driver, host=host, port=port or ServerSettings.port, web=web
        )
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
    try:
        return read_table(ServerSettings, table, where=str(path))
    except SettingsError as error:
        error.hint = error.hint or "The comments in that file show how each key is written."
        raise


def is_loopback(host: str) -> bool:
    """Return whether *host* can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
