"""Starting a stack, and waiting until each of its services is well."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from poetry_aegis.errors import NotReady, StackError
from poetry_aegis.server import ports
from poetry_aegis.server.docker import client
from poetry_aegis.server.docker.images import images_of
from poetry_aegis.server.docker.project import end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.errors import AegisError
    from poetry_aegis.server.docker.project import ComposeProject
    from poetry_aegis.server.docker.services import ServiceStatus
    from poetry_aegis.server.drivers.interface import Listener

PATIENCE = 180.0  # seconds until services that are neither well nor lost are given up
POLL = 0.7
SHOWN_LINES = 10
PORT_WAY_OUT = "Stop that program, or choose another port in server.toml"
_PORT_TAKEN = re.compile(
    r"(?:Bind for|listen tcp[46]?|exposing port TCP)\s+(?P<host>\S*?):(?P<port>\d+)\b"
    r".*(?:already allocated|already in use)"
)


class Startup:
    """Runs ``docker compose up`` for *project* and watches the services come."""

    def __init__(
        self,
        project: ComposeProject,
        listener: Listener,
        *,
        patience: float = PATIENCE,
        poll: float = POLL,
    ) -> None:
        self._project = project
        self._listener = listener
        self._patience = patience
        self._poll = poll
        self._seen: list[ServiceStatus] = []

    def bring_up(self, *options: str) -> list[ServiceStatus]:
        """Create what has to be, start it, and return the services when all are well.

        Raises `NotReady`, which names the service that is not, `PortInUse` and `StackError`.
        """
        with tempfile.TemporaryFile() as output:
            process = self._project.begin("up", "--detach", *options, output=output)
            self._watch(process)
            if process.returncode:
                output.seek(0)
                raise self._failure(output.read().decode("utf-8", errors="replace"))
        return self.wait_until_well()

    def wait_until_well(self) -> list[ServiceStatus]:
        """Return the services as soon as all are well. Raises `NotReady` and `StackError`."""
        deadline = time.monotonic() + self._patience
        while True:
            services = self._look()
            if services and all(service.is_well for service in services):
                return services
            if any(service.is_lost for service in services) or time.monotonic() > deadline:
                raise self._not_ready()
            time.sleep(self._poll)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Tell of the services until *process* ends; with Ctrl-C it is asked to end at once."""
        try:
            while process.poll() is None:
                self._look(quick=True)
                _wait(process, self._poll)
        finally:
            end(process)

    def _look(self, *, quick: bool = False) -> list[ServiceStatus]:
        """Return the services, and tell of those that have changed.

        One that starts again and again is looked at closely, for how often it did.
        """
        try:
            services = self._project.services(thorough=False)
            if not quick and any(service.state == "restarting" for service in services):
                services = self._project.services()
        except StackError:
            if not quick:
                raise
            return []
        if services != self._seen:
            self._seen = services
            self._listener.services(services)
        return services

    def _failure(self, said: str) -> AegisError:
        """Return the error for an ``up`` that failed and printed *said*."""
        if taken := _PORT_TAKEN.search(said):
            host = taken["host"] or "this machine"
            return ports.port_in_use(host, int(taken["port"]), way_out=PORT_WAY_OUT)
        if "is unhealthy" in said or ("container" in said and " exited (" in said):
            return self._not_ready()
        images = images_of(self._project.home.compose_file)
        return client.failure_of(["compose", "up"], said, images)

    def _not_ready(self) -> NotReady:
        """Return the error that names the first service that is not well, and its last words."""
        ill = [service for service in self._project.services() if not service.is_well]
        if not ill:
            return NotReady("The services did not all come up in time.")
        # What was never started waits for another one: that one is to blame.
        first = min(ill, key=lambda service: (service.state == "created", not service.is_lost))
        lines = self._project.last_lines(first.name, SHOWN_LINES)
        told = "\n  ".join([f"The last lines of {first.name}:", *lines])
        return NotReady(
            f"{first.name} {_in_words(first)}.",
            hint=told if lines else f"{first.name} has logged nothing.",
        )


def _in_words(service: ServiceStatus) -> str:
    what = {
        "running": f"is {service.health or 'not ready'}",
        "exited": "has ended",
        "dead": "has ended",
        "restarting": "ends again and again",
        "created": "was not started",
    }.get(service.state, f"is {service.state}")
    return f"{what}: {service.reason}".rstrip(".") if service.reason else what


def names_of(services: Sequence[ServiceStatus]) -> tuple[str, ...]:
    """Return the names of *services*."""
    return tuple(service.name for service in services)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
