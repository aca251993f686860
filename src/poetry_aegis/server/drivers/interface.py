"""What every driver can do with a server, and what it tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from poetry_aegis.server.usage import Usage


@dataclass(frozen=True)
class Started:
    """A server that runs: where, and whether it ran before it was asked to start."""

    url: str
    pid: int
    already_running: bool


@dataclass(frozen=True)
class Status:
    """The state of a server. *uptime* is in seconds; ``None`` stands for what is not running."""

    state: Literal["running", "not ready", "stopped"]
    driver: str
    home: str
    url: str
    usage: Usage
    pid: int | None = None
    version: str | None = None
    uptime: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether the server takes requests."""
        return self.state == "running"

    def to_json(self) -> dict[str, Any]:
        """Return the status as ``--json`` prints it."""
        return {
            "state": self.state,
            "driver": self.driver,
            "home": self.home,
            "url": self.url,
            "pid": self.pid,
            "version": self.version,
            "uptime_seconds": None if self.uptime is None else int(self.uptime),
            "projects": self.usage.projects,
            "files": self.usage.files,
            "disk_bytes": self.usage.disk_bytes,
        }


class Driver(Protocol):
    """A way to run the server of one home."""

    def start(self) -> Started:
        """Start the server and return when it takes requests; leave a running one alone.

        Raises `PortInUse` and `NotReady`.
        """

    def stop(self) -> bool:
        """Stop the server; return whether it was running."""

    def status(self) -> Status:
        """Return the state of the server."""

    def logs(self, *, lines: int, follow: bool) -> Iterator[str]:
        """Yield the last *lines* lines of the log, and with *follow* those that come, for ever."""

    def run(self, *, started: Callable[[], None]) -> int:
        """Serve in the foreground until Ctrl-C or a stop; return the exit code.

        *started* is called as soon as the server has what it needs.
        Raises `PortInUse`, and `ServerError` where the server ends by itself.
        """
