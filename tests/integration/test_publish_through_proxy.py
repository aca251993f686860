"""Publishing over https through a proxy: the tunnel, who may use it, and its password in no output.

The index is at a name that only the proxy can find, so that what arrives has come through it.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.support.distributions import make_built_project
from tests.support.faulty import FaultyIndex, Reply, faulty_index
from tests.support.needs import needs_program
from tests.support.registry import basic
from tests.support.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

Run = subprocess.CompletedProcess[str]
HOST = "corp.invalid"
USER, PASSWORD = "proxy-user", "s3cret/of:the@proxy"
WRONG = "an0ther/of:the@proxy"
INDEX_PASSWORD = "correct-horse-battery"
PATIENCE = 30.0
TRIES = 5


@dataclass
class Proxy:
    """A proxy for tunnels, all of which end at *behind*, whatever name is asked for."""

    url: str
    behind: int
    password: str | None = None
    """Whoever wants a tunnel must give it, if there is one."""
    quotes: bool = False
    """Whether a refusal quotes what was given, which must not be shown either."""
    drop_after: int | None = None
    """The first tunnel ends after so many bytes."""
    tunnels: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    heard: bytearray = field(default_factory=bytearray)
    """All that went through the tunnels, there and back."""

    def known_to(self, password: str, user: str = USER) -> str:
        """Return the address with *password* in it."""
        userinfo = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return self.url.replace("://", f"://{userinfo}@")


class Handler(BaseHTTPRequestHandler):
    """Opens tunnels (RFC 9110, section 9.3.6)."""

    server: Server

    def do_CONNECT(self) -> None:
        proxy = self.server.proxy
        given = self.headers.get("Proxy-Authorization")
        if proxy.password is not None and given != basic(USER, proxy.password):
            proxy.refused.append(str(given))
            self.send_response(407, f"Not by {given}" if proxy.quotes else None)
            self.send_header("Proxy-Authenticate", 'Basic realm="corp"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        proxy.tunnels.append(self.path)
        with socket.create_connection(("127.0.0.1", proxy.behind), PATIENCE) as there:
            self.send_response(200, "Connection established")
            self.end_headers()
            self._hand_on(there)
        self.close_connection = True

    def _hand_on(self, there: socket.socket) -> None:
        proxy = self.server.proxy
        ends = {self.connection: there, there: self.connection}
        while readable := select.select(list(ends), [], [], PATIENCE)[0]:
            for end in readable:
                with contextlib.suppress(ConnectionError):
                    if piece := end.recv(65536):
                        proxy.heard += piece
                        ends[end].sendall(piece)
                        if proxy.drop_after is None or len(proxy.heard) < proxy.drop_after:
                            continue
                proxy.drop_after = None
                return

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


class Server(ThreadingHTTPServer):
    proxy: Proxy


@contextlib.contextmanager
def running_proxy(behind: int) -> Iterator[Proxy]:
    """Run a proxy until the block ends."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.proxy = Proxy(f"http://127.0.0.1:{server.server_port}", behind)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.proxy
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate of `HOST` and of this machine, with its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem"
    subject = f"-days 2 -subj /CN=corp -addext subjectAltName=IP:127.0.0.1,DNS:{HOST}"
    openssl = needs_program("openssl")
    subprocess.run(
        [openssl, "req", "-x509", *key.split(), *subject.split(), "-out", "cert.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


@pytest.fixture
def index(certificate: Path) -> Iterator[FaultyIndex]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with faulty_index(context) as running:
        yield running


@pytest.fixture
def proxy(index: FaultyIndex) -> Iterator[Proxy]:
    with running_proxy(int(index.url.rpartition(":")[2])) as running:
        yield running


@pytest.fixture
def corp(poetry: PoetryHome, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> PoetryHome:
    """Return a Poetry that knows the index by a name that means nothing here."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    poetry.extra_env.update(
        POETRY_REPOSITORIES_CORP_URL=f"https://{HOST}/legacy/",
        POETRY_CERTIFICATES_CORP_CERT=str(certificate),
        POETRY_HTTP_BASIC_CORP_USERNAME="ada",
        POETRY_HTTP_BASIC_CORP_PASSWORD=INDEX_PASSWORD,
    )
    return poetry


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the distributions of its version in dist/."""
    return make_built_project(tmp_path / "project")


def publish(poetry: PoetryHome, project: Path, *arguments: str) -> Run:
    """Publish, telling all there is to tell."""
    run = poetry.run("aegis", "publish", "--skip-build", *arguments, "-vvv", cwd=project)
    for password in (PASSWORD, WRONG):
        pair = basic(USER, password).partition(" ")[2]
        for secret in (password, quote(password, safe=""), quote(password), pair):
            assert secret not in run.stdout + run.stderr
    assert INDEX_PASSWORD not in run.stdout + run.stderr
    return run


def assert_arrived(run: Run, index: FaultyIndex, project: Path) -> None:
    assert run.returncode == 0, run.stdout + run.stderr
    assert index.files == {path.name: path.read_bytes() for path in (project / "dist").iterdir()}
    assert len(index.posts) == 2


def assert_sealed(proxy: Proxy) -> None:
    """The proxy heard much, and nothing of what was said."""
    assert len(proxy.heard) > 2000
    for secret in (INDEX_PASSWORD, basic("ada", INDEX_PASSWORD).partition(" ")[2], "demo"):
        assert secret.encode() not in proxy.heard


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_without_a_password_is_gone_through(
    corp: PoetryHome, project: Path, index: FaultyIndex, proxy: Proxy, variable: str
) -> None:
    corp.extra_env[variable] = proxy.url
    assert_arrived(publish(corp, project), index, project)
    assert set(proxy.tunnels) == {f"{HOST}:443"}
    assert_sealed(proxy)


def test_a_proxy_with_a_password_is_given_it_and_the_index_is_not(
    corp: PoetryHome, project: Path, index: FaultyIndex, proxy: Proxy
) -> None:
    proxy.password = PASSWORD
    corp.extra_env["HTTPS_PROXY"] = proxy.known_to(PASSWORD)
    assert_arrived(publish(corp, project), index, project)
    assert proxy.refused == []
    assert_sealed(proxy)
    received = [post.headers for post in index.posts] + [headers for _, headers in index.gets]
    assert {headers["Authorization"] for headers in received} == {basic("ada", INDEX_PASSWORD)}
    assert not any("proxy-authorization" in map(str.lower, headers) for headers in received)


@pytest.mark.parametrize("given", [None, WRONG], ids=["none", "a wrong one"])
def test_a_proxy_that_refuses_is_told_of(
    corp: PoetryHome, project: Path, index: FaultyIndex, proxy: Proxy, given: str | None
) -> None:
    proxy.password = PASSWORD
    corp.extra_env["HTTPS_PROXY"] = proxy.known_to(given) if given else proxy.url
    run = publish(corp, project, "--json")
    assert run.returncode == 43, run.stdout + run.stderr
    assert "407" in run.stderr
    assert json.loads("{" + run.stdout.partition("{")[2])["error"] == "Unreachable"
    assert set(proxy.refused) == {basic(USER, given) if given else "None"}
    assert proxy.tunnels == []
    assert index.connections == 0


def test_a_proxy_that_quotes_the_password_is_not_quoted(
    corp: PoetryHome, project: Path, proxy: Proxy
) -> None:
    proxy.password, proxy.quotes = PASSWORD, True
    corp.extra_env["HTTPS_PROXY"] = proxy.known_to(WRONG)
    assert publish(corp, project).returncode == 43


def test_a_proxy_that_is_down_is_told_of(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    (port,) = free_ports(1)
    userinfo = f"{USER}:{quote(PASSWORD, safe='')}"
    corp.extra_env["HTTPS_PROXY"] = f"http://{userinfo}@127.0.0.1:{port}"
    run = publish(corp, project)
    assert run.returncode == 43, run.stdout + run.stderr
    assert "corp gave no answer" in run.stderr
    assert index.connections == 0


def test_a_proxy_is_not_for_hosts_that_are_excepted(
    corp: PoetryHome, project: Path, index: FaultyIndex, proxy: Proxy
) -> None:
    corp.extra_env["POETRY_REPOSITORIES_CORP_URL"] = f"{index.url}/legacy/"
    corp.extra_env.update(HTTPS_PROXY=proxy.url, NO_PROXY="localhost,127.0.0.1")
    assert_arrived(publish(corp, project), index, project)
    assert proxy.tunnels == []

    corp.extra_env["NO_PROXY"] = "elsewhere.example"
    run = publish(corp, project)
    assert "2 skipped" in run.stdout
    assert proxy.tunnels


@pytest.mark.parametrize("excepted", [HOST, "invalid", ".invalid", "*"])
def test_a_domain_may_be_excepted(
    corp: PoetryHome, project: Path, proxy: Proxy, excepted: str
) -> None:
    """Nobody else finds the name, so that it is not found shows that the proxy was not asked."""
    corp.extra_env.update(HTTPS_PROXY=proxy.known_to(PASSWORD), NO_PROXY=excepted)
    run = publish(corp, project)
    assert run.returncode == 43, run.stdout + run.stderr
    assert proxy.tunnels == []


def test_a_tunnel_that_breaks_is_dug_again(
    corp: PoetryHome, project: Path, index: FaultyIndex, proxy: Proxy
) -> None:
    corp.extra_env["HTTPS_PROXY"] = proxy.url
    proxy.drop_after = 4000
    run = publish(corp, project, "--jobs", "1")
    assert_arrived(run, index, project)
    assert len(proxy.tunnels) > 1


def test_what_the_index_refuses_is_not_taken_for_the_proxy(
    corp: PoetryHome, project: Path, index: FaultyIndex, proxy: Proxy
) -> None:
    proxy.password = PASSWORD
    corp.extra_env["HTTPS_PROXY"] = proxy.known_to(PASSWORD)
    index.script(Reply(403, "not you", headers={"Content-Type": "text/plain"}))
    run = publish(corp, project, "--jobs", "1")
    assert run.returncode == 45, run.stdout + run.stderr
    assert "not you" in run.stderr


def test_a_certificate_is_verified_behind_a_proxy_too(
    corp: PoetryHome, project: Path, index: FaultyIndex, proxy: Proxy
) -> None:
    corp.extra_env["HTTPS_PROXY"] = proxy.url
    del corp.extra_env["POETRY_CERTIFICATES_CORP_CERT"]
    run = publish(corp, project)
    assert run.returncode == 43, run.stdout + run.stderr
    assert "The certificate of corp is not trusted" in run.stderr
    assert index.gets == []


def test_a_promotion_goes_through_a_proxy_on_both_sides(
    corp: PoetryHome, project: Path, index: FaultyIndex, proxy: Proxy
) -> None:
    proxy.password = PASSWORD
    with faulty_index() as production:
        corp.extra_env.update(
            HTTPS_PROXY=proxy.known_to(PASSWORD),
            NO_PROXY="127.0.0.1",
            POETRY_REPOSITORIES_PRODUCTION_URL=f"{production.url}/legacy/",
        )
        for file in (project / "dist").iterdir():
            index.has(file.name, file.read_bytes())
        where = ("--from", "corp", "--to", "production", "-vvv")
        run = corp.run("aegis", "promote", "demo==1.0.0", *where, cwd=project.parent)
        assert run.returncode == 0, run.stdout + run.stderr
        assert PASSWORD not in run.stdout + run.stderr
        assert production.files == index.files
    assert set(proxy.tunnels) == {f"{HOST}:443"}
    assert_sealed(proxy)
