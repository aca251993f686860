"""The application ends with the block that it was made for."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.http.assembly import assembled
from poetry_aegis.registry.log import AccessLog
from poetry_aegis.registry.options import ServeOptions
from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.state.state import State
from poetry_aegis.registry.store.store import open_store
from tests.support.registry import CHEAP_ROUNDS, basic

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.http.app import Application

POOLS = ("audit", "token-uses", "bcrypt", "tokens", "web", "upload")


def status(application: Application, method: str, path: str, authorization: str) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if method == "GET":
            await asyncio.sleep(60)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", authorization.encode()), (b"accept", b"text/html")]
    scope = {
        "type": "http", "method": method, "path": path, "query_string": b"", "scheme": "http",
        "headers": headers, "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(application(scope, receive, send))
    return int(sent[0]["status"])


def running(pools: tuple[str, ...]) -> set[str]:
    return {pool for pool in pools for thread in threading.enumerate() if pool in thread.name}


def test_no_thread_outlives_it(tmp_path: Path) -> None:
    data = DataDirectory.open(tmp_path / "data")
    users, state = Users(data.auth, rounds=CHEAP_ROUNDS), State.open(data)
    users.add("ada", "secret", "admin")
    _, token = users.create_token("ada")
    before = set(threading.enumerate())
    options, store, log = ServeOptions(data.root), open_store(data), AccessLog(io.StringIO())
    with assembled(options, store, users, state, log) as application:
        assert status(application, "GET", "/", basic("ada", "wrong")) == 401
        assert status(application, "GET", "/", basic("__token__", token)) == 200
        assert status(application, "POST", "/legacy/", basic("ada", "secret")) == 415
        assert running(POOLS) == set(POOLS)

    began = set(threading.enumerate()) - before
    assert [thread.name for thread in began if thread.name.startswith(POOLS)] == []
    store.close()
    state.database.close()
