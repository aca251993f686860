"""What the checks look at: a server, and the machine as far as they need it.

Everything that a test wants to be otherwise is a field, so that the checks read real files, real
answers and real programs, only elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import shutil
import socket
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from poetry_aegis.errors import AegisError, CertificateError
from poetry_aegis.server.doctor.questions import Answer, Door
from poetry_aegis.server.doctor.stack import look_at_stack
from poetry_aegis.server.doctor.verdicts import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.doctor.stack import Stack
    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.processes import ProcessRecord

TOKEN_VARIABLE = "AEGIS_READER_TOKEN"  # noqa: S105 -- the name of a variable

Value = TypeVar("Value")


def _addresses(name: str) -> tuple[str, ...]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _selinux_label(path: Path) -> str:
    with contextlib.suppress(OSError, AttributeError):  # not on every system
        return os.getxattr(path, "security.selinux").rstrip(b"\0").decode("ascii", "replace")
    return ""


def _statvfs(path: Path) -> Any:
    if not hasattr(os, "statvfs"):  # Windows
        raise OSError(errno.ENOSYS, "This system does not tell of its disks", str(path))
    return os.statvfs(path)


def _open_files() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


@dataclass(frozen=True)
class Machine:
    """The machine around the server, as far as the checks look at it.

    *resolve* returns the addresses of a name and raises ``OSError``; *label* returns the SELinux
    label of a path, empty where there is none; *open_files* is how many this process may hold;
    *disk* returns what ``statvfs`` tells of the disk of a path, and raises ``OSError``.
    """

    user_folder: Path = field(default_factory=Path.home)
    root: Path = Path("/")
    resolve: Callable[[str], tuple[str, ...]] = _addresses
    label: Callable[[Path], str] = _selinux_label
    open_files: int | None = field(default_factory=_open_files)
    disk: Callable[[Path], Any] = _statvfs


@dataclass(frozen=True)
class Context:
    """A server in *home*, and what surrounds it.

    *settings* are ``None`` where they cannot be read; *failure* then says why. *home_option* leads
    further commands to the same home.
    """

    home: ServerHome
    settings: ServerSettings | None
    failure: AegisError | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    machine: Machine = field(default_factory=Machine)
    home_option: str = ""
    docker: Once[Stack] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "docker", Once(lambda: look_at_stack(self.home, self.known)))

    @property
    def known(self) -> ServerSettings:
        """The settings, for checks that apply only where they can be read."""
        if self.settings is None:
            raise AegisError("The settings of the server cannot be read.")
        return self.settings

    def command(self, words: str) -> str:
        """Return a command about this server, to be typed as it is."""
        return f"poetry aegis server {words}{self.home_option}"

    @property
    def name(self) -> str:
        """The host name or address that clients know the server by."""
        settings = self.known
        return settings.web.name if settings.is_stack else settings.reachable_host

    @property
    def door(self) -> Door:
        """Where the server is reached from here, whatever its name leads to."""
        settings = self.known
        if not settings.is_stack:
            return Door(settings.reachable_host, settings.port, settings.reachable_host)
        return Door(
            self._published,
            settings.web.https_port,
            self.name,
            secure=True,
            authority=self._verified_by(),
        )

    def _verified_by(self) -> Path | None:
        """Return what holds the authority of the certificate; ``None`` is the system's bundle."""
        from poetry_aegis.server.certificates import ca_certificate, certificate_files

        web = self.known.web
        if not web.certificate:
            return self.authority
        try:
            ca_certificate(self.home, web)
        except CertificateError:
            return None
        return certificate_files(self.home, web)[0]

    @property
    def plain_door(self) -> Door:
        """Where a stack answers without TLS."""
        return Door(self._published, self.known.web.http_port, self.name)

    @property
    def _published(self) -> str:
        listen = self.known.web.listen
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen, listen)  # noqa: S104 -- read

    @property
    def authority(self) -> Path:
        """The certificate of the local authority."""
        return self.home.tls / "ca.crt"

    def ask(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the server's answer. Raises `NoAnswer`, also where only others may ask."""
        answer = self.door.ask(path, method=method, headers=headers)
        if answer.status == 403 and self.known.is_stack and self.known.web.allow:
            raise NoAnswer(f"only {', '.join(self.known.web.allow)} may ask, says allow in [web]")
        return answer

    @property
    def reader_token(self) -> str:
        """A token of a reader, which an operator may hand over in the environment."""
        return self.environment.get(TOKEN_VARIABLE, "")

    @property
    def process(self) -> ProcessRecord | None:
        """The process of the embedded driver, running or not, as its pid file has it."""
        from poetry_aegis.server.processes import read_pid_file

        return read_pid_file(self.home.pid_file)

    @property
    def backups(self) -> Path:
        """The folder of backups."""
        return self.home.root / self.known.backup.folder

    @property
    def stack(self) -> Stack:
        """What Docker says; asked once, however many checks want to know."""
        return self.docker()

    def program(self, name: str) -> str | None:
        """Return where the program *name* is."""
        return shutil.which(name, path=self.environment.get("PATH"))


class Once(Generic[Value]):
    """Makes a value when it is first asked for, in whichever thread, and keeps it."""

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[Value] = []

    def __call__(self) -> Value:
        """Return the value."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


def context_of(home: ServerHome, *, named: bool) -> Context:
    """Return what there is to be examined of the server in *home*.

    *named* is whether the home has to be named to further commands. Raises `NoServer`; settings
    that cannot be read are a finding, and no error.
    """
    from poetry_aegis.server.config import load_settings

    home.require()
    settings, failure = None, None
    try:
        settings = load_settings(home)
    except AegisError as error:
        failure = error
    return Context(
        home,
        settings,
        failure,
        environment=dict(os.environ),
        home_option=f" --home {shlex.quote(str(home.root))}" if named else "",
    )
