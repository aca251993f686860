"""Servers for the doctor, well or made ill: real files, real sockets, real programs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from poetry_aegis import atomic
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.version import version
from poetry_aegis.server import processes
from poetry_aegis.server.certificates import ensure_certificates
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.doctor.context import Context, Machine
from poetry_aegis.server.doctor.examination import CHECKS, look
from poetry_aegis.server.stack.settings import ContainerSettings, MonitoringSettings, WebSettings
from poetry_aegis.server.template import render_registry_settings, render_settings
from tests.support.registry import CHEAP_ROUNDS, basic
from tests.support.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from poetry_aegis.server.doctor.verdicts import Verdict
    from poetry_aegis.server.home import ServerHome

NAME = "pypi.aegis.local"
PASSWORD = "correct horse battery staple"
TOKEN = "aegis_0_reader"
PROJECT = "demo"
OWN_USER = f"{os.getuid()}:{os.getgid()}"
MEMINFO = "MemTotal:       8000000 kB\nMemAvailable:   4000000 kB\n"


@dataclass
class Front:
    """What answers on a server's ports, as nginx before a registry does, but for *told*.

    *told* are other answers, by path: a status, headers and a body. *largest* is the upload limit.
    """

    largest: int = 1024**3
    told: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of what *request* gets."""
        if request.path in self.told:
            return self.told[request.path]
        if int(request.headers.get("Content-Length") or 0) > self.largest:
            return 413, {}, b""
        health = json.dumps({"status": "ok", "version": version()}).encode()
        to_all: dict[str, tuple[int, dict[str, str], bytes]] = {
            "/health": (200, {}, health),
            "/ready": (200, {}, b""),
            "/metrics": (404, {}, b""),
        }
        if request.path in to_all:
            return to_all[request.path]
        if request.headers.get("Authorization", "") != basic("__token__", TOKEN):
            return 401, {"WWW-Authenticate": 'Basic realm="aegis"'}, b""
        return (403 if request.command == "POST" else 404), {}, b""


@dataclass
class Patient:
    """A server and the context in which it is looked at; tests break both."""

    context: Context
    front: Front
    scenario: Path  # what the fake docker answers
    stage: contextlib.ExitStack
    fronts: contextlib.ExitStack  # closed, nothing answers any more
    process: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> ServerHome:
        return self.context.home

    @property
    def settings(self) -> ServerSettings:
        return self.context.known

    def alter(self, **changes: Any) -> None:
        """Change fields of the context."""
        self.context = replace(self.context, **changes)

    def alter_machine(self, **changes: Any) -> None:
        """Change fields of the machine."""
        self.alter(machine=replace(self.context.machine, **changes))

    def set(self, **changes: Any) -> None:
        """Change settings, in ``server.toml`` as far as the checks see it."""
        self.alter(settings=replace(self.settings, **changes))

    def export(self, **variables: str) -> None:
        """Set variables of the environment."""
        self.alter(environment={**self.context.environment, **variables})

    def docker_says(self, **answers: Any) -> None:
        """Change what the fake docker answers."""
        told = json.loads(self.scenario.read_text())
        self.scenario.write_text(json.dumps(told | answers))
        self.alter()  # Docker is asked anew.

    def kill(self) -> None:
        """End the process that passes for the server's, and leave its pid file."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End the server as it ends when it is asked to."""
        self.fronts.close()
        self.kill()
        self.home.pid_file.unlink()

    def look(self, name: str) -> Verdict:
        """Return what the check *name* finds, where it applies."""
        (check,) = (check for check in CHECKS if check.name == name)
        assert check.applies(self.context), f"{name} does not apply here"
        return look(check, self.context)


@contextlib.contextmanager
def served(front: Front, *, tls: tuple[Path, Path] | None = None, leads: str = "") -> Iterator[int]:
    """Serve *front* on a port of 127.0.0.1; with *leads* send everybody there instead."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            away = (301, {"Location": leads}, b"")
            given = front.told.get("plain", away) if leads else front.answer(self)
            status, headers, body = given
            self.send_response_only(status)
            self.send_header("Date", headers.get("Date") or self.date_time_string())
            for name, value in headers.items() - {("Date", headers.get("Date", ""))}:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  inherited name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  inherited name
            """Keep the tests' output clean."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Keep the tests' output clean: clients that refuse a certificate hang up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def make_patient(root: Path, home: ServerHome, stage: contextlib.ExitStack, driver: str) -> Patient:
    """Return a well server in *home*, with the rest of its machine below *root*."""
    front, fronts = Front(), stage.enter_context(contextlib.ExitStack())
    machine = _machine(root)
    settings = _stack(home, fronts, front) if driver == "compose" else _embedded(fronts, front)
    _fill(home, settings)
    if driver == "compose":
        _write_stack(home, settings)
        bundle = machine.root / "etc/ssl/certs/ca-certificates.crt"
        bundle.parent.mkdir(parents=True)
        shutil.copy(home.tls / "ca.crt", bundle)
    environment = {"PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}", "HOME": str(root)}
    context = Context(
        home, settings, environment=environment, machine=machine, home_option=" --home HERE"
    )
    if driver == "compose":
        _trusting(context, machine)
    patient = Patient(context, front, _fake_docker(root / "bin"), stage, fronts)
    if driver == "embedded":
        patient.process = _run(home, settings)
        stage.callback(patient.kill)
    return patient


