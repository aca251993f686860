"""The servers that are compared: how each is filled, started, and asked."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from benchmarks.registry.corpus import linked_copy
from benchmarks.registry.nginx import nginx_command
from poetry_aegis.registry.people.users import Users

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from poetry_aegis.registry.data import DataDirectory

PATIENCE = 60.0  # seconds for a server to come up
USER, PASSWORD = "bench", "bench-secret"
COST = 12  # of bcrypt
PAUSE = 0.002
PROBE = "bench-00000"  # the project whose page is asked for


@dataclass(frozen=True)
class Lab:
    """Where servers are filled, and what with. What is installed stays in *cache*."""

    root: Path
    cache: Path
    corpus: DataDirectory

    def home(self, name: str) -> Path:
        """Return a new or known folder for the server of that name."""
        folder = self.root / name.replace(" ", "-").replace(",", "")
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass(frozen=True)
class Command:
    """A process to start."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Server:
    """One to compare. *users* says in a word how it knows them.

    *index* is the path of its project list, *legacy* the one that uploads are posted to, as the
    *uploader* where that is not who reads.
    """

    name = ""
    users = "nobody asked"
    index = "/simple/"
    legacy: str | None = None
    credential: tuple[str, str] | None = None
    uploader: tuple[str, str] | None = None

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.home = lab.home(self.name)

    def prepare(self) -> None:
        """Install and fill it."""

    def commands(self, port: int) -> list[Command]:
        """Return the processes that serve on *port* of the loopback."""
        raise NotImplementedError


@dataclass
class Running:
    """A server that answers. *cold_start* is in seconds."""

    server: Server
    url: str
    processes: list[subprocess.Popen[bytes]]
    cold_start: float = 0.0

    @property
    def megabytes(self) -> float:
        """The resident memory of all its processes, shared pages counted once."""
        return sum(_resident(pid) for process in self.processes for pid in _family(process.pid))

    @property
    def authorization(self) -> dict[str, str]:
        """The headers that say who reads."""
        return basic(self.server.credential)

    @property
    def probe(self) -> str:
        """The address of a project page."""
        return f"{self.url}{self.server.index}{PROBE}/"

    def index_url(self, base: str | None = None) -> str:
        """Return the address of the index with the credential in it, as clients are given it."""
        scheme, _, host = (base or self.url).partition("://")
        who = "{}:{}@".format(*self.server.credential) if self.server.credential else ""
        return f"{scheme}://{who}{host}{self.server.index}"


@contextlib.contextmanager
def running(server: Server) -> Iterator[Running]:
    """Start *server* and wait for its first answer; stop it when the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack, (server.home / "output.log").open("ab") as log:
        commands = server.commands(port)
        began = time.perf_counter()
        processes = [stack.enter_context(_process(command, log.fileno())) for command in commands]
        started = Running(server, url, processes)
        _wait_for_answer(started)
        started.cold_start = time.perf_counter() - began
        yield started


class Embedded(Server):
    name = "poetry-aegis"
    users = f"bcrypt {COST}"
    legacy = "/legacy/"
    credential = (USER, PASSWORD)

    def prepare(self) -> None:
        """Link the corpus into a data directory, and add the user."""
        if not (self.home / "data").exists():
            data = linked_copy(self.lab.corpus, self.home / "data")
            Users(data.auth, rounds=COST).add(USER, PASSWORD, "publisher")

    def registry(self, port: int) -> Command:
        """Return the process of the registry itself."""
        data = str(self.home / "data")
        module = [sys.executable, "-m", "poetry_aegis.registry", "serve"]
        return Command([*module, "--data", data, "--host", "127.0.0.1", "--port", str(port)])

    def commands(self, port: int) -> list[Command]:
        """Return the registry alone."""
        return [self.registry(port)]


class BehindNginx(Embedded):
    name = "poetry-aegis behind nginx"

    def commands(self, port: int) -> list[Command]:
        """Return the registry, and nginx over its data."""
        behind = free_port()
        nginx = nginx_command(
            self.home / "nginx", self.home / "data", port, registry=behind, sendfile=False
        )
        return [self.registry(behind), Command(nginx)]


class Floor(Server):
    """nginx as it is mostly configured, over the corpus as it is."""

    name = "nginx, static files"
    sendfile = True

    def commands(self, port: int) -> list[Command]:
        """Return nginx alone."""
        home, data = self.home / "nginx", self.lab.corpus.root
        return [Command(nginx_command(home, data, port, sendfile=self.sendfile))]


class FloorWithoutSendfile(Floor):
    """nginx as it is configured before the registry: what asking costs is the difference."""

    name = "nginx, no sendfile"
    sendfile = False


def basic(credential: tuple[str, str] | None) -> dict[str, str]:
    """Return the header of HTTP Basic, none for nobody."""
    if credential is None:
        return {}
    encoded = base64.b64encode(":".join(credential).encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _process(command: Command, log: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        list(command.arguments),
        env={**os.environ, **command.environment},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_answer(started: Running) -> None:
    """Return at the first answer of any kind: 401 is one, an error of the server is none."""
    deadline = time.monotonic() + PATIENCE
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        while time.monotonic() < deadline and all(p.poll() is None for p in started.processes):
            with contextlib.suppress(httpx.TransportError):
                if client.get(started.probe).status_code < 500:
                    return
            time.sleep(PAUSE)
    server = started.server
    sys.exit(f"{server.name} does not come up; see {server.home / 'output.log'}")


def _family(pid: int) -> list[int]:
    """Return *pid* and the processes below it."""
    family = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            family += _family(int(child))
    return family


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
