"""The settings and the configuration for nginx on the server's pages: they work as written."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import tomlkit

from poetry_aegis.registry.signers import load_trust
from poetry_aegis.server.config import load_settings
from poetry_aegis.server.home import ServerHome
from tests.docs.pages import ROOT, Block, blocks
from tests.support import nginx
from tests.support.clients import run
from tests.support.distributions import make_wheel
from tests.support.needs import needs_program
from tests.support.registry import HTTP, JSON, PATIENCE, USERS, running_registry, upload
from tests.support.server import free_ports
from tests.unit.server.stack.running import make_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGISTRY = ROOT / "docs" / "registry.md"
PAGES = [ROOT / "docs" / f"{name}.md" for name in ("registry", "server", "stack")]
TOML = [block for page in PAGES for block in blocks(page) if block.language == "toml"]
TRUST = {"threshold"}
ACCESS = {"users"}  # tests/docs/stage_registry.py makes a user of it
STACK = {"web", "redis", "images", "engine"}
PUB, RAE = ("pub", USERS["pub"][0]), ("rae", USERS["rae"][0])


def keys(block: Block) -> set[str]:
    return set(tomlkit.parse(block.code))


def found(heading: str, language: str) -> str:
    """Return the one block of docs/registry.md of this *language* below *heading*."""
    (code,) = (b.code for b in blocks(REGISTRY) if (b.heading, b.language) == (heading, language))
    return code


@pytest.mark.parametrize(
    "block",
    [block for block in TOML if not keys(block) & (TRUST | ACCESS)],
    ids=lambda block: f"{block.page} {block.heading}",
)
def test_settings_on_a_page_are_settings_of_a_server(block: Block, tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    driver = 'driver = "compose"\n' if keys(block) & STACK else ""
    home.settings_file.write_text(f"{driver}{block.code}")

    settings = load_settings(home)

    assert all(getattr(settings, key) for key in keys(block))


@pytest.mark.parametrize(
    "block",
    [block for block in TOML if keys(block) & TRUST],
    ids=lambda block: f"{block.page} {block.heading}",
)
def test_keys_on_a_page_can_be_trusted(block: Block, tmp_path: Path) -> None:
    (tmp_path / "trust.toml").write_text(block.code)

    trust = load_trust(tmp_path / "trust.toml")

    assert (trust.threshold, set(trust.keys)) == (2, {"ada-2026", "bob"})


# Behind nginx, and before another index


@contextlib.contextmanager
def running_nginx(home: Path, data: Path, registry: str) -> Iterator[httpx.Client]:
    """Run nginx with the configuration of the page; return a client that verifies it."""
    (port,) = free_ports(1)
    make_certificate(home)
    here = {
        "/var/cache/nginx/aegis": f"{home}/cache",
        "/var/log/nginx/": f"{home}/",
        "/etc/nginx/packages.example.com": f"{home}/server",
        "/srv/aegis/data": str(data),
        "127.0.0.1:8080": registry.removeprefix("http://"),
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
    }
    configuration = found("Behind nginx", "nginx")
    for on_page, ours in here.items():
        assert on_page in configuration
        configuration = configuration.replace(on_page, ours)
    (home / "aegis.conf").write_text(configuration)
    (home / "nginx.conf").write_text(nginx.configuration(home, f"include {home}/aegis.conf;"))
    process = subprocess.Popen(["nginx", "-e", "stderr", "-c", str(home / "nginx.conf")])
    trusted = ssl.create_default_context(cafile=str(home / "server.crt"))
    url = f"https://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, verify=trusted, trust_env=False) as client:
            wait_for(client)
            yield client
    finally:
        process.terminate()
        process.wait(PATIENCE)


def wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/health").is_success:
                return
        time.sleep(0.05)
    raise AssertionError("nginx did not come up.")


def settings_behind_nginx(home: Path, other_index: str) -> str:
    """Return the settings of two blocks of the page; what is new over there is shown, too."""
    toml = found("Behind nginx", "toml").replace("/var/log/nginx/", f"{home}/")
    settings: dict[str, Any] = tomlkit.parse(toml).unwrap()
    settings |= tomlkit.parse(found("Another index behind this one", "toml")).unwrap()
    settings["upstream"] |= {"url": f"{other_index}/simple/", "minimum_age": 0}
    return tomlkit.dumps(settings)


def listed(client: httpx.Client, project: str) -> dict[str, str]:
    """Return the addresses of the files of *project* by their names."""
    answer = client.get(f"/simple/{project}/", headers={"Accept": JSON}, auth=RAE)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == JSON
    return {file["filename"]: str(answer.url.join(file["url"])) for file in answer.json()["files"]}


def test_nginx_as_on_the_page(tmp_path: Path) -> None:
    needs_program("nginx")
    ours, theirs = make_wheel(tmp_path, "demo"), make_wheel(tmp_path, "elsewhere")
    reserved = make_wheel(tmp_path, "acme-core")
    with contextlib.ExitStack() as running:
        anonymous = "anonymous_read = true\n"
        other = running.enter_context(running_registry(tmp_path / "other", settings=anonymous))
        for wheel in (theirs, reserved):
            assert upload(other, wheel).is_success
        settings = settings_behind_nginx(tmp_path, other.url)
        registry = running.enter_context(running_registry(tmp_path / "data", settings=settings))
        nginx = running.enter_context(running_nginx(tmp_path, registry.data, registry.url))

        sent = send(nginx, tmp_path, ours)
        assert sent.returncode == 0, sent.stdout
        for path in ("/simple/", "/simple/demo/", f"/packages/demo/{ours.name}"):
            assert nginx.get(path).status_code == 401
        assert ours.name in nginx.get("/simple/demo/", auth=RAE).text
        for project, wheel in (("demo", ours), ("elsewhere", theirs)):
            (address,) = (url for name, url in listed(nginx, project).items() if name == wheel.name)
            assert nginx.get(address, auth=RAE).content == wheel.read_bytes()
        assert nginx.get("/simple/acme-core/", auth=RAE).status_code == 404
        assert nginx.get("/simple/", auth=("rae", "wrong")).status_code == 401

        assert downloads(registry.url, "demo") == 1


def send(nginx: httpx.Client, home: Path, wheel: Path) -> subprocess.CompletedProcess[str]:
    url = str(nginx.base_url.join("/legacy/"))
    options = ("--repository-url", url, "--cert", home / "server.crt", "--non-interactive")
    login = {"TWINE_USERNAME": PUB[0], "TWINE_PASSWORD": PUB[1]}
    no_bundles = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}
    command = (sys.executable, "-m", "twine", "upload", *options, wheel)
    return run(*command, home=home, env=login | no_bundles)


def downloads(registry: str, project: str) -> int:
    """Return how often files of *project* were downloaded, once that was read out of the log."""
    deadline = time.monotonic() + PATIENCE
    counted = 0
    while not counted and time.monotonic() < deadline:
        time.sleep(0.1)
        counted = int(HTTP.get(f"{registry}/api/v1/downloads/{project}", auth=RAE).json()["total"])
    return counted