def _machine(root: Path) -> Machine:
    for folder in ("proc", "etc", "user"):
        (root / folder).mkdir(parents=True)
    (root / "proc" / "meminfo").write_text(MEMINFO)
    return Machine(
        user_folder=root / "user",
        root=root,
        resolve=lambda name: ("127.0.0.1",),
        label=lambda path: "",
        open_files=65536,
        disk=lambda path: Disk(),
    )


def _run(home: ServerHome, settings: ServerSettings) -> subprocess.Popen[bytes]:
    """Let another process pass for the server's."""
    home.registry_settings.write_text(render_registry_settings(settings))
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    record = processes.record_of(process.pid, url=settings.url)
    processes.write_pid_file(home.pid_file, record)
    return process


@dataclass(frozen=True)
class Disk:
    """What ``statvfs`` tells of a disk."""

    f_frsize: int = 4096
    f_blocks: int = 10_000_000
    f_bavail: int = 5_000_000
    f_files: int = 1_000_000
    f_favail: int = 500_000
    f_flag: int = 0


def _embedded(stage: contextlib.ExitStack, front: Front) -> ServerSettings:
    port = stage.enter_context(served(front))
    return ServerSettings(port=port)


def _stack(home: ServerHome, stage: contextlib.ExitStack, front: Front) -> ServerSettings:
    home.make_directories()
    state = WebSettings(name=NAME, listen="127.0.0.1")
    ensure_certificates(home, state)
    tls = (home.tls / "server.crt", home.tls / "server.key")
    https_port = stage.enter_context(served(front, tls=tls))
    http_port = stage.enter_context(served(front, leads=f"https://{NAME}:{https_port}/"))
    prometheus_port, grafana_port = free_ports(2)
    return ServerSettings(
        driver="compose",
        web=replace(state, http_port=http_port, https_port=https_port),
        monitoring=MonitoringSettings(prometheus_port=prometheus_port, grafana_port=grafana_port),
        containers=ContainerSettings(user=OWN_USER),
    )


def _fill(home: ServerHome, settings: ServerSettings) -> None:
    """Write what a server that has run for a while has: settings, a user, an index, a backup."""
    home.make_directories()
    atomic.write_text(home.settings_file, render_settings(settings), mode=0o600)
    Users(home.auth, rounds=CHEAP_ROUNDS).add("ada", PASSWORD, "admin")
    from poetry_aegis.server.upkeep import reindex
    from tests.support.distributions import make_wheel

    make_wheel(home.data / "packages" / PROJECT, PROJECT)
    reindex(home, [], lambda done, of: None, check=False)
    DataDirectory(home.data).last_backup.touch()


def _write_stack(home: ServerHome, settings: ServerSettings) -> None:
    from poetry_aegis.server.stack.owner import owner_of
    from poetry_aegis.server.stack.rendering import render
    from poetry_aegis.server.stack.writing import compare, write

    owner = owner_of(settings.containers)
    write(home, compare(home, render(home, settings, owner)), owner)
    atomic.write_text(home.env_file, "GRAFANA_PASSWORD=secret\n", mode=0o600)


def _trusting(context: Context, machine: Machine) -> None:
    folder = machine.user_folder / ".config" / "pypoetry"
    folder.mkdir(parents=True)
    url = context.known.url
    text = f'[repositories.corp]\nurl = "{url}"\n'
    text += f'[certificates.corp]\ncert = "{context.authority}"\n'
    (folder / "config.toml").write_text(text)


DOCKER = """\
#!{python} -IS
import json, pathlib, sys
told = json.loads(pathlib.Path({scenario!r}).read_text())
words = [word for word in sys.argv[1:]]
if "ps" in words or "config" in words:
    asked = "ps" if "ps" in words else "config"
elif words[:2] == ["compose", "version"]:
    asked = "compose"
else:
    asked = words[0]
answer = told.get(asked, ["", 0])
print(answer[0], file=sys.stderr if answer[1] else sys.stdout)
sys.exit(answer[1])
"""

WELL_STACK: Mapping[str, list[Any]] = {
    "compose": ["2.32.1", 0],
    "config": ["nginx", 0],
    "version": ["28.2.2", 0],
    "ps": [
        json.dumps(
            {"Service": "nginx", "State": "running", "Health": "healthy", "ID": "0123456789ab"}
        ),
        0,
    ],
    "inspect": ['[{"Id": "0123456789ab", "RestartCount": 0, "State": {"Status": "running"}}]', 0],
    "stats": ["", 0],
}


def _fake_docker(folder: Path) -> Path:
    folder.mkdir()
    scenario = folder / "scenario.json"
    scenario.write_text(json.dumps(WELL_STACK))
    program = folder / "docker"
    program.write_text(DOCKER.format(python=sys.executable, scenario=str(scenario)))
    program.chmod(0o755)
    return scenario
