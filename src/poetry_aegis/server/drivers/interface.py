"""What every driver can do with a server, and what it tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from poetry_aegis.server.docker.services import ServiceStatus
    from poetry_aegis.server.stack.writing import Change
    from poetry_aegis.server.usage import Usage


State = Literal["running", "not ready", "stopped"]


class Listener(Protocol):
    """Is told how far a server's start is."""

    def step(self, what: str) -> None:
        """Take note of what is being done now, as ``building``."""

    def services(self, services: Sequence[ServiceStatus]) -> None:
        """Take note of the services, some of which have changed."""


class Silence:
    """A listener for where nobody looks on."""

    def step(self, what: str) -> None:
        """Say nothing."""

    def services(self, services: Sequence[ServiceStatus]) -> None:
        """Say nothing."""


SILENCE = Silence()


@dataclass(frozen=True)
class Started:
    """A server that runs: where, and whether it ran before it was asked to start.

    *pid* is the process of an embedded server, *services* are those of a stack. *notes* are
    sentences that an operator should read.
    """

    url: str
    pid: int | None
    already_running: bool
    services: tuple[ServiceStatus, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what was started as ``--json`` prints it."""
        return {
            "url": self.url,
            "pid": self.pid,
            "already_running": self.already_running,
            "services": [service.to_json() for service in self.services],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Applied:
    """What it took to bring a server up to date with its settings.

    *changes* are the files that were written, *recreated*, *restarted* and *reloaded* the services
    that were; of a server that does not run it is none.
    """

    changes: tuple[Change, ...] = ()
    recreated: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    reloaded: tuple[str, ...] = ()
    running: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what was done as ``--json`` prints it."""
        return {
            "changes": [{"path": str(item.path), "kind": item.kind} for item in self.changes],
            "recreated": list(self.recreated),
            "restarted": list(self.restarted),
            "reloaded": list(self.reloaded),
            "running": self.running,
        }


@dataclass(frozen=True)
class Status:
    """The state of a server. *uptime* is in seconds; ``None`` stands for what is not running.

    *services* are those of a stack. *certificate_days* is how long the certificate is good for,
    *last_backup* when the last backup was made, in seconds since 1970; ``None`` for none. *notes*
    are sentences that an operator should read.
    """

    state: State
    driver: str
    home: str
    url: str
    usage: Usage
    pid: int | None = None
    version: str | None = None
    uptime: float | None = None
    services: tuple[ServiceStatus, ...] = ()
    certificate_days: int | None = None
    last_backup: float | None = None
    notes: tuple[str, ...] = ()

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
            "services": [service.to_json() for service in self.services],
            "certificate_days": self.certificate_days,
            "last_backup": None if self.last_backup is None else _as_time(self.last_backup),
            "notes": list(self.notes),
        }


class Driver(Protocol):
    """A way to run the server of one home."""

    def start(self, listener: Listener = ...) -> Started:
        """Start the server and return when it takes requests; leave a running one alone.

        Raises `PortInUse`, `NotReady`, and the kinds of `StackError`.
        """

    def stop(self) -> bool:
        """Stop the server; return whether it was running."""

    def restart(self, service: str | None = None, listener: Listener = ...) -> Started:
        """Stop the server, or one service of a stack, and start it again.

        Raises `UsageError` for a service that there is not, and what `start` raises.
        """

    def status(self) -> Status:
        """Return the state of the server."""

    def logs(self, *, lines: int, follow: bool, service: str | None = None) -> Iterator[str]:
        """Yield the last *lines* lines of the log, and with *follow* those that come, for ever.

        Raises `UsageError` for a service that there is not.
        """

    def run(self, *, started: Callable[[], None]) -> int:
        """Serve in the foreground until Ctrl-C or a stop; return the exit code.

        *started* is called as soon as the server has what it needs.
        Raises `PortInUse`, and `ServerError` where the server ends by itself.
        """

    def debug(self, *, started: Callable[[], None], service: str | None = None) -> int:
        """Serve as `run` does, telling more: of a stack the engine alone, the rest behind it."""

    def plan(self) -> tuple[Change, ...]:
        """Return how the generated files differ from what ``server.toml`` says now."""

    def apply(self, listener: Listener = ..., *, overwrite: bool = False) -> Applied:
        """Bring the server up to date with ``server.toml``, restarting what has to be alone.

        Raises `StackError` where a generated file was edited by hand, unless told to *overwrite*.
        """

    def upgrade(self, listener: Listener = ..., *, pull: bool = False) -> Applied:
        """Run the version that is installed now; *pull* looks for newer images of the same names.

        Raises what `start` raises.
        """

    def destroy(self, *, data: bool) -> bool:
        """Remove all that the driver has made, and with *data* the packages and users.

        Returns whether there was anything to remove.
        """


def _as_time(moment: float) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(moment, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
