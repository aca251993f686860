"""What nginx lets in, and what it keeps to itself."""

from __future__ import annotations

import hashlib
import socket
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.distributions import make_wheel
from tests.support.registry import USERS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stack.stack import Stack


def upload(
    stack: Stack, file: Path, user: str, password: str | None = None, *, path: str = "/legacy/"
) -> httpx.Response:
    name, version, *_ = file.name.split("-")
    form = {
        ":action": "file_upload",
        "protocol_version": "1",
        "name": name,
        "version": version,
        "sha256_digest": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    with stack.client(None) as client:
        return client.post(
            path,
            data=form,
            files={"content": (file.name, file.read_bytes())},
            auth=(user, USERS[user][0] if password is None else password),
        )


def test_a_publisher_may_upload_and_a_reader_may_not(stack: Stack, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "gated")

    assert upload(stack, wheel, "rae").status_code == 403
    assert upload(stack, wheel, "pub", "wrong").status_code == 401
    assert upload(stack, wheel, "pub").status_code == 200
    with stack.client() as client:
        assert wheel.name in client.get("/simple/gated/").text


def test_who_is_nobody_gets_nothing(stack: Stack, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "closed")
    assert upload(stack, wheel, "pub").status_code == 200
    of_files = ("/simple/", "/simple/closed/", f"/packages/closed/{wheel.name}")
    paths = (*of_files, "/api/v1/downloads/closed")
    with stack.client() as client:
        assert [client.get(path).status_code for path in paths] == [200] * len(paths)
    with stack.client(None) as stranger:
        for path in paths:
            assert stranger.get(path).status_code == 401, path
            assert stranger.get(path, auth=("rae", "wrong")).status_code == 401, path
            assert "www-authenticate" in stranger.get(path).headers, path


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/_authorize", "/_authorized", "/stub_status", "/nginx_status", "/ready"),
        *("/metrics/", "//metrics", "/%6detrics", "/./metrics", "/simple/../metrics"),
    ],
)
def test_what_is_not_for_the_outside_is_not_there(stack: Stack, path: str) -> None:
    context = stack.tls
    # A client would make the path look nice before it sends it.
    with (
        socket.create_connection(("127.0.0.1", stack.ports["https"]), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    status = int(answer.split(maxsplit=2)[1])
    assert status in {301, 308, 401, 404}, answer
    assert b"aegis_" not in answer
    assert b"Active connections" not in answer


def test_the_registry_itself_cannot_be_reached(stack: Stack) -> None:
    for service in ("pypi-server", "redis", "nginx-exporter", "redis-exporter", "node-exporter"):
        ports = stack.compose("ps", "--format", "{{.Ports}}", service)
        assert "->" not in ports, service


def test_http_leads_to_https(stack: Stack) -> None:
    plain = f"http://127.0.0.1:{stack.ports['http']}"

    answer = httpx.get(f"{plain}/simple/?a=b", trust_env=False)
    posted = httpx.post(f"{plain}/legacy/", trust_env=False)

    assert answer.status_code in {301, 308}
    assert answer.headers["location"].startswith("https://")
    assert answer.headers["location"].endswith("/simple/?a=b")
    assert f":{stack.ports['https']}/" in answer.headers["location"]
    assert posted.status_code in {301, 308}
    assert httpx.get(f"{plain}/health", trust_env=False).status_code == 200


def test_tls_is_new_and_verified(stack: Stack) -> None:
    with stack.client(None) as client:
        answer = client.get("/health")
    assert answer.status_code == 200
    assert "max-age=" in answer.headers["strict-transport-security"]
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{stack.url}/health", trust_env=False)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(stack.ca_file)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", stack.ports["https"]), 10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        old.wrap_socket(plain, server_hostname="127.0.0.1")


def test_http_2_is_spoken(stack: Stack) -> None:
    context = ssl.create_default_context(cafile=str(stack.ca_file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", stack.ports["https"]), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"


def test_what_a_client_says_of_its_address_is_not_believed(stack: Stack) -> None:
    with stack.client(None) as client:
        lie = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "http"}
        assert client.get("/simple/", auth=("mallory", "x"), headers=lie).status_code == 401
    trail = stack.ok("audit")
    assert "mallory" in trail
    assert "203.0.113.9" not in trail
