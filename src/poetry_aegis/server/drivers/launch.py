"""The registry's process: what it is started with, and what is told of it."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from poetry_aegis.errors import NotReady, UnreadableUsers, UsageError
from poetry_aegis.server import logs, ports, probe, processes
from poetry_aegis.server.template import render_registry_settings

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from poetry_aegis.errors import AegisError
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.stack.writing import Change

# Exit codes of the registry, as its --help lists them.
UNREADABLE_USERS = 96
ADDRESS_IN_USE = 98


def command_line(home: ServerHome, settings: ServerSettings, *, loud: bool) -> list[str]:
    """Return the command that serves *home*; *loud* in Python's development mode."""
    arguments = {
        "--data": home.data,
        "--host": settings.host,
        "--port": settings.port,
        "--settings": home.registry_settings,
    }
    development = ("-X", "dev") if loud else ()
    command = [sys.executable, *development, "-m", "poetry_aegis.registry", "serve"]
    for option, value in arguments.items():
        command += [option, str(value)]
    return command


def environment() -> dict[str, str]:
    """Return the environment for the process: this one's, less Poetry's, which holds passwords."""
    inherited = {name: value for name, value in os.environ.items() if not _is_of_poetry(name)}
    # The working directory is the home; no module is to be imported from there.
    return inherited | {"PYTHONSAFEPATH": "1"}


def planned_changes(home: ServerHome, settings: ServerSettings) -> tuple[Change, ...]:
    """Return how what the process reads differs from what it would read after a start."""
    from poetry_aegis.server.stack.writing import Change

    path = home.registry_settings
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        return ()  # It is written at the first start.
    after = render_registry_settings(settings).encode()
    name = path.relative_to(home.root).as_posix()
    return () if before == after else (Change(name, "changed", before, after),)


def require_no_service(service: str | None) -> None:
    """Raise `UsageError` where a *service* is named: this server is one process."""
    if service is not None:
        raise UsageError(
            f"There is no service {service!r}: the server runs without containers.",
            hint="Leave the service's name away.",
        )


def wait_until_ready(
    home: ServerHome,
    settings: ServerSettings,
    process: subprocess.Popen[bytes],
    *,
    patience: float,
    log_before: int,
) -> None:
    """Return when *process* takes requests; its log had *log_before* bytes when it started.

    Raises `NotReady` after *patience* seconds, and the error for a process that has ended.
    """
    deadline = time.monotonic() + patience
    while not probe.is_ready(settings.url):
        _require_alive(home, settings, process, log_before)
        if time.monotonic() > deadline:
            raise NotReady(
                f"The server did not answer at {settings.url} within {patience:.0f} seconds.",
                hint=last_words(home.log_file, log_before),
            )
        time.sleep(processes.POLL)
    _require_alive(home, settings, process, log_before)


def _require_alive(
    home: ServerHome,
    settings: ServerSettings,
    process: subprocess.Popen[bytes],
    log_before: int,
) -> None:
    code = process.poll()
    if code is not None:
        error = early_end(home, settings, code)
        error.hint = error.hint or last_words(home.log_file, log_before)
        raise error


def last_words(log: Path, log_before: int) -> str:
    """Return what was logged past *log_before* bytes, as a hint."""
    lines = logs.read_tail(log, 10, after=log_before)
    if not lines:
        return f"It printed nothing to {log}."
    return "\n  ".join([f"The last lines of {log}:", *lines])


def early_end(home: ServerHome, settings: ServerSettings, code: int) -> AegisError:
    """Return the error for a process that ended by itself with exit code *code*."""
    if code == ADDRESS_IN_USE:
        return ports.port_in_use(settings.host, settings.port, way_out=port_way_out(home))
    if code == UNREADABLE_USERS:
        return UnreadableUsers(f"The server cannot read its users in {home.auth}.")
    return NotReady(f"The server ended by itself with exit code {code}.")


def port_way_out(home: ServerHome) -> str:
    """Return what to do where another program has the port."""
    return f"Stop that program, or choose another port in {home.settings_file}"


def _is_of_poetry(variable: str) -> bool:
    return variable.upper().startswith("POETRY_")
