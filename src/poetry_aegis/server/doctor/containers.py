"""Docker, its Compose, and the containers of the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import DockerForbidden, NoCompose, NoDaemon, NoDocker
from poetry_aegis.server.doctor.verdicts import (
    Check,
    Verdict,
    is_stack,
    skip,
    warn,
    well,
    wrong,
)
from poetry_aegis.server.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.errors import StackError
    from poetry_aegis.server.docker.services import ServiceStatus
    from poetry_aegis.server.doctor.context import Context

MANY_RESTARTS = 3
_STOPPED = {"created", "exited"}  # and it stays so, for Docker restarts what ends by itself

# What has to be there before the next can be asked for.
_LADDER: tuple[tuple[type[StackError], str], ...] = (
    (NoDocker, "docker is on PATH."),
    (NoCompose, "Docker has Compose v2."),
    (NoDaemon, "The Docker daemon answers."),
    (DockerForbidden, "This user may talk to the Docker daemon."),
)


def _looking_for(kind: type[StackError]) -> Callable[[Context], Verdict]:
    """Return a look at one rung of the ladder: well, wrong, or not to be known yet."""
    ladder = [rung for rung, _ in _LADDER]
    sound = dict(_LADDER)[kind]

    def look(context: Context) -> Verdict:
        failure = context.stack.failure
        if failure is None:
            return well(sound)
        if isinstance(failure, kind):
            return wrong(str(failure), failure.hint)
        broken = next((rung for rung in ladder if isinstance(failure, rung)), None)
        if broken is None or ladder.index(broken) > ladder.index(kind):
            return well(sound)
        return skip(str(failure))

    return look


def look_at_containers(context: Context) -> Verdict:
    """Look whether each container runs, is healthy, and stays so."""
    failure, services = context.stack.failure, context.stack.services
    if failure is not None:
        known = isinstance(failure, tuple(rung for rung, _ in _LADDER))
        remedy = failure.hint or context.command("apply")
        return skip(str(failure)) if known else wrong(str(failure), remedy)
    if not context.stack.is_running:
        return skip("No container runs.")
    if context.stack.missing:
        names = ", ".join(context.stack.missing)
        return wrong(f"There is no container of {names}.", context.command("start"))
    sick = [item for item in services if not item.is_well and item.health != "starting"]
    if sick:
        return wrong(" ".join(map(_sickness, sick)), context.command(_remedy(sick)))
    restless = [service for service in services if service.restarts >= MANY_RESTARTS]
    if restless:
        names = ", ".join(f"{item.name} {item.restarts} times" for item in restless)
        return warn(f"Restarted: {names}.", context.command(f"logs {restless[0].name}"))
    return well(f"{counted(len(services), 'container')} run and are healthy.")


def _remedy(sick: list[ServiceStatus]) -> str:
    """Return the command that helps most: what was stopped has only to be started."""
    ill = next((service for service in sick if service.state not in _STOPPED), None)
    return f"logs {ill.name}" if ill else "start"


def _sickness(service: ServiceStatus) -> str:
    how = service.health if service.is_running else service.state
    restarts = f", restarted {service.restarts} times" if service.restarts else ""
    reason = f": {service.reason.rstrip('.')}" if service.reason else ""
    return f"{service.name} is {how}{restarts}{reason}."


CHECKS = (
    Check("docker", "Docker is installed", _looking_for(NoDocker), is_stack),
    Check("compose", "Docker has Compose v2", _looking_for(NoCompose), is_stack),
    Check("docker-daemon", "The Docker daemon answers", _looking_for(NoDaemon), is_stack),
    Check("docker-rights", "This user may use Docker", _looking_for(DockerForbidden), is_stack),
    Check("containers", "All containers run and stay up", look_at_containers, is_stack),
)
