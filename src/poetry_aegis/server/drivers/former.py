"""What still runs from when ``server.toml`` named the other driver."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from poetry_aegis.errors import ServerError, StackError
from poetry_aegis.server import processes
from poetry_aegis.server.docker.project import ComposeProject, project_of
from poetry_aegis.server.drivers import ownership

if TYPE_CHECKING:
    from poetry_aegis.server.home import ServerHome

WAY_OUT = "Stop it with: poetry aegis server stop"
HALF_STOPPED = "Some containers may still run. Go on with: poetry aegis server stop"
RUNNING = ("running", "restarting", "paused")  # in Docker's words


def require_no_process(home: ServerHome) -> None:
    """Raise `ServerError` where a process serves *home*, which is a stack now."""
    _refuse(running_process(home))


def require_no_stack(home: ServerHome) -> None:
    """Raise `ServerError` where containers serve *home*, which is a process now."""
    _refuse(running_stack(home))


def running_process(home: ServerHome) -> str:
    """Return the sentence that a process serves *home*; empty where none does."""
    record = processes.read_pid_file(home.pid_file)
    if record is None or not record.is_alive:
        return ""
    return f"The server still runs without containers (pid {record.pid})."


def running_stack(home: ServerHome) -> str:
    """Return the sentence that containers serve *home*; empty where none do.

    Where Docker does not answer nothing is known of them, and nothing is said.
    """
    project = _running_project(home)
    return f"The server still runs in containers (project {project.project})." if project else ""


def notes_on(sentence: str) -> tuple[str, ...]:
    """Return *sentence* with the way out of it as a note; none for an empty one."""
    return (f"{sentence} {WAY_OUT}",) if sentence else ()


def stop_stack(home: ServerHome) -> bool:
    """Stop the containers that serve *home*, where Docker answers; return whether any ran.

    Raises `StackError` where they cannot be stopped.
    """
    project = _running_project(home)
    if project is not None:
        _stop(project)
    return project is not None


def stop_services(project: ComposeProject) -> bool:
    """Stop the containers of *project*; return whether any ran. Raises `StackError`."""
    if not _is_running(project):
        return False
    _stop(project)
    return True


def _stop(project: ComposeProject) -> None:
    try:
        project.do("stop")
    except KeyboardInterrupt as interrupt:
        interrupt.__notes__ = [HALF_STOPPED]  # type: ignore[attr-defined]
        raise


def _running_project(home: ServerHome) -> ComposeProject | None:
    name = project_of(home)
    project = ComposeProject(home, name) if name else None
    with contextlib.suppress(StackError):
        return project if project and _is_ours_and_runs(project) else None
    return None


def _is_ours_and_runs(project: ComposeProject) -> bool:
    return not ownership.other_home(project) and _is_running(project)


def _is_running(project: ComposeProject) -> bool:
    return any(service.state in RUNNING for service in project.services(thorough=False))


def _refuse(sentence: str) -> None:
    if sentence:
        raise ServerError(sentence, hint=WAY_OUT)
