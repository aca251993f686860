"""Several clients at once that upload, overwrite, yank and delete, and keep book of it.

What was acknowledged must be so whatever happens to the registry; what was cut off may have
happened or not, but nothing in between.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import httpx

from tests.support.distributions import make_wheel
from tests.support.registry import HTTP, read, upload
from tests.support.store import assert_page_tells_the_truth, page, projects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from poetry_aegis.registry.data import DataDirectory
    from tests.support.registry import RegistryServer

PROJECTS = ("anchor", "beacon", "compass")
_ADMIN = "ada"


@dataclass(frozen=True)
class Held:
    """A file as the registry holds it: its digest, and the reason of its yank."""

    sha256: str
    yanked: str | None = None


State: TypeAlias = "Held | None"  # None: it is not there
Key: TypeAlias = "tuple[str, str]"  # a project and a file's name


class Load:
    """Clients of registries, each with files of its own in projects that they share.

    *possible* has what each file may be now, *acknowledged* the changes that were answered with
    200, and *cut_off* how many requests had no answer.
    """

    def __init__(self, folder: Path, seed: int, clients: int = 3) -> None:
        self.possible: dict[Key, set[State]] = {}
        self.acknowledged: Counter[tuple[str, str, str | None]] = Counter()
        self.cut_off = 0
        self.failures: list[BaseException] = []
        self._clients = [_Client(self, folder, f"{seed}.{number}") for number in range(clients)]

    @contextlib.contextmanager
    def on(self, *servers: RegistryServer) -> Iterator[None]:
        """Let the clients work while the block runs, or until their registry is gone."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=client.work, args=(servers[number % len(servers)], stop))
            for number, client in enumerate(self._clients)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        if self.failures:
            raise self.failures[0]

    def wait_for_answers(self, count: int, patience: float) -> None:
        """Return when *count* more changes are acknowledged, or after *patience* seconds."""
        wanted, deadline = self.acknowledged.total() + count, time.monotonic() + patience
        while self.acknowledged.total() < wanted and time.monotonic() < deadline:
            time.sleep(0.005)

    def check(self, data: DataDirectory) -> None:
        """Compare pages and files with what is possible; from then on they are known."""
        names = {path.name for path in data.simple.iterdir() if path.is_dir()}
        assert set(projects(data)) == names
        pages = {project: page(data, project) for project in names}
        for project in names:
            assert_page_tells_the_truth(data, project)
            assert {(project, name) for name in pages[project]} <= self.possible.keys()
        for (project, name), possible in self.possible.items():
            actual = _state(pages.get(project, {}).get(name))
            assert actual in possible, (project, name, actual, possible)
            self.possible[project, name] = {actual}

    def check_after_kill(self, data: DataDirectory) -> None:
        """Look at what a static file server would go on to serve, before anything is mended."""
        for folder in (path for path in data.simple.iterdir() if path.is_dir()):
            files = page(data, folder.name) if (folder / "index.json").exists() else {}
            for name, file in files.items():
                content = data.distribution(folder.name, name).read_bytes()
                # One that was just being overwritten may have come before its page.
                if len(self.possible[folder.name, name]) == 1:
                    assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"]
            html = folder / "index.html"
            for name in re.findall(
                r">([^<>]+\.whl)</a>", html.read_text() if html.exists() else ""
            ):
                assert data.distribution(folder.name, name).exists()


