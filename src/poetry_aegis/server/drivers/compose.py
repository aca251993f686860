"""The ``compose`` driver: the server as a stack of containers, with nginx and TLS before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import NotReady
from poetry_aegis.server import usage
from poetry_aegis.server.docker.client import require_docker
from poetry_aegis.server.docker.project import ComposeProject
from poetry_aegis.server.docker.startup import PATIENCE, POLL
from poetry_aegis.server.drivers import (
    foreground,
    former,
    ownership,
    preflight,
    stack_files,
    standing,
)
from poetry_aegis.server.drivers.convergence import Convergence
from poetry_aegis.server.drivers.embedded import EmbeddedDriver
from poetry_aegis.server.drivers.interface import SILENCE, Applied, Started, Status
from poetry_aegis.server.drivers.removal import delete_data, remove_stack
from poetry_aegis.server.drivers.stack_files import StackFiles
from poetry_aegis.server.extra import require_registry
from poetry_aegis.server.locks import locked
from poetry_aegis.server.stack.owner import owner_of
from poetry_aegis.signals import stops_as_interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.docker.services import ServiceStatus
    from poetry_aegis.server.drivers.interface import Listener
    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.stack.writing import Change


class ComposeDriver:
    """Runs the server of *home* as a Compose project."""

    def __init__(
        self,
        home: ServerHome,
        settings: ServerSettings,
        *,
        patience: float = PATIENCE,
        poll: float = POLL,
    ) -> None:
        self.home = home
        self.settings = settings
        self.patience = patience
        self.poll = poll

    @property
    def project(self) -> ComposeProject:
        """The project under the name that its containers have, whatever the settings say now."""
        return ownership.project_for(self.home, self.settings)

    # Up

    def start(self, listener: Listener = SILENCE) -> Started:
        """Write what has changed, start the services and wait for them. See `Driver.start`."""
        self._require_startable()
        with locked(self.home):
            before = self._services_with_room()
            changes = self.plan()
            stack_files.require_unedited(changes)
            convergence = self._convergence(listener)
            convergence.prepare(changes)
            if standing.is_up(before) and not convergence.is_pending:
                return self._started(before, already_running=True)
            convergence.bring_up(changes, before)
            return self._started(self.project.services(thorough=False), already_running=False)

    def apply(self, listener: Listener = SILENCE, *, overwrite: bool = False) -> Applied:
        """Write what has changed, and recreate, restart or reload for it. See `Driver.apply`."""
        self._require_startable()
        with locked(self.home):
            before = self._services_with_room()
            changes = self.plan()
            if not overwrite:
                stack_files.require_unedited(changes)
            convergence = self._convergence(listener)
            convergence.prepare(changes)
            if not any(service.is_running for service in before):
                return Applied(changes=changes)
            return convergence.bring_up(changes, before)

    def upgrade(self, listener: Listener = SILENCE, *, pull: bool = False) -> Applied:
        """Build the image of the installed version and run it. See `Driver.upgrade`."""
        self._require_startable()
        with locked(self.home):
            before = self._services_with_room()
            versions = standing.versions_of(self.project.services())
            changes = self.plan()
            stack_files.require_unedited(changes)
            convergence = self._convergence(listener)
            convergence.prepare(changes)
            try:
                if pull:
                    self._pull(listener)
                return convergence.bring_up(changes, before)
            except NotReady as error:
                error.hint = f"{error.hint}\n{standing.way_back(versions)}"
                raise

    def restart(self, service: str | None = None, listener: Listener = SILENCE) -> Started:
        """Restart one service, or stop and start them all. See `Driver.restart`."""
        if service is None:
            self.stop()
            return self.start(listener)
        require_docker()
        project = ownership.require_own(self.project)
        standing.require_service(project, service)
        with locked(self.home):
            standing.require_running(project.services(thorough=False))
            self._convergence(listener).restart(service)
        return self._started(self.project.services(thorough=False), already_running=False)

    # Down

    def stop(self) -> bool:
        """Stop the containers, and a process from before there were any. See `Driver.stop`."""
        was_process = EmbeddedDriver(self.home, self.settings).stop_process()
        if not self.home.compose_file.exists():
            return was_process
        require_docker()
        with locked(self.home):
            return former.stop_services(ownership.require_own(self.project)) or was_process

    def destroy(self, *, data: bool) -> bool:
        """Remove containers, networks, volumes and our images. See `Driver.destroy`."""
        require_docker()
        with locked(self.home):
            removed = remove_stack(ownership.require_own(self.project))
            deleted = delete_data(self.home) if data else False
        return deleted or removed

    # Questions

    def plan(self) -> tuple[Change, ...]:
        """Compare what is written with what would be. See `Driver.plan`."""
        require_registry()
        return StackFiles(self.home, self.settings).plan()

    def status(self) -> Status:
        """Ask Docker, and count the files. See `Driver.status`."""
        require_docker()
        project = self.project
        foreign = ownership.foreign(project)
        services = () if foreign else standing.all_services(project)
        engine = next((s for s in services if s.name == standing.ENGINE and s.is_running), None)
        return Status(
            standing.state_of(services),
            "compose",
            str(self.home.root),
            url=self.settings.url,
            usage=usage.measure(self.home.data),
            version=engine.version or None if engine else None,
            uptime=engine.uptime if engine else None,
            services=services,
            certificate_days=stack_files.certificate_days(self.home, self.settings.web),
            last_backup=usage.last_backup(self.home.data),
            notes=(
                *former.notes_on(former.running_process(self.home)),
                *ownership.notes_on(foreign),
            ),
        )

    def logs(self, *, lines: int, follow: bool, service: str | None = None) -> Iterator[str]:
        """Read what the containers have printed. See `Driver.logs`."""
        require_docker()
        if not self.home.compose_file.exists():
            return
        project = ownership.require_own(self.project)
        named = (standing.require_service(project, service),) if service else ()
        following = ("--follow",) if follow else ()
        # Compose takes options behind the services' names for names.
        yield from project.lines("logs", "--no-color", "--tail", str(lines), *following, *named)

    # In the foreground

    def run(self, *, started: Callable[[], None]) -> int:
        """Run all services with their output on this terminal. See `Driver.run`."""
        self._require_startable()
        with stops_as_interrupts():
            with locked(self.home):
                before = self._services_with_room()
                if any(service.is_running for service in before):
                    raise standing.runs_already(self.settings.url)
                changes = self.plan()
                stack_files.require_unedited(changes)
                self._convergence(SILENCE).prepare(changes)
                process = self.project.begin("up", "--remove-orphans")
            return foreground.wait_for(process, started)

    def debug(self, *, started: Callable[[], None], service: str | None = None) -> int:
        """Run one service on this terminal in its container's stead. See `Driver.debug`."""
        require_docker()
        project = ownership.require_own(self.project)
        name = standing.require_service(project, service or standing.ENGINE)
        standing.require_running(project.services(thorough=False))
        with stops_as_interrupts():
            return foreground.run_in_stead(project, name, started)

    # What is shared

    def _require_startable(self) -> None:
        """Raise the error that says what stands against a start; nothing is written yet."""
        preflight.require_no_restore(self.home)
        require_registry()
        require_docker()
        self.home.require_data()
        ownership.require_own(ComposeProject(self.home, self.settings.containers.project))
        former.require_no_process(self.home)
        preflight.require_owner(owner_of(self.settings.containers))
        preflight.require_usable_certificate(self.home, self.settings.web)

    def _services_with_room(self) -> list[ServiceStatus]:
        """Return the services as they are. Raises `PortInUse` where another has our port."""
        services = self.project.services(thorough=False)
        preflight.require_free_ports(self.settings, services)
        return services

    def _pull(self, listener: Listener) -> None:
        listener.step("pulling")
        self.project.do("pull", "--ignore-buildable")
        self.project.do("build", "--pull")

    def _convergence(self, listener: Listener) -> Convergence:
        files = StackFiles(self.home, self.settings)
        return Convergence(files, listener, patience=self.patience, poll=self.poll)

    def _started(self, services: Sequence[ServiceStatus], *, already_running: bool) -> Started:
        note = preflight.name_note(self.settings)
        return Started(
            self.settings.url,
            pid=None,
            already_running=already_running,
            services=tuple(services),
            notes=(note,) if note else (),
        )
