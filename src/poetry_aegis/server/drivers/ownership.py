"""Whose containers those of a project are: two homes may have been given the same name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.errors import StackError
from poetry_aegis.server.docker.project import ComposeProject, project_of

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome

WAY_OUT = (
    "Give this home's project a name of its own in server.toml, under [containers]: "
    'project = "NAME"'
)


def project_for(home: ServerHome, settings: ServerSettings) -> ComposeProject:
    """Return the project under the name that *home*'s containers have, whatever *settings* say.

    Where another home has containers of that name, it is the name that *settings* say. Raises
    `StackError`.
    """
    named = settings.containers.project
    project = ComposeProject(home, project_of(home) or named)
    if project.project == named or not other_home(project):
        return project
    return ComposeProject(home, named)


def require_own(project: ComposeProject) -> ComposeProject:
    """Return *project*. Raises `StackError` where its containers are another home's."""
    if sentence := foreign(project):
        raise StackError(sentence, hint=WAY_OUT)
    return project


def foreign(project: ComposeProject) -> str:
    """Return the sentence that *project*'s containers are another home's; empty where not."""
    other = other_home(project)
    if not other:
        return ""
    return f"The containers of the project {project.project} belong to another home, {other}."


def notes_on(sentence: str) -> tuple[str, ...]:
    """Return *sentence* with the way out of it as a note; none for an empty one."""
    return (f"{sentence} {WAY_OUT}",) if sentence else ()


def other_home(project: ComposeProject) -> str:
    """Return the folder that *project*'s containers were made for, if not its home; else nothing.

    Raises `StackError`.
    """
    folders = sorted(project.folders())
    return next((folder for folder in folders if _is_another(folder, project.home.root)), "")


def _is_another(folder: str, root: Path) -> bool:
    try:
        return not Path(folder).samefile(root)
    except (FileNotFoundError, NotADirectoryError):
        return False  # The home was moved, or its folder deleted: nobody else is served.
    except OSError:
        return True
