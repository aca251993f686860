"""Services of a stack on this terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import StackError
from poetry_aegis.server.docker.project import end

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from poetry_aegis.server.docker.project import ComposeProject

LONG = 90.0  # seconds that containers may take to end
PLAIN = ("--rm", "--no-deps", "--use-aliases", "--no-TTY")
LOUD = ("--env", "PYTHONUNBUFFERED=1", "--env", "PYTHONDEVMODE=1")


def run_in_stead(project: ComposeProject, service: str, started: Callable[[], None]) -> int:
    """Run *service* here, the others behind it, and start its own container again after all.

    Returns the exit code. Raises `StackError`.
    """
    name = f"{project.project}-{service}-debug"
    project.do("stop", service)
    try:
        process = project.begin("run", "--name", name, *PLAIN, *LOUD, service)
        return wait_for(process, started)
    finally:
        project.remove_container(name)  # Compose leaves it running where it is told to end itself.
        project.do("start", service)


def wait_for(process: subprocess.Popen[bytes], started: Callable[[], None]) -> int:
    """Wait for *process* until Ctrl-C, which ends it as well. Raises `StackError`."""
    try:
        started()
        code = process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        end(process, patience=LONG)
    if code:
        raise StackError(f"The services ended by themselves with exit code {code}.")
    return 0
