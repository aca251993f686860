"""The stack's nginx on this machine: its configuration with other paths and ports."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import subprocess
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx

from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.stack.nginx import nginx_conf
from poetry_aegis.server.stack.settings import WebSettings
from tests.support.needs import needs_program
from tests.support.registry import PATIENCE
from tests.support.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import RegistryServer

NAME = "pypi.aegis.local"
PLAIN = ServerSettings(driver="compose")
LIMITED = replace(
    PLAIN,
    max_upload_size="2MiB",
    overwrite=False,
    web=WebSettings(
        names=("10.0.0.7", "::1", "other.example"),
        https_port=8443,
        allow=("10.0.0.0/8", "127.0.0.1", "::1"),
        rate=1000,
        burst=50,
    ),
)


@dataclass(frozen=True)
class Nginx:
    """A running nginx: its addresses, its process and where it keeps things."""

    http: str
    https: str
    inside: str
    home: Path
    ports: tuple[int, int, int]
    process: subprocess.Popen[bytes]

    def client(self, user: tuple[str, str] | None = None) -> httpx.Client:
        """Return a client that believes this server's certificate alone."""
        return httpx.Client(
            base_url=self.https,
            auth=user,
            verify=ssl.create_default_context(cafile=self.home / "tls" / "server.crt"),
            trust_env=False,
            timeout=PATIENCE,
        )

    def log(self) -> str:
        """Return the access log, with the last request in it."""
        time.sleep(1.2)  # It is flushed each second.
        return (self.home / "logs" / "access.log").read_text(encoding="utf-8")


def localised(text: str, home: Path, *, engine: str, data: Path, ports: tuple[int, ...]) -> str:
    """Return the configuration *text* for this machine instead of the container."""
    places = {
        "listen 80 ": f"listen 127.0.0.1:{ports[0]} ",
        "listen 443 ": f"listen 127.0.0.1:{ports[1]} ",
        "listen 8081;": f"listen 127.0.0.1:{ports[2]};",
        "pypi-server:8080": engine,
        "root /data;": f"root {data};",
        "/etc/nginx/tls/": f"{home}/tls/",
        "/etc/nginx/aegis/": f"{home}/",
        "/var/log/nginx/": f"{home}/logs/",
        "/tmp/": f"{home}/tmp/",  # noqa: S108 -- the container's own
    }
    user = "user root;\n" if os.geteuid() == 0 else ""
    pattern = "|".join(map(re.escape, places))
    return user + re.sub(pattern, lambda match: places[match[0]], text)


def prepared(
    home: Path, settings: ServerSettings, *, engine: str, data: Path, writers: str = ""
) -> tuple[int, int, int]:
    """Write what nginx needs into *home*, a certificate too; return its three ports."""
    for folder in ("tls", "logs", "tmp"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    make_certificate(home / "tls")
    ports = tuple(free_ports(3))
    text = localised(nginx_conf(settings), home, engine=engine, data=data, ports=ports)
    (home / "nginx.conf").write_text(text, encoding="utf-8")
    (home / "writers.conf").write_text(writers, encoding="utf-8")
    return ports[0], ports[1], ports[2]


def make_certificate(folder: Path) -> None:
    """Make a certificate that signs itself, for the name and the address of the tests."""
    command = [needs_program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", f"/CN={NAME}"]
    command += ["-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"]
    command += ["-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")]
    subprocess.run(command, check=True, capture_output=True)


def nginx_command(home: Path) -> list[str]:
    """Return how the container starts nginx."""
    return [needs_program("nginx"), "-e", "stderr", "-c", str(home / "nginx.conf")]


@contextlib.contextmanager
def running_nginx(
    home: Path, settings: ServerSettings, *, engine: str, data: Path, writers: str = ""
) -> Iterator[Nginx]:
    """Run nginx until the block ends, before an *engine* at ``host:port``."""
    ports = prepared(home, settings, engine=engine, data=data, writers=writers)
    with (home / "stderr").open("wb") as stderr:
        process = subprocess.Popen(nginx_command(home), stderr=stderr)
    try:
        http, https, inside = (f"127.0.0.1:{port}" for port in ports)
        nginx = Nginx(
            f"http://{http}", f"https://{https}", f"http://{inside}", home, ports, process
        )
        _wait(nginx)
        yield nginx
    finally:
        process.terminate()
        process.wait(PATIENCE)


def address_of(server: RegistryServer) -> str:
    """Return the host and port of a registry."""
    return server.url.partition("://")[2]


def _wait(nginx: Nginx) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and nginx.process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{nginx.inside}/alive", trust_env=False).status_code == 204:
                return
        time.sleep(0.02)
    raise AssertionError(f"nginx did not come up: {(nginx.home / 'stderr').read_text()}")
