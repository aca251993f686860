"""The connections of an HTTP client, so that they can be cut while threads wait on them."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

_OPENED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})
_SECURED = "start_tls.complete"  # through a proxy it has a prefix of the proxy's


class Lines:
    """The sockets of a client, as its requests' ``trace`` extension tells of them."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._is_cut = False

    def note(self, event: str, info: dict[str, Any]) -> None:
        """Hear of an *event* of a connection's."""
        if event not in _OPENED and not event.endswith(_SECURED):
            return
        opened = info["return_value"].get_extra_info("socket")
        if not isinstance(opened, socket.socket):
            return
        with self._lock:
            # One that is closed, or was taken over by TLS, has no number any more.
            self._sockets = [one for one in self._sockets if one.fileno() >= 0] + [opened]
            if self._is_cut:
                _shut_down(opened)

    def cut(self) -> None:
        """Cut all connections, and those that are still to be opened: who waits on one wakes."""
        with self._lock:
            self._is_cut = True
            for opened in self._sockets:
                _shut_down(opened)


def _shut_down(opened: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not an SSLSocket's own: after that one, what is sent meanwhile would leave in the clear.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
