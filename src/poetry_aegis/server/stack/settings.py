"""The tables of ``server.toml`` that are about the Compose stack alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_REQUESTS = 1_000_000  # a second, from one credential
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._/:@-]*")
_USER = re.compile(r"\d{1,10}(:\d{1,10})?")
_DURATION = re.compile(r"[1-9]\d*[hdwy]")
_MEMORY = re.compile(r"[1-9]\d*[kmg]")


@dataclass(frozen=True)
class WebSettings:
    """``[web]``: what nginx is to the world.

    *name* is the host name that clients use, *names* are other names and addresses of it; all of
    them are in the certificate. *listen* is the address that the ports are published on.
    *certificate* and *certificate_key* are PEM files of your own, relative to the home; without
    them a local authority makes one. *allow* are the networks that may come at all, all if empty.
    *rate* is how many requests a second one credential may make, 0 for any number; *burst* more
    than that are let through at a time.
    """

    name: str = "pypi.aegis.local"
    names: tuple[str, ...] = ()
    listen: str = "0.0.0.0"  # noqa: S104 -- what a server in production listens on
    http_port: int = 80
    https_port: int = 443
    certificate: str = ""
    certificate_key: str = ""
    allow: tuple[str, ...] = ()
    rate: int = 0
    burst: int = 200

    def __post_init__(self) -> None:
        for name in (self.name, *self.names):
            if not (_is_address(name) or _is_host_name(name)):
                raise InvalidTable(
                    f"name = {name!r} is neither a host name nor an address.",
                    hint='Write it in small letters, as "pypi.example.com".',
                )
        if not _is_address(self.listen):
            raise InvalidTable(
                f"listen = {self.listen!r} is not an IP address.",
                hint='Write it as "0.0.0.0" for all addresses, or as "127.0.0.1".',
            )
        _require_ports(self, "http_port", "https_port")
        if bool(self.certificate) != bool(self.certificate_key):
            raise InvalidTable(
                "certificate and certificate_key belong together.",
                hint="Name both files, or neither.",
            )
        _require_networks("allow", self.allow)
        for key in ("rate", "burst"):
            if not 0 <= getattr(self, key) <= _MOST_REQUESTS:
                raise InvalidTable(
                    f"{key} = {getattr(self, key)} is not in 0 to {_MOST_REQUESTS}.",
                    hint=f"The default is {key} = {getattr(WebSettings, key)}.",
                )


@dataclass(frozen=True)
class MonitoringSettings:
    """``[monitoring]``: Prometheus and Grafana, published on this machine's loopback alone.

    *retention* is how long measurements are kept, as ``30d``.
    """

    prometheus: bool = True
    prometheus_port: int = 9090
    retention: str = "30d"
    grafana: bool = True
    grafana_port: int = 3000

    def __post_init__(self) -> None:
        _require_ports(self, "prometheus_port", "grafana_port")
        if not _DURATION.fullmatch(self.retention):
            raise InvalidTable(
                f"retention = {self.retention!r} is no duration.", hint='Write it as "30d".'
            )
        if self.grafana and not self.prometheus:
            raise InvalidTable(
                "grafana shows what prometheus measures.", hint="Leave both on, or set both false."
            )


@dataclass(frozen=True)
class RedisSettings:
    """``[redis]``: failed logins are counted there, for several registries and over restarts."""

    enabled: bool = False
    memory: str = "64m"

    def __post_init__(self) -> None:
        _require_memory(self, "memory")


@dataclass(frozen=True)
class ImageSettings:
    """``[images]``: what each service runs, to be named anew where a mirror has them.

    *registry* is built in the home, on top of *python*, unless it names an image.
    """

    python: str = "python:3.13-slim-bookworm"
    registry: str = ""
    pypiserver: str = "pypiserver/pypiserver:v2.3.2"
    nginx: str = "nginx:1.28.0"
    redis: str = "redis:7.4.5"
    prometheus: str = "prom/prometheus:v3.5.0"
    grafana: str = "grafana/grafana:12.1.0"
    nginx_exporter: str = "nginx/nginx-prometheus-exporter:1.4.2"
    redis_exporter: str = "oliver006/redis_exporter:v1.74.0"
    node_exporter: str = "prom/node-exporter:v1.9.1"

    def __post_init__(self) -> None:
        for item in fields(self):
            name = getattr(self, item.name)
            if not _IMAGE.fullmatch(name) and (name or item.name != "registry"):
                raise InvalidTable(
                    f"{item.name} = {name!r} does not name an image.",
                    hint=f'Write it as "{item.default or "registry.example.com/aegis:1.0"}".',
                )


@dataclass(frozen=True)
class ContainerSettings:
    """``[containers]``: how they run.

    *project* is the name that Compose knows the stack by. *user* is the number of the user, or
    user and group, that the services run as and the data belong to: whoever set the server up
    unless given, and 10001 where that was root. *memory* is what the registry and nginx may take,
    each; *log_size* is how large a container's log may grow before it is rotated.
    """

    project: str = "aegis"
    user: str = ""
    memory: str = "512m"
    log_size: str = "10m"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", self.project):
            raise InvalidTable(
                f"project = {self.project!r} is no name for Compose.",
                hint="Use small letters, digits, - and _.",
            )
        if self.user and not _USER.fullmatch(self.user):
            raise InvalidTable(
                f"user = {self.user!r} is no user's number.", hint='Write it as "1000:1000".'
            )
        _require_memory(self, "memory", "log_size")


@dataclass(frozen=True)
class BackupSettings:
    """``[backup]``: where backups go, relative to the home, and how many are kept (0: all)."""

    folder: str = "backups"
    keep: int = 7

    def __post_init__(self) -> None:
        if not self.folder:
            raise InvalidTable("folder must not be empty.", hint='Write it as "backups".')
        if self.keep < 0:
            raise InvalidTable(
                f"keep = {self.keep} is less than nothing.", hint="0 keeps all backups."
            )


def _is_address(text: str) -> bool:
    try:
        ip_address(_without_zone(text))
    except ValueError:
        return False
    return True


def _without_zone(address: str) -> str:
    """Return *address*. Raises ``ValueError`` for one of a link, whose zone may be any text."""
    if "%" in address:
        raise ValueError(address)
    return address


def _is_host_name(text: str) -> bool:
    return len(text) < 254 and _NAME.fullmatch(text) is not None


def _require_networks(key: str, networks: Iterable[str]) -> None:
    for network in networks:
        if not _is_network(network):
            raise InvalidTable(
                f"{key}: {network!r} is neither an IP address nor a network.",
                hint="Write an address such as 10.0.0.5, or a network such as 172.16.0.0/12.",
            )


def _is_network(text: str) -> bool:
    try:
        ip_network(_without_zone(text))
    except ValueError:
        return False
    return True


def _require_ports(table: object, *keys: str) -> None:
    for key in keys:
        if not 1 <= (port := getattr(table, key)) <= 65535:
            raise InvalidTable(f"{key} = {port} is not a port.", hint="Ports go from 1 to 65535.")


def _require_memory(table: object, *keys: str) -> None:
    for key in keys:
        if not _MEMORY.fullmatch(getattr(table, key)):
            raise InvalidTable(
                f"{key} = {getattr(table, key)!r} is not a size.",
                hint=f'Write it as "{getattr(type(table), key)}".',
            )
