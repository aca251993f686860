"""How a stack stands: its services, and what they make together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import NotRunning, PortInUse, UsageError
from poetry_aegis.server.docker.services import ServiceStatus
from poetry_aegis.server.extra import going_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.server.docker.project import ComposeProject
    from poetry_aegis.server.drivers.interface import State

ENGINE = "pypi-server"


def all_services(project: ComposeProject) -> tuple[ServiceStatus, ...]:
    """Return the services of *project*, those without a container, too. Raises `StackError`."""
    found = {service.name: service for service in project.services()}
    names = project.names() if found else []
    missing = {name: ServiceStatus(name, "missing") for name in names if name not in found}
    return tuple(sorted((missing | found).values(), key=lambda service: service.name))


def require_service(project: ComposeProject, name: str) -> str:
    """Return *name*. Raises `UsageError` where *project* has no such service."""
    names = project.names() if project.home.compose_file.exists() else []
    if name in names:
        return name
    known = f"The services are: {', '.join(names)}" if names else "Start the server first."
    raise UsageError(f"There is no service {name!r}.", hint=known)


def require_running(services: Sequence[ServiceStatus]) -> None:
    """Raise `NotRunning` where none of *services* runs."""
    if not any(service.is_running for service in services):
        raise NotRunning(
            "The server is not running.", hint="Start it with: poetry aegis server start"
        )


def is_up(services: Sequence[ServiceStatus]) -> bool:
    """Return whether there are *services*, all of them well."""
    return bool(services) and all(service.is_well for service in services)


def state_of(services: Sequence[ServiceStatus]) -> State:
    """Return the state of the server that *services* make."""
    if not any(service.is_running for service in services):
        return "stopped"
    return "running" if is_up(services) else "not ready"


def versions_of(services: Sequence[ServiceStatus]) -> dict[str, str]:
    """Return the versions of *services* by their names, where they are known."""
    return {service.name: service.version for service in services if service.version}


def way_back(versions: dict[str, str]) -> str:
    """Return how to go back to the version that *versions* has of the engine."""
    before = versions.get(ENGINE)
    named = f" (the engine was {before})" if before else ""
    return (
        f"To go back, install the version from before{named} with {going_back()}, "
        "then run: poetry aegis server apply --yes"
    )


def runs_already(url: str) -> PortInUse:
    """Return the error for a second server at *url*."""
    return PortInUse(
        f"The server is already running at {url}.",
        hint="Stop it with: poetry aegis server stop",
    )
