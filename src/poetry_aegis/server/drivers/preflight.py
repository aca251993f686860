"""What could stand against a start of the stack, looked at before anything is written."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from poetry_aegis.errors import PortInUse, ServerError, StackError
from poetry_aegis.server import ports
from poetry_aegis.server.certificates import check_certificate
from poetry_aegis.server.docker.startup import PORT_WAY_OUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.docker.services import ServiceStatus
    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.stack.owner import Owner
    from poetry_aegis.server.stack.settings import WebSettings


def require_no_restore(home: ServerHome) -> None:
    """Raise `BackupError` where a restore was cut off: its data may be the old or the new ones.

    A command that is at work on a restore starts the server itself, before it is at its end.
    """
    from poetry_aegis.server.backup import marker, place

    if marker.path_of(home).exists() and not place.is_restoring(home):
        marker.require_no_restore(home)


def require_usable_certificate(home: ServerHome, web: WebSettings) -> None:
    """Raise `CertificateError` where your own certificate cannot be used; others can be made."""
    if web.certificate:
        check_certificate(home, web)


def require_owner(owner: Owner) -> None:
    """Raise `StackError` where files would have to be given away, which only root may do."""
    if hasattr(os, "geteuid") and os.geteuid() not in (0, owner.uid):
        raise StackError(
            f"The services are to run as user {owner}, and only root can give the data to it.",
            hint="Run this command as root or as that user, or change user in [containers] of "
            "server.toml.",
        )


def require_free_ports(settings: ServerSettings, services: Sequence[ServiceStatus]) -> None:
    """Raise `PortInUse` where another program has a port that the stack is to publish.

    A daemon on another machine has other ports: there it is left to Docker to tell.
    """
    if not os.environ.get("DOCKER_HOST", "unix:").startswith(("unix:", "npipe:")):
        return
    ours = {port for service in services if service.is_running for port in service.ports}
    for host, port in _published(settings):
        if port not in ours:
            _require_free(host, port)


def name_note(settings: ServerSettings) -> str | None:
    """Return what to do where the server's name does not resolve here; ``None`` where it does."""
    name = settings.web.name
    try:
        socket.getaddrinfo(name, settings.web.https_port)
    except (OSError, UnicodeError):
        return (
            f"{name} leads nowhere on this machine.\n"
            f"Let its DNS know it, or add this line to /etc/hosts:\n  127.0.0.1 {name}"
        )
    return None


def _published(settings: ServerSettings) -> Iterator[tuple[str, int]]:
    web, monitoring = settings.web, settings.monitoring
    yield web.listen, web.http_port
    yield web.listen, web.https_port
    if monitoring.prometheus:
        yield "127.0.0.1", monitoring.prometheus_port
    if monitoring.grafana:
        yield "127.0.0.1", monitoring.grafana_port


def _require_free(host: str, port: int) -> None:
    try:
        ports.require_free_port(host, port, way_out=PORT_WAY_OUT)
    except PortInUse:
        raise
    except ServerError as error:
        # Docker publishes the lower ports, too, which this user may not listen on to see.
        if not isinstance(error.__cause__, PermissionError):
            raise
        if ports.find_holder(port) or _answers(host, port):
            raise ports.port_in_use(host, port, way_out=PORT_WAY_OUT) from None


def _answers(host: str, port: int) -> bool:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  read, not bound
    try:
        with socket.create_connection((reachable, port), timeout=2):
            return True
    except OSError:
        return False
