"""A stack brought to what its files say, with no more restarts than that takes."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import StackError
from poetry_aegis.server.docker.project import ComposeProject, project_of
from poetry_aegis.server.docker.startup import Startup, names_of
from poetry_aegis.server.drivers import access_log, ownership, stack_files
from poetry_aegis.server.drivers.interface import Applied
from poetry_aegis.server.drivers.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poetry_aegis.server.docker.services import ServiceStatus
    from poetry_aegis.server.drivers.interface import Listener
    from poetry_aegis.server.drivers.pending import Need
    from poetry_aegis.server.drivers.stack_files import StackFiles
    from poetry_aegis.server.stack.writing import Change

# Only nginx can be asked whether it would take its new configuration.
CHECKS = {"nginx": ("nginx", "-t", "-e", "stderr", "-c", "/etc/nginx/aegis/nginx.conf")}

LEFT = (
    "The containers were left as they are, and some may not have been started.\n"
    "Go on with: poetry aegis server start\n"
    "See them with: poetry aegis server status\n"
    "Stop them with: poetry aegis server stop"
)


@contextlib.contextmanager
def _told_what_stays() -> Iterator[None]:
    """Say with a Ctrl-C what becomes of the containers."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        interrupt.__notes__ = [LEFT]  # type: ignore[attr-defined]
        raise


@dataclass(frozen=True)
class Convergence:
    """Brings the stack of *files* up to date, telling *listener*."""

    files: StackFiles
    listener: Listener
    patience: float
    poll: float

    def prepare(self, changes: Sequence[Change]) -> None:
        """Write *changes*, make what else the services need, and put a log aside that has grown.

        A stack that was known by another name is taken down first: it has our ports.
        """
        if changes:
            self.listener.step("writing the configuration")
        former, name = project_of(self.files.home), self.files.settings.containers.project
        if former not in (None, name):
            known = ComposeProject(self.files.home, str(former))
            if not ownership.other_home(known):  # Another home's containers are not ours to end.
                known.do("down", "--remove-orphans")
        self.files.write(changes)
        access_log.rotate(self._project)

    @property
    def is_pending(self) -> bool:
        """Whether a service has yet to see something that was written."""
        return bool(self._pending.paths)

    @_told_what_stays()
    def bring_up(self, changes: Sequence[Change], before: Sequence[ServiceStatus]) -> Applied:
        """Bring up what the written *changes* touch, of a stack that was as *before*.

        Returns what was done when all services are well. Raises `NotReady`, `StackError`.
        """
        # An image is named for all that it is built of, so Compose builds what it does not find.
        # To build it again would give the name to another image, and other homes may run it.
        builds = stack_files.need_a_build(changes)
        self.listener.step("building and starting" if builds else "starting")
        startup = self._startup()
        # Not service by service with --no-deps: that counts as a change of its own, and the next
        # command would recreate them all. Compose 2.26 recreates what depends on a service, too.
        after = startup.bring_up("--remove-orphans")
        same = _still_running(before, after)
        needs = [need for need in self._pending.needs if need.service in same]
        restarted = self._restart(needs)
        reloaded = self._reload(needs, restarted)
        if restarted:
            startup.wait_until_well()
        self._pending.forget()
        return Applied(
            changes=tuple(changes),
            recreated=tuple(name for name in names_of(after) if name not in same),
            restarted=restarted,
            reloaded=reloaded,
            running=True,
        )

    @_told_what_stays()
    def restart(self, service: str) -> None:
        """Restart *service* alone and wait until all are well."""
        self.listener.step(f"restarting {service}")
        self._project.do("restart", service)
        self._startup().wait_until_well()

    def reload(self, service: str) -> None:
        """Let *service* read its configuration again, with no request lost.

        Raises `StackError` where it does not take the new one; it goes on with the old one.
        """
        self.listener.step(f"reloading {service}")
        if check := CHECKS.get(service):
            try:
                self._project.ask("exec", "-T", service, *check)
            except StackError as error:
                raise StackError(
                    f"{service} does not take its new configuration, and goes on with the old "
                    "one. Do not restart it.",
                    hint=f"{error}\n{error.hint}".strip(),
                ) from error
        self._project.signal(service, "HUP")

    def _restart(self, needs: Sequence[Need]) -> tuple[str, ...]:
        services = tuple(dict.fromkeys(n.service for n in needs if n.how == "restart"))
        for service in services:
            self.listener.step(f"restarting {service}")
            self._project.do("restart", service)
        return services

    def _reload(self, needs: Sequence[Need], restarted: Sequence[str]) -> tuple[str, ...]:
        services = tuple(dict.fromkeys(n.service for n in needs if n.how == "reload"))
        reloaded = tuple(service for service in services if service not in restarted)
        for service in reloaded:
            self.reload(service)
        return reloaded

    @property
    def _pending(self) -> Pending:
        return Pending(self.files.home)

    def _startup(self) -> Startup:
        return Startup(self._project, self.listener, patience=self.patience, poll=self.poll)

    @property
    def _project(self) -> ComposeProject:
        home = self.files.home
        return ComposeProject(home, project_of(home) or self.files.settings.containers.project)


def _still_running(
    before: Sequence[ServiceStatus], after: Sequence[ServiceStatus]
) -> frozenset[str]:
    """Return the services whose very container ran before and runs still."""
    ran = {service.name: service.container for service in before if service.is_running}
    return frozenset(s.name for s in after if ran.get(s.name, "") == s.container != "")
