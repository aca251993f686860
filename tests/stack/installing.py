"""Installs that go on while something happens to the stack, and book is kept of what each met."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.stack.stack import Stack

NOTHING = "no answer"
PAUSE = 0.02  # seconds between two installs of one client


@dataclass
class Installs:
    """What installs met: *answers* counts statuses, *last_failure* is when the last one was.

    *reasons* are why there was no answer.
    """

    answers: Counter[int | str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    last_failure: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def done(self) -> int:
        """How many requests were answered as they should be."""
        return self.answers[200]

    @property
    def failed(self) -> dict[int | str, int]:
        """The requests that were not, by what came instead."""
        return {answer: count for answer, count in self.answers.items() if answer != 200}

    def note(self, answer: int | str) -> None:
        """Count one request."""
        with self.lock:
            self.answers[answer] += 1
            if answer != 200:
                self.last_failure = time.monotonic()


@contextlib.contextmanager
def installing(
    stack: Stack, *wheels: Path, clients: int = 3, flat: bool = False
) -> Iterator[Installs]:
    """Read each of *wheels*, its page first, again and again until the block ends.

    That is what pip and others do. A file that is not the one that was published is never right,
    whatever happens; neither is a page that comes and does not name it. An index is *flat* where
    files lie in no folder of their project.
    """
    met = Installs()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_install, args=(stack, wheels, met, stop, flat))
        for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    try:
        yield met
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert met.wrong == []


def _install(
    stack: Stack,
    wheels: tuple[Path, ...],
    met: Installs,
    stop: threading.Event,
    flat: bool,
) -> None:
    digests = {wheel: hashlib.sha256(wheel.read_bytes()).digest() for wheel in wheels}
    while not stop.is_set():
        with stack.client() as client:  # as each run of pip, with a connection of its own
            for wheel, digest in digests.items():
                project = wheel.name.partition("-")[0]
                page = _get(client, f"/simple/{project}/", met)
                if page is not None and wheel.name.encode() not in page:
                    met.wrong.append(f"The page of {project} does not name {wheel.name}.")
                folder = "" if flat else f"{project}/"
                file = _get(client, f"/packages/{folder}{wheel.name}", met, reusing=True)
                if file is not None and hashlib.sha256(file).digest() != digest:
                    met.wrong.append(f"{wheel.name} came with other bytes.")
        stop.wait(PAUSE)


def _get(client: httpx.Client, path: str, met: Installs, *, reusing: bool = False) -> bytes | None:
    try:
        answer = _begun(client, path, reusing=reusing)
        content = answer.read()
    except httpx.TransportError as error:
        met.note(NOTHING)
        met.reasons.append(f"{path}: {error!r}")
        return None
    met.note(answer.status_code)
    return content if answer.status_code == 200 else None


def _begun(client: httpx.Client, path: str, *, reusing: bool) -> httpx.Response:
    """Return the answer for *path* as it begins, asked for as pip and uv do.

    The server may close a connection that was used before just as a request is on its way; no
    server can help that, and RFC 9110 (9.2.2) lets a client ask again on another one. A request on
    a new connection is sent once, and an answer that breaks off is not asked for again.
    """
    try:
        return client.send(client.build_request("GET", path), stream=True)
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
        if not reusing:
            raise
        return client.send(client.build_request("GET", path), stream=True)
