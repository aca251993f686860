"""A new installation: its home, its first user and its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from poetry_aegis import atomic
from poetry_aegis.errors import ServerError, ServerExists, StackError
from poetry_aegis.server import users
from poetry_aegis.server.extra import require_registry
from poetry_aegis.server.locks import locked
from poetry_aegis.server.template import render_settings

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome


def require_vacant(home: ServerHome, *, option: str = "") -> None:
    """Raise `ServerExists` where *home* holds a server, `MissingExtra` where none could run.

    *option* is what leads a command to *home*, if anything has to.
    """
    require_registry()
    if home.settings_file.exists() or home.settings_file.is_symlink():
        raise ServerExists(
            f"A server is already set up in {home.root}.",
            hint=f"Start it with: poetry aegis server start{option}\n"
            "Or name another home with --home.",
        )


def choose_driver() -> tuple[Literal["embedded", "compose"], str]:
    """Return the driver for a server on this machine, and why it is that one."""
    from poetry_aegis.server.docker.client import require_docker

    try:
        versions = require_docker()
    except StackError as error:
        return "embedded", f"no containers can run here: {error}"
    return "compose", f"Docker Compose {versions.compose} answers here"


def obstacles(settings: ServerSettings) -> tuple[str, ...]:
    """Return what would keep a new server from being started or reached on this machine."""
    if not settings.is_stack:
        return ()
    from poetry_aegis.server.docker.client import require_docker
    from poetry_aegis.server.drivers.preflight import name_note

    found = []
    try:
        require_docker()
    except StackError as error:
        found.append(f"No containers can run here yet: {error}")
    if note := name_note(settings):
        found.append(note)
    return tuple(found)


def create(home: ServerHome, settings: ServerSettings, *, user: str, password: str) -> None:
    """Set up a server in *home* whose admin is *user*.

    ``server.toml`` comes last: a home without it is no server, and can be set up again. What is
    generated from it is written, too, and again at each start. Raises `ServerExists`,
    `ServerError`, `UserError` and `MissingExtra`.
    """
    require_vacant(home)
    users.require_valid(home, user, password)
    home.make_directories()
    with locked(home):
        require_vacant(home)
        users.add_first_user(home, user, password)
        try:
            atomic.write_text(home.settings_file, render_settings(settings), mode=0o600)
        except OSError as error:
            raise ServerError(
                f"{home.settings_file} cannot be written: {error.strerror}."
            ) from error
        if settings.is_stack:
            from poetry_aegis.server.drivers.stack_files import StackFiles

            files = StackFiles(home, settings)
            files.write(files.plan())
