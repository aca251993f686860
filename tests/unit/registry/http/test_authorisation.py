"""Every route, for everybody, in every state: who may, who may not, and with which answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.distributions import make_wheel
from tests.support.registry import HTTP, USERS, RegistryServer, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHEEL = "demo-1.0.0-py3-none-any.whl"
# What is read -> the status for who may.
READS = {
    "/simple/": 200,
    "/simple/demo/": 200,
    "/simple/Demo/": 301,
    "/simple/missing/": 404,
    f"/packages/demo/{WHEEL}": 200,
    f"/packages/demo/{WHEEL}.metadata": 200,
    "/packages/demo/missing-1.tar.gz": 404,
}
UPLOADS = ["/", "/legacy", "/legacy/", "/simple", "/simple/"]
OPEN = ["/", "/health", "/ready"]

# Who asks -> the credential sent.
PEOPLE: dict[str, tuple[str, str] | None] = {
    "nobody": None,
    "a stranger": ("eve", "secret"),
    "a wrong password": ("ada", "wrong"),
    "an empty password": ("ada", ""),
    "a plain-text entry": ("old", "plain"),
    "a user without a role": ("new", "reader-secret"),
    "a reader": ("rae", "reader-secret"),
    "a publisher": ("pub", "publisher-secret"),
    "an admin": ("ada", "admin-secret"),
}
WRONG = {"a stranger", "a wrong password", "an empty password", "a plain-text entry"}
READERS = {"a user without a role", "a reader"}
PUBLISHERS = {"a publisher", "an admin"}


@pytest.fixture(scope="module", params=["closed", "anonymous read"])
def state(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(state: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("registry")
    arguments = ["--anonymous-read"] if state == "anonymous read" else []
    with running_registry(folder / "data", arguments=arguments) as running:
        htpasswd = running.data / "auth" / "htpasswd"
        reader = next(line for line in htpasswd.read_text().splitlines() if line.startswith("rae:"))
        with htpasswd.open("a") as stream:
            stream.write(f"new:{reader.partition(':')[2]}\nold:plain\n")
        assert upload(running, make_wheel(folder)).status_code == 200
        yield running


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("path", READS)
def test_reading(server: RegistryServer, state: str, path: str, who: str) -> None:
    answer = HTTP.get(server.url + path, auth=credential(who))

    refused = who in WRONG or (who == "nobody" and state == "closed")
    assert answer.status_code == (401 if refused else READS[path])
    check_refusal(answer)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("path", UPLOADS)
def test_uploading(server: RegistryServer, state: str, path: str, who: str, tmp_path: Path) -> None:
    version = f"1.{list(PEOPLE).index(who)}.{UPLOADS.index(path)}"
    wheel = make_wheel(tmp_path, "fresh", version)
    form = {":action": "file_upload", "name": "fresh", "version": version}

    answer = HTTP.post(
        server.url + path,
        data=form,
        files={"content": (wheel.name, wheel.read_bytes())},
        auth=credential(who),
    )

    expected = 200 if who in PUBLISHERS else 403 if who in READERS else 401
    assert answer.status_code == expected
    stored = server.data / "packages" / "fresh" / wheel.name
    assert stored.exists() == (expected == 200)
    check_refusal(answer)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("header", [None, "false", "true"])
def test_overwriting(
    server: RegistryServer, state: str, header: str | None, who: str, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, files={"demo/more.py": f"{who} {header}"})
    stored = server.data / "packages" / "demo" / WHEEL
    before = stored.read_bytes()

    answer = HTTP.post(
        server.url + "/legacy/",
        data={":action": "file_upload", "name": "demo", "version": "1.0.0"},
        files={"content": (wheel.name, wheel.read_bytes())},
        headers={} if header is None else {"Aegis-Overwrite": header},
        auth=credential(who),
    )

    if who not in PUBLISHERS:
        expected = 403 if who in READERS else 401
    elif header != "true":
        expected = 400
        assert "File already exists" in answer.text
    else:
        expected = 200 if who == "an admin" else 403
    assert answer.status_code == expected
    assert stored.read_bytes() == (wheel.read_bytes() if expected == 200 else before)
    check_refusal(answer)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("path", OPEN)
def test_what_is_open_to_all(server: RegistryServer, state: str, path: str, who: str) -> None:
    answer = HTTP.get(server.url + path, auth=credential(who))

    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Bearer x", "Basic Og==", "Digest x"])
def test_what_is_no_credential_is_a_wrong_one(server: RegistryServer, header: str) -> None:
    answer = HTTP.get(f"{server.url}/simple/", headers={"Authorization": header})

    assert answer.status_code == 401


def credential(who: str) -> httpx.Auth:
    """Return what sends *who*'s credential; the plain `httpx.Auth` sends none."""
    sent = PEOPLE[who]
    return httpx.Auth() if sent is None else httpx.BasicAuth(*sent)


def check_refusal(answer: httpx.Response) -> None:
    """An error is one sentence; a 401 asks for a credential, and nothing else does."""
    asks = answer.headers.get("www-authenticate", "").startswith("Basic realm=")
    assert asks == (answer.status_code == 401)
    if answer.status_code >= 400:
        assert answer.text.endswith(".\n")
        assert answer.text.count("\n") == 1
        assert all(password not in answer.text for password, _ in USERS.values())
