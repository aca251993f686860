"""The gate of a running registry: rights by project, tokens, limits, and changes while it runs."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address
from typing import TYPE_CHECKING
from zlib import crc32

import httpx
import pytest

from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.people.uses import last_uses
from poetry_aegis.registry.state.audit import AuditTrail
from poetry_aegis.registry.state.database import Database
from tests.support.distributions import make_wheel
from tests.support.registry import CHEAP_ROUNDS, HTTP, USERS, RegistryServer, running_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROXY = "127.0.0.1"
LIMITS = """\
trusted_proxies = ["127.0.0.1"]

[logins]
per_address = 3
per_user = 5
window = 60
"""
PATIENCE = 10.0  # seconds until what happens beside a request has happened


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    data = tmp_path_factory.mktemp("registry") / "data"
    with running_registry(data, settings=LIMITS) as running:
        users = Users(data / "auth", rounds=CHEAP_ROUNDS)
        users.add("amy", "pw", "publisher", reads=["acme-*", "tools"], publishes=["acme-*"])
        for project in ("acme-core", "tools", "secret"):
            answer = post(running, project, "1.0", httpx.BasicAuth("ada", USERS["ada"][0]))
            assert answer.status_code == 200, answer.text
        yield running


@pytest.fixture
def users(server: RegistryServer) -> Users:
    return Users(server.data / "auth", rounds=CHEAP_ROUNDS)


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    """An address that no other test comes from, so that none limits another."""
    number = crc32(request.node.name.encode())
    return str(IPv4Address(int(IPv4Address("198.18.0.0")) + number % 2**17))


def post(
    server: RegistryServer, project: str, version: str, auth: httpx.Auth, address: str = ""
) -> httpx.Response:
    wheel = make_wheel(server.data.parent, project.replace("-", "_"), version)
    return HTTP.post(
        f"{server.url}/legacy/",
        data={":action": "file_upload", "name": project, "version": version},
        files={"content": (wheel.name, wheel.read_bytes())},
        headers={"x-forwarded-for": address} if address else {},
        auth=auth,
    )


def get(
    server: RegistryServer, path: str, user: str, password: str, address: str
) -> httpx.Response:
    return HTTP.get(server.url + path, auth=(user, password), headers={"x-forwarded-for": address})


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# Projects


@pytest.mark.parametrize("path", ["/simple/secret/", "/simple/nothing/"])
def test_what_a_user_may_not_know_of_is_not_there(
    server: RegistryServer, path: str, address: str
) -> None:
    answer = get(server, path, "amy", "pw", address)

    assert answer.status_code == 404
    assert answer.text == f"There is no project {path.split('/')[2]} in this index.\n"


def test_the_files_of_a_hidden_project_are_not_there(server: RegistryServer, address: str) -> None:
    hidden = "/packages/secret/secret-1.0-py3-none-any.whl"
    missing = "/packages/secret/secret-2.0-py3-none-any.whl"

    answers = [get(server, path, "amy", "pw", address) for path in (hidden, missing)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text == answers[1].text
    assert get(server, hidden, "ada", USERS["ada"][0], address).status_code == 200


def test_uploads_are_limited_to_patterns(server: RegistryServer, address: str) -> None:
    amy = httpx.BasicAuth("amy", "pw")

    assert post(server, "acme-core", "2.0", amy, address).status_code == 200
    assert post(server, "acme-new", "1.0", amy, address).status_code == 200
    refused = post(server, "tools", "2.0", amy, address)
    assert refused.status_code == 403
    assert "for the project tools" in refused.text
    assert not (server.data / "packages/tools/tools-2.0-py3-none-any.whl").exists()
    assert post(server, "secret", "2.0", amy, address).status_code == 404
    assert post(server, "other", "2.0", amy, address).status_code == 404


# Tokens


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_token_made_while_running_counts_at_once(
    server: RegistryServer, users: Users, address: str, scheme: str
) -> None:
    token, text = users.create_token("pub", projects=["acme-*"], actions=["read"])

    def read(project: str) -> int:
        auth = ("__token__", text) if scheme == "basic" else None
        headers = {"x-forwarded-for": address}
        if scheme == "bearer":
            headers["authorization"] = f"Bearer {text}"
        url = f"{server.url}/simple/{project}/"
        return HTTP.get(url, auth=auth, headers=headers).status_code

    assert read("acme-core") == 200
    assert read("tools") == 404
    refused = post(server, "acme-core", "3.0", httpx.BasicAuth("__token__", text), address)
    assert refused.status_code == 403
    assert "The token of user 'pub' has no right to upload" in refused.text
    users.revoke_token(token.id)
    wait_for(lambda: read("acme-core") == 401)


def test_a_token_expires_although_it_was_just_used(
    server: RegistryServer, users: Users, address: str
) -> None:
    expires = datetime.now(timezone.utc) + timedelta(seconds=4)
    _, text = users.create_token("rae", expires=expires)

    assert get(server, "/simple/tools/", "__token__", text, address).status_code == 200
    while datetime.now(timezone.utc) < expires:
        get(server, "/simple/tools/", "__token__", text, address)
        time.sleep(0.1)

    answer = get(server, "/simple/tools/", "__token__", text, address)
    assert answer.status_code == 401
    assert "wrong, expired or revoked" in answer.text


def test_the_last_use_of_a_token_reaches_the_database(
    server: RegistryServer, users: Users, address: str
) -> None:
    token, text = users.create_token("rae")
    assert get(server, "/simple/tools/", "__token__", text, address).status_code == 200

    database = Database.open(server.data / "state.db")
    wait_for(lambda: token.id in last_uses(database))
    database.close()
    assert text not in server.log()


# Changes while running


def test_users_of_the_htpasswd_tool_count_while_running(
    server: RegistryServer, address: str
) -> None:
    import bcrypt

    assert get(server, "/simple/tools/", "zed", "first", address).status_code == 401
    line = b"zed:" + bcrypt.hashpw(b"first", bcrypt.gensalt(4)).replace(b"$2b$", b"$2y$")
    htpasswd = server.data / "auth" / "htpasswd"
    before = htpasswd.read_bytes()
    htpasswd.write_bytes(before + line + b"\n")  # in place, as that tool writes

    assert get(server, "/simple/tools/", "zed", "first", address).status_code == 200
    htpasswd.write_bytes(before)
    wait_for(lambda: get(server, "/simple/tools/", "zed", "first", address).status_code == 401)


# Limits


def test_an_address_that_fails_too_often_has_to_wait(server: RegistryServer, address: str) -> None:
    statuses = [
        get(server, "/simple/", f"name{number}", "wrong", address).status_code
        for number in range(4)
    ]
    assert statuses == [401, 401, 401, 429]

    limited = get(server, "/simple/", "rae", USERS["rae"][0] + "?", address)
    assert limited.status_code == 429
    assert 0 < int(limited.headers["retry-after"]) <= 60
    assert "Too many logins failed" in limited.text
    elsewhere = get(server, "/simple/", "name9", "wrong", "198.51.100.200")
    assert elsewhere.status_code == 401


def test_a_credential_that_was_right_is_let_in_all_the_same(
    server: RegistryServer, users: Users, address: str
) -> None:
    users.add("carol", "known", "reader")
    users.add("dave", "unknown", "reader")
    _, token = users.create_token("dave")
    assert get(server, "/simple/", "carol", "known", address).status_code == 200
    for number in range(3):
        get(server, "/simple/", f"stranger{number}", "wrong", address)

    assert get(server, "/simple/", "dave", "unknown", address).status_code == 429
    assert get(server, "/simple/", "carol", "known", address).status_code == 200
    assert get(server, "/simple/", "__token__", token, address).status_code == 200
    assert get(server, "/simple/", "__token__", token + "x", address).status_code == 429
    users.add("erin", "new", "reader")  # All decisions are forgotten, but not who was right.
    assert get(server, "/simple/", "carol", "known", address).status_code == 200


def test_a_user_is_limited_from_whatever_addresses(server: RegistryServer, users: Users) -> None:
    users.add("frank", "right", "reader")
    statuses = [
        get(server, "/simple/", "frank", f"wrong{number}", f"203.0.113.{number}").status_code
        for number in range(6)
    ]

    assert statuses == [401] * 5 + [429]
    assert get(server, "/simple/", "rae", USERS["rae"][0], "203.0.113.99").status_code == 200


def test_failures_are_in_the_audit_trail_with_name_and_address(
    server: RegistryServer, address: str
) -> None:
    assert get(server, "/simple/", "mallory", "hunter2", address).status_code == 401

    database = Database.open(server.data / "state.db")
    trail = AuditTrail(database)
    wait_for(lambda: trail.entries(user="mallory"))
    (entry,) = trail.entries(user="mallory", action="login-failed")
    database.close()
    assert entry.address == address
    assert all(b"hunter2" not in file.read_bytes() for file in server.data.glob("state.db*"))


def test_a_token_in_the_place_of_a_name_is_not_in_the_trail(
    server: RegistryServer, users: Users, address: str
) -> None:
    _, token = users.create_token("rae")
    assert get(server, "/simple/", token, "x-oauth-basic", address).status_code == 401
    assert get(server, "/simple/", "aegis_ci_bot", "wrong", address).status_code == 401

    database = Database.open(server.data / "state.db")
    trail = AuditTrail(database)
    wait_for(lambda: trail.entries(user="aegis_ci_bot"))
    database.close()
    assert all(token.encode() not in file.read_bytes() for file in server.data.glob("state.db*"))


def test_an_address_is_believed_from_trusted_proxies_only(tmp_path: Path) -> None:
    settings = LIMITS.replace(PROXY, "192.0.2.1")
    with running_registry(tmp_path / "data", settings=settings) as server:
        statuses = [
            get(server, "/simple/", f"name{number}", "wrong", f"198.51.100.{number}").status_code
            for number in range(4)
        ]
    assert statuses == [401, 401, 401, 429]


def test_the_gate_needs_no_web_server_to_know_people() -> None:
    program = (
        "import sys; import poetry_aegis.registry.people.decisions; "
        "import poetry_aegis.registry.people.attempts; "
        "print([m for m in ('starlette', 'uvicorn', 'tomlkit') if m in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert result.stdout.strip() == b"[]"
