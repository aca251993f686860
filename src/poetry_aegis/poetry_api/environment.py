"""The environment that Poetry has for the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.errors import NotVerified
from poetry_aegis.poetry_api.projects import first_line
from poetry_aegis.signing.record import Environment

if TYPE_CHECKING:
    from poetry.console.commands.command import Command


def find_environment(command: Command) -> Environment:
    """Return the environment of the project; none is made. Raises `NotVerified` without one."""
    from poetry.utils.env import EnvManager

    try:
        env = EnvManager(command.poetry, io=command.io).get()
        has_own = command.poetry.config.get("virtualenvs.create", True) is not False
        if has_own and not env.is_venv():
            raise NotVerified(
                "The project has no environment, so nothing of it is installed.",
                hint="Make it with: poetry install",
            )
        paths = env.paths
    except NotVerified:
        raise
    except Exception as error:
        raise NotVerified(
            f"The project's environment cannot be read: {first_line(error)}",
            hint="Look at it with: poetry env info",
        ) from error
    # The system may know one directory by several names, through links.
    found = (paths["purelib"], paths["platlib"], paths["scripts"], paths["data"])
    return Environment(*(Path(path).resolve() for path in found))