class _Client:
    """Does one thing after the other, at random but the same for the same *seed*."""

    def __init__(self, load: Load, folder: Path, seed: str) -> None:
        self._load = load
        self._folder = folder / seed
        self._random = random.Random(seed)  # noqa: S311 -- a test's choice
        self._version = f"1.{seed}"
        self._count = 0

    def work(self, server: RegistryServer, stop: threading.Event) -> None:
        actions = [self._upload] * 4 + [
            self._overwrite,
            self._yank,
            self._delete,
            self._come_and_go,
        ]
        try:
            while not stop.is_set():
                self._random.choice(actions)(server)
        except httpx.TransportError:
            self._load.cut_off += 1
        except BaseException as failure:
            self._load.failures.append(failure)
            raise

    def _upload(self, server: RegistryServer, project: str | None = None) -> Key:
        wheel = self._make(project or self._random.choice(PROJECTS), self._next_version())
        key = (wheel.name.partition("-")[0], wheel.name)
        held = Held(hashlib.sha256(wheel.read_bytes()).hexdigest())
        self._do("upload", key, held, lambda: upload(server, wheel, user=_ADMIN))
        return key

    def _overwrite(self, server: RegistryServer) -> None:
        if key := self._any_of_mine():
            wheel = self._make(key[0], key[1].split("-")[1])
            held = Held(hashlib.sha256(wheel.read_bytes()).hexdigest())
            headers = {"Aegis-Overwrite": "true"}
            send = lambda: upload(server, wheel, user=_ADMIN, headers=headers)  # noqa: E731
            self._do("overwrite", key, held, send)

    def _yank(self, server: RegistryServer) -> None:
        key = self._any_of_mine()
        held = self._state_of(key)
        if key and held:
            reason = f"reason {self._random.random()}"
            api = f"{server.url}/api/v1/projects/{key[0]}/files/{key[1]}/yank"
            send = lambda: HTTP.put(api, json={"reason": reason}, auth=_auth(server))  # noqa: E731
            self._do("yank", key, replace(held, yanked=reason), send)

    def _delete(self, server: RegistryServer) -> None:
        if key := self._any_of_mine():
            api = f"{server.url}/api/v1/projects/{key[0]}/files/{key[1]}"
            self._do("delete-file", key, None, lambda: HTTP.delete(api, auth=_auth(server)))

    def _come_and_go(self, server: RegistryServer) -> None:
        """Begin a project of one's own, and delete it again, sometimes."""
        name = f"brief{self._next_version().replace('.', 'x')}"
        key = self._upload(server, name)
        if self._random.random() < 0.6:
            api = f"{server.url}/api/v1/projects/{name}"
            send = lambda: HTTP.delete(api, auth=_auth(server))  # noqa: E731
            self._do("delete-project", key, None, send, audited=(name, None))

    def _do(
        self,
        action: str,
        key: Key,
        after: State,
        send: Callable[[], httpx.Response],
        audited: tuple[str, str | None] | None = None,
    ) -> None:
        self._load.possible[key] = {self._state_of(key), after}
        answer = send()
        assert answer.status_code == 200, answer.text
        self._load.possible[key] = {after}
        told = (action, *(audited or key))
        self._load.acknowledged[told] += 1

    def _state_of(self, key: Key | None) -> State:
        (state,) = self._load.possible.get(key, {None}) if key else {None}
        return state

    def _any_of_mine(self) -> Key | None:
        """Return a file that this client has uploaded and is there."""
        mine = [
            key
            for key, states in list(self._load.possible.items())
            if key[1].split("-")[1].startswith(f"{self._version}.") and None not in states
        ]
        return self._random.choice(mine) if mine else None

    def _next_version(self) -> str:
        self._count += 1
        return f"{self._version}.{self._count}"

    def _make(self, project: str, version: str) -> Path:
        # Some take long enough to be cut off while they are on their way.
        noise = self._random.randbytes(self._random.choice([10, 10, 300_000]))
        return make_wheel(self._folder, project, version, files={"noise": noise})


def settle(server: RegistryServer) -> None:
    """Return when the project list is written."""
    assert read(server, "/simple/").status_code == 200


def _state(file: dict[str, object] | None) -> State:
    if file is None:
        return None
    yanked = file["yanked"]
    hashes = file["hashes"]
    assert isinstance(hashes, dict)
    return Held(hashes["sha256"], yanked if isinstance(yanked, str) else None)


def _auth(server: RegistryServer) -> tuple[str, str]:
    return _ADMIN, server.users[_ADMIN][0]
