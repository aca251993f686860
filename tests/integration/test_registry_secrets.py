"""No secret is where it does not belong, after a session in which a lot happened."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.people.users import Users
from tests.support.distributions import make_wheel
from tests.support.needs import missing
from tests.support.registry import (
    CHEAP_ROUNDS,
    HTTP,
    UNLIMITED_LOGINS,
    USERS,
    RegistryServer,
    basic,
    running_registry,
    upload,
)
from tests.support.upstream import Reply, running_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

# Passwords of this run alone: other tests, side by side, have theirs in command lines.
PEOPLE = {
    name: (f"{password}-{secrets.token_hex(8)}", role) for name, (password, role) in USERS.items()
}
WRONG = {"ada": "a-wrong-guess", "eve": "a-strangers-guess"}
UPSTREAM = ("mirror", "upstream-secret")
PATHS = (
    *("/", "/simple/", "/simple/demo/", "/simple/outside/", "/simple/broken/", "/simple/missing/"),
    *(
        "/packages/demo/demo-1.0.0-py3-none-any.whl",
        "/upstream/outside/outside-1.0-py3-none-any.whl",
    ),
    *("/project/demo/", "/audit", "/?q=demo", "/pypi/demo/json", "/health", "/ready"),
    *("/api/v1/whoami", "/api/v1/audit", "/api/v1/projects/demo", "/api/v1/downloads/demo"),
)


@dataclass(frozen=True)
class Session:
    """What happened: the registry, still running, all its answers, and the secrets used."""

    server: RegistryServer
    answers: list[httpx.Response]
    secrets: dict[str, str]

    def found_in(self, content: bytes) -> list[str]:
        """Return what of the secrets is in *content*."""
        return [what for what, secret in self.secrets.items() if secret.encode() in content]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("secrets")
    users = Users(folder / "data" / "auth", rounds=CHEAP_ROUNDS)
    for name, (password, role) in PEOPLE.items():
        users.add(name, password, role)
    token, text = users.create_token("ada", comment="of a session")
    revoked, dead = users.create_token("ada")
    users.revoke_token(revoked.id)
    with running_index() as index:
        index.publish("outside", make_wheel(folder, "outside", "1.0"))
        index.replies["/simple/broken/"] = Reply(status=500)
        address = index.simple.replace("://", f"://{UPSTREAM[0]}:{UPSTREAM[1]}@")
        settings = f'{UNLIMITED_LOGINS}[upstream]\nurl = "{address}"\n'
        with running_registry(folder / "data", users=PEOPLE, settings=settings) as server:
            credentials = [
                *(basic(name, password) for name, (password, _) in PEOPLE.items()),
                *(basic(name, password) for name, password in WRONG.items()),
                *(basic("__token__", text), basic("__token__", dead), basic("ada", text)),
                *(f"Bearer {text}", f"Bearer {dead}", f"Digest {text}", f"Basic {text}"),
            ]
            answers = list(busy(server, folder, credentials, text))
            hashes = (folder / "data" / "auth" / "htpasswd").read_text().split()
            yield Session(
                server,
                answers,
                {
                    **{f"password of {name}": password for name, (password, _) in PEOPLE.items()},
                    **{f"guess at {name}": guess for name, guess in WRONG.items()},
                    **{f"header {number}": h.split()[-1] for number, h in enumerate(credentials)},
                    **{f"bcrypt hash of {h.split(':')[0]}": h.split(":")[1] for h in hashes},
                    "secret of a token": text.rpartition("_")[2],
                    "secret of a revoked token": dead.rpartition("_")[2],
                    "hash of a token": token.entry.hash,
                    "hash of a revoked token": revoked.entry.hash,
                    "password of upstream": UPSTREAM[1],
                    "credential of upstream": base64.b64encode(
                        ":".join(UPSTREAM).encode()
                    ).decode(),
                },
            )


def busy(
    server: RegistryServer, folder: Path, credentials: list[str], token: str
) -> Iterator[httpx.Response]:
    """Do all that can be done, rightly and wrongly."""
    wheel = make_wheel(folder)
    yield upload(server, wheel)
    yield upload(server, wheel, user="__token__", password=token)
    yield upload(server, wheel, password=WRONG["ada"])
    yield upload(server, make_wheel(folder, "cut"), fields={"sha256_digest": "0" * 64})
    for credential in credentials:
        headers = {"Authorization": credential, "Accept": "text/html, application/json"}
        for path in PATHS:
            yield HTTP.get(server.url + path, headers=headers)
        yield HTTP.put(f"{server.url}/api/v1/projects/demo/versions/1.0.0/yank", headers=headers)
        yield HTTP.get(f"{server.url}/api/v1/whoami?token={token}", headers=headers)
    incoming = server.data / ".work" / "incoming"
    incoming.rename(folder / "away")
    yield upload(server, wheel)  # which nobody foresaw
    (folder / "away").rename(incoming)


def test_much_has_happened(session: Session) -> None:
    statuses = {answer.status_code for answer in session.answers}

    assert {200, 400, 401, 403, 404, 500, 502} <= statuses
    assert "Traceback" in session.server.log()
    trail = HTTP.get(f"{session.server.url}/api/v1/audit", auth=("ada", PEOPLE["ada"][0])).json()
    assert {"upload", "yank", "login-failed"} <= {entry["action"] for entry in trail["entries"]}


def test_answers_tell_none(session: Session) -> None:
    for answer in session.answers:
        headers = b"\n".join(value for pair in answer.headers.raw for value in pair)
        assert session.found_in(headers + answer.content) == [], answer.url


def test_the_log_tells_none(session: Session) -> None:
    assert session.found_in(session.server.log_file.read_bytes()) == []


def test_the_data_directory_keeps_them_under_auth_alone(session: Session) -> None:
    data = session.server.data
    found = {
        str(path.relative_to(data)): session.found_in(path.read_bytes())
        for path in data.rglob("*")
        if path.is_file() and path.parent != data / "auth"
    }

    assert "state.db" in found
    assert {path: secrets for path, secrets in found.items() if secrets} == {}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_what_others_must_not_read_they_cannot(session: Session) -> None:
    data = session.server.data
    private = [*(data / "auth").iterdir(), *data.glob("state.db*")]

    assert {"htpasswd", "access.toml", "state.db"} <= {path.name for path in private}
    assert [path for path in private if path.stat().st_mode & 0o077] == []


def test_the_process_list_tells_none(session: Session) -> None:
    if sys.platform != "linux":
        missing("needs /proc")
    listed = {}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # It has ended, or is no process.
            listed[process.name] = (process / "cmdline").read_bytes()

    assert b"poetry_aegis.registry" in listed[str(session.server.process.pid)]
    assert [line for line in listed.values() if session.found_in(line)] == []


def test_a_token_in_place_of_a_user_name_is_one_and_not_kept(tmp_path: Path) -> None:
    """``https://TOKEN@host/`` is how people write it who have it from another index."""
    users = Users(tmp_path / "data" / "auth", rounds=CHEAP_ROUNDS)
    users.add("ada", "admin-secret", "admin")
    _, text = users.create_token("ada")
    with running_registry(tmp_path / "data", users={}) as server:
        known = HTTP.get(f"{server.url}/api/v1/whoami", auth=(text, ""))
        wrong = HTTP.get(f"{server.url}/simple/", auth=(f"{text}x", ""))
        server.terminate()
        kept = [
            path.name
            for path in server.data.rglob("*")
            if path.is_file() and text.encode() in path.read_bytes()
        ]

    assert known.json()["user"] == "ada"
    assert wrong.status_code == 401
    assert kept == []
    assert text not in server.log()
