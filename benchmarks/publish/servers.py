"""Where wheels are published to: this registry behind the nginx of its stack, over https."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from benchmarks.publish.link import linked
from benchmarks.publish.wheels import PROJECT
from benchmarks.registry.servers import PATIENCE, Command, Lab, Server, free_port, running
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.people.users import Users
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.issuing import bring_up_to_date
from poetry_aegis.server.stack.nginx import nginx_conf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.publish.delaying import Line
    from benchmarks.publish.link import Link

USER, TOKEN_USER = "bench", "__token__"
LARGEST = "2GiB"
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Site:
    """A registry that is up. *home* is where a client may keep what it likes.

    *url* is its address at the end of the *link*; *authority* is the file with the certificate that
    its own is verified with; *token* lets the user publish.
    """

    home: Path
    url: str
    authority: Path
    token: str
    index: Index
    link: Link


class Index(Server):
    """This registry with nothing in it. The one whose port is asked for is behind nginx.

    nginx has the configuration that ``poetry aegis server start`` gives it, with the paths and
    ports of this machine.
    """

    name = "poetry-aegis behind nginx, https"
    http2 = True

    def prepare(self) -> None:
        """Add the user and the token, and make the certificates."""
        users = Users(self.home / "data" / "auth")
        users.add(USER, "not used: the token is", "publisher")
        _, self.token = users.create_token(USER)
        for folder in ("tls", "logs", "tmp"):
            (self.home / folder).mkdir(mode=0o700)
        bring_up_to_date(self.home / "tls", (_HOST,), datetime.now(timezone.utc))
        self.https = free_port()

    def commands(self, port: int) -> list[Command]:
        """Return the registry, and nginx before it."""
        nginx = shutil.which("nginx")
        if nginx is None:
            sys.exit("nginx is not on PATH; the benchmark publishes through it.")
        data = str(self.home / "data")
        module = [sys.executable, "-m", "poetry_aegis.registry", "serve", "--data", data]
        options = ["--host", _HOST, "--port", str(port), "--max-upload-size", LARGEST]
        configuration = self.home / "nginx.conf"
        configuration.write_text(self._configuration(port))
        return [
            Command([*module, *options]),
            Command([nginx, "-e", "stderr", "-c", str(configuration)]),
        ]

    def hashes(self) -> dict[str, str]:
        """Return what the index page shows: file names and their SHA-256."""
        page = DataDirectory(self.home / "data").simple / PROJECT / "index.json"
        if not page.exists():
            return {}
        files = json.loads(page.read_text())["files"]
        return {file["filename"]: file["hashes"]["sha256"] for file in files}

    def requests(self) -> list[str]:
        """Return the requests that nginx has answered: each the method, path and status."""
        lines = (self.home / "logs" / "access.log").read_text().splitlines()
        entries = [json.loads(line) for line in lines]
        return [f"{entry['method']} {entry['uri']} {entry['status']}" for entry in entries]

    def _configuration(self, port: int) -> str:
        text = nginx_conf(ServerSettings(driver="compose", max_upload_size=LARGEST))
        for theirs, ours in {
            " ssl http2 ": " ssl http2 " if self.http2 else " ssl ",
            "listen 80 ": f"listen {_HOST}:{free_port()} ",
            "listen 443 ": f"listen {_HOST}:{self.https} ",
            "listen 8081;": f"listen {_HOST}:{free_port()};",
            "pypi-server:8080": f"{_HOST}:{port}",
            "root /data;": f"root {self.home / 'data'};",
            " /tmp/": f" {self.home / 'tmp'}/",
            "/etc/nginx/tls/": f"{self.home / 'tls'}/",
            "/var/log/nginx/": f"{self.home / 'logs'}/",
        }.items():
            text = text.replace(theirs, ours)
        return f"user root;\n{text}" if os.geteuid() == 0 else text


@contextlib.contextmanager
def fresh_site(root: Path, line: Line, *, http2: bool = True) -> Iterator[Site]:
    """Run a new registry in *root*, at the end of a link that is like *line*.

    Its address is that of the link. What has come through is known when the block has ended. The
    stack's nginx offers HTTP/2 as well, unless that is not wanted.
    """
    home = root / "client"
    home.mkdir(parents=True)
    index = Index(Lab(root, root, DataDirectory.open(root / "corpus")))
    index.http2 = http2
    index.prepare()
    with running(index):
        _wait_for(index.https)
        with linked(index.https, line) as link:
            url = f"https://{_HOST}:{link.port}"
            yield Site(home, url, index.home / "tls" / "ca.crt", index.token, index, link)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection((_HOST, port)):
            return
        time.sleep(0.01)
    sys.exit("nginx does not come up")
