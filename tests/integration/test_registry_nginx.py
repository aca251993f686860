"""A real nginx before the registry: what it serves by itself is counted from its log, once."""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import TYPE_CHECKING

import httpx

from poetry_aegis.registry.state import follow
from tests.support import nginx
from tests.support.distributions import make_wheel
from tests.support.needs import needs_program
from tests.support.registry import HTTP, PATIENCE, USERS, running_registry, upload
from tests.support.server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RAE = ("rae", USERS["rae"][0])
SERVER = """\
{log_format}
    server {{
        listen 127.0.0.1:{port};
        root {data};
        location /packages/ {{ auth_request /_authorized; try_files $uri @registry; }}
        location /packages/proxied/ {{ proxy_pass {registry}; }}
        location = /_authorized {{
            internal;
            proxy_pass {registry}/_authorize;
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Original-URI $request_uri;
        }}
        location @registry {{ proxy_pass {registry}; }}
        location / {{ proxy_pass {registry}; }}
    }}
"""


@contextlib.contextmanager
def running_nginx(home: Path, port: int, data: Path, registry: str) -> Iterator[str]:
    """Run nginx with the log format that the documentation of the follower gives."""
    documented = str(follow.__doc__).partition("::\n\n")[2].partition("\n\n")[0]
    server = SERVER.format(
        port=port,
        data=data,
        registry=registry,
        log_format=documented.replace("/var/log/nginx/aegis.log", f"{home}/aegis.log"),
    )
    written = home / "nginx.conf"
    written.write_text(nginx.configuration(home, server))
    command = ["nginx", "-p", str(home), "-c", str(written), "-e", str(home / "error.log")]
    process = subprocess.Popen(command)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + PATIENCE
        while not _answers(url) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(url: str) -> bool:
    try:
        return HTTP.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


def test_each_download_is_counted_once_whoever_served_it(tmp_path: Path) -> None:
    needs_program("nginx")
    log = tmp_path / "aegis.log"
    settings = f'followed_log = "{log}"\n'
    with running_registry(tmp_path / "data", settings=settings) as server:
        for project in ("demo", "proxied"):
            assert upload(server, make_wheel(tmp_path, project)).is_success
        port = free_port()
        with running_nginx(tmp_path, port, server.data, server.url) as url:
            for project in ("demo", "proxied"):
                path = f"/packages/{project}/{project}-1.0.0-py3-none-any.whl"
                for _ in range(3):
                    assert HTTP.get(url + path, auth=RAE).status_code == 200
                assert HTTP.head(url + path, auth=RAE).status_code == 200
                assert HTTP.get(url + path).status_code == 401
                assert HTTP.get(f"{url}{path}.metadata", auth=RAE).status_code == 200

        def counted(project: str) -> int:
            answer = HTTP.get(f"{server.url}/api/v1/downloads/{project}", auth=RAE)
            return int(answer.json()["total"])

        deadline = time.monotonic() + PATIENCE
        while counted("demo") < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1.5)  # What would be counted twice is written a second later at the most.
        assert (counted("demo"), counted("proxied")) == (3, 3)
