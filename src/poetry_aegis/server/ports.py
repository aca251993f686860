"""TCP ports: whether one is free, and who has it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from pathlib import Path

from poetry_aegis.errors import PortInUse, ServerError


def find_free_port(host: str) -> int:
    """Return a port of *host* that nobody listens on now. Raises `ServerError`."""
    with _bound(host, 0) as listener:
        port: int = listener.getsockname()[1]
        return port


def require_free_port(host: str, port: int, *, way_out: str) -> None:
    """Raise `PortInUse` where *port* of *host* is taken, `ServerError` where it cannot be had."""
    try:
        with _bound(host, port):
            return
    except _Taken:
        raise port_in_use(host, port, way_out=way_out) from None


def port_in_use(host: str, port: int, *, way_out: str) -> PortInUse:
    """Return the error for a taken port; it names the holder where that is cheap to learn."""
    holder = find_holder(port)
    by = f" by {holder}" if holder else " by another program"
    return PortInUse(f"Port {port} of {host} is already in use{by}.", hint=way_out)


def find_holder(port: int) -> str:
    """Return ``NAME (pid N)`` of the process that listens on *port*; empty where unknown.

    Looks only in Linux's ``/proc``, and sees other users' processes only as root.
    """
    inodes = _listening_inodes(port)
    if not inodes:
        return ""
    links = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(descriptor) in links:  # noqa: PTH115  the text is no path
                        name = (process / "comm").read_text(errors="replace").strip()
                        return f"{name} (pid {process.name})"
    return ""


class _Taken(Exception):
    """The address is bound already."""


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket bound to *host* and *port*, not listening: nobody can connect to it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise ServerError(
            f"The host {host!r} is not known: {error}.", hint="Change host in server.toml."
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # As the server itself will: a connection of its predecessor that lingers is no holder.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", None)):
            raise _Taken from None
        raise ServerError(
            f"The server may not listen on port {port} of {host}: {error.strerror}.",
            hint="Change host or port in server.toml.",
        ) from error
    return listener


def _listening_inodes(port: int) -> set[str]:
    listening = "0A"
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == listening and int(local.rpartition(":")[2], 16) == port:
                    inodes.add(rest[5])
    return inodes
