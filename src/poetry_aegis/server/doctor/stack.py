"""What Docker says of the stack, looked at once for all checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import StackError

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.docker.client import Versions
    from poetry_aegis.server.docker.services import ServiceStatus
    from poetry_aegis.server.home import ServerHome


@dataclass(frozen=True)
class Stack:
    """The services of the stack, or the *failure* that keeps them from being known.

    *missing* are services of ``compose.yaml`` that have no container.
    """

    versions: Versions | None = None
    services: tuple[ServiceStatus, ...] = ()
    missing: tuple[str, ...] = ()
    failure: StackError | None = None

    @property
    def is_running(self) -> bool:
        """Whether any of its containers runs."""
        return any(service.is_running for service in self.services)


def look_at_stack(home: ServerHome, settings: ServerSettings) -> Stack:
    """Return what Docker says of the stack of *home*; what it refuses is told, not raised."""
    from poetry_aegis.server.docker.client import require_docker
    from poetry_aegis.server.docker.project import ComposeProject

    versions = None
    try:
        versions = require_docker()
        project = ComposeProject(home, settings.containers.project)
        services = tuple(project.services())
        known = {service.name for service in services}
        missing = [name for name in project.names() if name not in known] if services else []
        return Stack(versions, services, tuple(missing))
    except StackError as error:
        return Stack(versions, failure=error)
