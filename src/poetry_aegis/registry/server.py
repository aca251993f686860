"""The process: a socket first, then what is heavy, then HTTP until a signal."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import CannotListen, PortInUse

if TYPE_CHECKING:
    from types import FrameType

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.options import ServeOptions
    from poetry_aegis.registry.state.state import State

_BACKLOG = 2048
_GRACE = 10  # seconds for requests under way when the server is told to stop
_FLUSH = 1.0  # seconds until a download is in the database
_FOLLOW = 2.0  # seconds until a download that another server logged is there, too
_WRITE_LOG = 0.1  # seconds until a request is in the log
_KEEP_ALIVE = 30  # seconds an idle connection stays open


def serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT, both of which end the process with exit code 0.

    Raises `RegistryError` where it cannot begin: `PortInUse`, `CannotListen`, `UnusableData`,
    `UnreadableUsers`.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with _listen(options.host, options.port) as listener, contextlib.ExitStack() as held:
        _run(options, listener, held)


def _run(options: ServeOptions, listener: socket.socket, held: contextlib.ExitStack) -> None:
    import uvicorn

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.http.assembly import assembled
    from poetry_aegis.registry.http.heads import BoundedHeads
    from poetry_aegis.registry.locks import exclusive_if_free, shared
    from poetry_aegis.registry.log import AccessLog, configure_logging
    from poetry_aegis.registry.people.users import Users
    from poetry_aegis.registry.repeating import repeating
    from poetry_aegis.registry.state.follow import LogFollower
    from poetry_aegis.registry.state.state import State
    from poetry_aegis.registry.store.store import open_store
    from poetry_aegis.registry.watching import watched

    configure_logging(sys.stderr)
    data = DataDirectory.open(options.data)
    users = Users(data.auth)
    count = len(users.list())  # Fails now rather than at the first request.
    state = State.open(data)
    held.callback(state.database.close)
    access_log = AccessLog(sys.stderr)
    held.enter_context(repeating(access_log.flush, _WRITE_LOG))
    with exclusive_if_free(data.in_use) as alone:
        store = open_store(data, (state.catalog.update,), deferred_list=True, alone=alone)
    held.enter_context(shared(data.in_use))
    held.callback(store.close)
    held.enter_context(state.catalog.filling(store))
    application = held.enter_context(assembled(options, store, users, state, access_log))
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
    held.enter_context(_metrics(options, data, state))
    held.enter_context(repeating(state.downloads.flush, _FLUSH))
    if options.settings.followed_log:
        followed = Path(options.settings.followed_log)
        if not followed.exists():
            logging.getLogger(__name__).warning("There is no %s to follow yet.", followed)
        follower = LogFollower(state.database, followed, state.metrics)
        held.enter_context(repeating(follower.catch_up, _FOLLOW))
    if options.settings.watch:
        held.enter_context(watched(store))
    # What was made until now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    _announce(listener, data.root.as_posix(), count)
    uvicorn.Server(config).run(sockets=[listener])


def _metrics(
    options: ServeOptions, data: DataDirectory, state: State
) -> contextlib.AbstractContextManager[None]:
    """Return what serves the metrics while it is entered, if they have a port."""
    if not options.settings.metrics_port:
        return contextlib.nullcontext()
    from poetry_aegis.registry.exposition import Moments, RegistryCollector, serving_metrics
    from poetry_aegis.registry.version import version

    expiry = options.settings.certificate_expiry
    moments = Moments(data.last_backup, Path(expiry) if expiry else None)
    collector = RegistryCollector(
        state.metrics, state.catalog.totals, data.root, moments, version()
    )
    return serving_metrics(collector, _listen(options.host, options.settings.metrics_port))


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
