"""A whole stack in a home of its own, set up and driven by the very commands that a user types."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx
import tomlkit

from poetry_aegis.server.home import ServerHome
from tests.support.docker import containers, docker, images, remove_project
from tests.support.poetry import PoetryHome
from tests.support.registry import USERS
from tests.support.server import free_ports

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from poetry_aegis.errors import AegisError

NAME = "pypi.aegis.local"
STARTING = 300.0  # seconds for an image to be built and everything to be healthy
UNLIMITED_LOGINS = {"per_address": 100_000, "per_user": 100_000}


@dataclass
class Stack:
    """A server with the driver ``compose`` in *home*, that Compose knows as *project*."""

    home: ServerHome
    poetry: PoetryHome
    wheels: Path
    project: str
    ports: Mapping[str, int]
    told: list[str] = field(default_factory=list)  # all that the commands printed

    # The command line

    def run(
        self, *arguments: str, stdin: str | None = None, timeout: float = STARTING
    ) -> subprocess.CompletedProcess[str]:
        """Run ``poetry aegis server ARGUMENTS``."""
        cwd = self.poetry.root
        done = self.poetry.run("aegis", "server", *arguments, cwd=cwd, stdin=stdin, timeout=timeout)
        self.told.append(done.stdout + done.stderr)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done

    def ok(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command that must succeed and return what it printed."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
        """Run a command that must succeed with ``--json`` and return what it told."""
        document = json.loads(self.ok(*arguments, "--json", stdin=stdin))
        assert isinstance(document, dict)
        return document

    def fails(self, error: type[AegisError], *arguments: str) -> str:
        """Run a command that must fail with *error* and return what it said."""
        done = self.run(*arguments)
        assert done.returncode == error.exit_code, done.stdout + done.stderr
        return done.stderr

    # Setting up

    def set_up(self, **changes: Mapping[str, object] | object) -> None:
        """Run ``init``, name the images of the tests, and add a publisher and a reader.

        *changes* are keys or tables of ``server.toml``.
        """
        ports = ("--http-port", str(self.ports["http"]), "--https-port", str(self.ports["https"]))
        who = ("--user", "ada", "--password-stdin")
        self.ok(
            *("init", "--driver", "compose", "--name", NAME, *ports, *who), stdin=USERS["ada"][0]
        )
        self.edit(
            web={"listen": "127.0.0.1"},
            monitoring={
                "prometheus_port": self.ports["prometheus"],
                "grafana_port": self.ports["grafana"],
            },
            images=images(),
            containers={"project": self.project},
            logins=UNLIMITED_LOGINS,
        )
        self.edit(**changes)
        for user in ("pub", "rae"):
            password, role = USERS[user]
            self.ok("user", "add", user, "--role", role, "--password-stdin", stdin=password)
        self.bring_wheels()

    def edit(self, **changes: Mapping[str, object] | object) -> None:
        """Change keys of ``server.toml``, and keys of its tables."""
        document = tomlkit.parse(self.home.settings_file.read_text(encoding="utf-8"))
        for name, value in changes.items():
            if isinstance(value, dict):
                table = document.setdefault(name, tomlkit.table())
                table.update(value)
            else:
                # Before the first table: behind it, the key would be one of the last table's.
                head = tomlkit.parse(f"{name} = {tomlkit.item(value).as_string()}\n")
                document.pop(name, None)
                document = tomlkit.parse(head.as_string() + document.as_string())
        self.home.settings_file.write_text(document.as_string(), encoding="utf-8")

    def bring_wheels(self) -> None:
        """Put what the registry needs beside its Dockerfile: no index can be reached from there."""
        shutil.copytree(self.wheels, self.home.stack / "image" / "wheels", dirs_exist_ok=True)

    # The outside

    @property
    def url(self) -> str:
        """The address of the server for this machine, without a slash at its end."""
        return f"https://127.0.0.1:{self.ports['https']}"

    def url_for(self, user: str, path: str = "/simple/") -> str:
        """Return the address of *path* with *user*'s credentials in it."""
        return self.url.replace("://", f"://{user}:{USERS[user][0]}@") + path

    @property
    def ca_file(self) -> Path:
        """The certificate of the local authority, as ``server ca`` prints it."""
        path = self.poetry.root / "ca.pem"
        if not path.exists():
            path.write_text(self.ok("ca"), encoding="utf-8")
        return path

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """What trusts the local authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def client(self, user: str | None = "rae", **options: Any) -> httpx.Client:
        """Return an HTTP client that is logged in as *user*, and verifies the certificate."""
        return httpx.Client(
            base_url=self.url,
            auth=None if user is None else (user, USERS[user][0]),
            verify=self.tls,
            trust_env=False,
            timeout=30,
            **options,
        )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what Prometheus answers to *expression* now: a list of series with values."""
        answer = httpx.get(
            f"http://127.0.0.1:{self.ports['prometheus']}/api/v1/query",
            params={"query": expression},
            trust_env=False,
        )
        document = answer.json()
        assert document["status"] == "success", f"{expression}: {document}"
        data = document["data"]
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return list(data["result"])

    # The inside

    @property
    def containers(self) -> dict[str, str]:
        """The containers by service."""
        return containers(self.project)

    def inside(self, service: str, *command: str) -> str:
        """Run *command* in the container of *service* and return what it printed."""
        return docker("exec", self.containers[service], *command)

    def compose(self, *arguments: str) -> str:
        """Run ``docker compose ARGUMENTS`` on the files in the home."""
        where = ("--project-directory", str(self.home.root), "--project-name", self.project)
        files = ("--file", str(self.home.compose_file), "--env-file", str(self.home.env_file))
        return docker("compose", *where, *files, *arguments)

    def metrics(self) -> dict[str, float]:
        """Return the registry's metrics by their names with labels, as Prometheus reads them."""
        text = self.inside("nginx", "curl", "-fsS", "http://pypi-server:9091/metrics")
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}


@contextlib.contextmanager
def vacant_stack(root: Path, wheels: Path) -> Iterator[Stack]:
    """Return a stack that is not set up yet; whatever Docker has of it at last is removed."""
    poetry_root = root / "user"
    poetry_root.mkdir(parents=True)
    home = ServerHome(root / "home")
    poetry = PoetryHome(poetry_root, {"AEGIS_SERVER_HOME": str(home.root)})
    project = f"aegis-test-{secrets.token_hex(4)}"
    names = ("http", "https", "prometheus", "grafana")
    stack = Stack(home, poetry, wheels, project, dict(zip(names, free_ports(4), strict=True)))
    try:
        yield stack
    finally:
        remove_project(project)
