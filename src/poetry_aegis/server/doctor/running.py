"""Whether the server runs, and whether its ports are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import PortInUse, ServerError
from poetry_aegis.server.doctor.verdicts import (
    Check,
    NoAnswer,
    Verdict,
    is_embedded,
    is_set_up,
    skip,
    warn,
    well,
    wrong,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.server.doctor.context import Context


def look_at_server(context: Context) -> Verdict:
    """Look whether the server answers, and if not, whether it should."""
    try:
        context.ask("/health")
    except NoAnswer as reason:
        if _should_run(context):
            return wrong(f"It was started and does not answer: {reason}.", context.command("logs"))
        return warn("The server is stopped.", context.command("start"))
    return well(f"It answers at {context.known.url}")


def _should_run(context: Context) -> bool:
    if context.known.is_stack:
        return context.stack.is_running
    return context.process is not None


def look_at_ports(context: Context) -> Verdict:
    """Look whether another program has a port that the server needs."""
    ports = list(_ports(context))
    if _holds_ports(context):
        return well(f"{_listed(ports)}: taken by the server itself.")
    from poetry_aegis.server.ports import require_free_port

    way_out = f"Stop that program, or change the port in {context.home.settings_file}"
    try:
        for host, port in ports:
            require_free_port(host, port, way_out=way_out)
    except PortInUse as error:
        return wrong(str(error), error.hint)
    except ServerError as error:
        if context.known.is_stack:  # Docker publishes ports that this user may not listen on.
            return skip(str(error))
        return wrong(str(error), error.hint)
    return well(f"{_listed(ports)}: free.")


def _ports(context: Context) -> Iterator[tuple[str, int]]:
    settings = context.known
    if not settings.is_stack:
        yield settings.host, settings.port
        if settings.metrics_port:
            yield settings.host, settings.metrics_port
        return
    yield settings.web.listen, settings.web.http_port
    yield settings.web.listen, settings.web.https_port
    if settings.monitoring.prometheus:
        yield "127.0.0.1", settings.monitoring.prometheus_port
    if settings.monitoring.grafana:
        yield "127.0.0.1", settings.monitoring.grafana_port


def _holds_ports(context: Context) -> bool:
    if context.known.is_stack:
        return context.stack.is_running
    process = context.process
    return process is not None and process.is_alive


def _listed(ports: list[tuple[str, int]]) -> str:
    return ", ".join(f"{host}:{port}" for host, port in ports)


def look_at_pid_file(context: Context) -> Verdict:
    """Look whether the pid file tells of a process that has ended."""
    pid_file = context.home.pid_file
    if not pid_file.exists():
        return well("There is none, and no process of this server.")
    process = context.process
    if process is not None and process.is_alive:
        return well(f"It names process {process.pid}, which runs.")
    named = "no process" if process is None else f"process {process.pid}, which does not run"

    def remove() -> str:
        from poetry_aegis.server.locks import locked

        with locked(context.home, patience=5):
            now = context.process
            if now is None or not now.is_alive:
                pid_file.unlink(missing_ok=True)
        return f"{pid_file} is removed."

    return warn(
        f"{pid_file} names {named}: the server was killed.", context.command("start"), remove
    )


CHECKS = (
    Check("server", "The server answers", look_at_server, is_set_up),
    Check("ports", "No other program has its ports", look_at_ports, is_set_up),
    Check("pid-file", "The pid file tells the truth", look_at_pid_file, is_embedded),
)
