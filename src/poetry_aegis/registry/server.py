"""The process: a socket first, then what is heavy, then HTTP until a signal."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import sys
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import CannotListen, PortInUse

if TYPE_CHECKING:
    from types import FrameType

    from poetry_aegis.registry.options import ServeOptions

_BACKLOG = 2048
_GRACE = 10  # seconds for requests under way when the server is told to stop
_KEEP_ALIVE = 30  # seconds an idle connection stays open


def serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT, both of which end the process with exit code 0.

    Raises `RegistryError` where it cannot begin: `PortInUse`, `CannotListen`, `UnusableData`,
    `UnreadableUsers`.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with _listen(options.host, options.port) as listener:
        _run(options, listener)


def _run(options: ServeOptions, listener: socket.socket) -> None:
    import uvicorn

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.http.assembly import assemble
    from poetry_aegis.registry.http.heads import BoundedHeads
    from poetry_aegis.registry.log import AccessLog, configure_logging
    from poetry_aegis.registry.people.users import Users
    from poetry_aegis.registry.store.store import open_store

    configure_logging(sys.stderr)
    data = DataDirectory.open(options.data)
    users = Users(data.auth)
    count = len(users.list())  # Fails now rather than at the first request.
    application = assemble(options, open_store(data), users, AccessLog(sys.stderr))
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="off",
        http=BoundedHeads,
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
        timeout_keep_alive=_KEEP_ALIVE,
        backlog=_BACKLOG,
    )
    _announce(listener, data.root.as_posix(), count)
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that already takes connections, so that a second server fails at once."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(
            address[:2],
            family=family,
            backlog=_BACKLOG,
        )
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortInUse(f"Port {port} of {host} is in use by another program.") from error
        reason = getattr(error, "strerror", None) or error
        raise CannotListen(f"Cannot listen on {host}, port {port}: {reason}.") from error
    listener.set_inheritable(False)
    return listener


def _announce(listener: socket.socket, data: str, users: int) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    logging.getLogger(__name__).info(
        "Serving %s at %s.",
        data,
        url,
        extra={"event": "listening", "fields": {"url": url, "users": users}},
    )


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End the process. While uvicorn serves it has handlers of its own, and comes here after."""
    sys.exit(0)
