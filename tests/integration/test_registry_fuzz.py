"""Hostile uploads by the thousand against one registry: it answers each, and stays as it should.

The seed is printed, and read from ``TEST_FUZZ_SEED``; every worker draws its own cases from it.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from poetry_aegis.registry.archives.distributions import inspect
from poetry_aegis.registry.names import is_file_name, parse_file_name
from tests.support.hostility import Upload, Uploads
from tests.support.registry import (
    PATIENCE,
    RegistryServer,
    basic,
    listed_files,
    read,
    running_registry,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPLOADS = 10_000
WORKERS = 4
SEED = int(os.environ.get("TEST_FUZZ_SEED", "20261123"))
REFUSALS = {400, 403, 404, 408, 411, 413, 415, 431}


@dataclass
class Tally:
    """What the registry answered; *taken* are the files that it acknowledged."""

    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    taken: set[str] = field(default_factory=set)

    def note(self, sent: Upload, status: int, text: str) -> None:
        assert status == 200 or status in REFUSALS, (sent.kind, status, text)
        assert text.endswith(".\n"), (sent.kind, status, text)
        self.statuses[status] += 1
        self.kinds[sent.kind] += 1
        if status == 200 and text.startswith("Uploaded "):
            self.taken.add(text.removeprefix("Uploaded ").removesuffix(".\n"))

    def add(self, other: Tally) -> None:
        self.statuses += other.statuses
        self.kinds += other.kinds
        self.taken |= other.taken


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("fuzz") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def tally(registry: RegistryServer, tmp_path_factory: pytest.TempPathFactory) -> Tally:
    """Send all the uploads, a few that stall in the background."""
    print(f"TEST_FUZZ_SEED={SEED}")  # noqa: T201 -- what a failure is repeated with
    drawn = [
        Uploads(SEED + worker, tmp_path_factory.mktemp("hostile")) for worker in range(WORKERS)
    ]
    stalled = [begin_upload(registry, drawn[0].valid(), length) for length in (0, 100, 500)]
    whole = Tally()
    with ThreadPoolExecutor(WORKERS) as pool:
        for part in pool.map(lambda uploads: send_all(registry, uploads), drawn):
            whole.add(part)
    for connection in stalled:
        connection.close()
    ends = time.monotonic() + PATIENCE
    while list(registry.data.glob(".work/incoming/*")) and time.monotonic() < ends:
        time.sleep(0.05)  # The registry has yet to notice.
    return whole


def send_all(registry: RegistryServer, uploads: Uploads) -> Tally:
    tally = Tally()
    address = urlsplit(registry.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE)
    for _ in range(UPLOADS // WORKERS):
        sent = uploads.draw()
        status, text = send(connection, registry, sent)
        tally.note(sent, status, text)
    connection.close()
    return tally


def send(
    connection: http.client.HTTPConnection, registry: RegistryServer, sent: Upload
) -> tuple[int, str]:
    headers = {
        "Authorization": basic("pub", registry.users["pub"][0]),
        "Content-Type": sent.content_type,
        **sent.headers,
    }
    try:
        connection.request("POST", sent.path, body=sent.body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (ConnectionError, http.client.HTTPException):
        # The registry may hang up on what it does not want to hear to the end.
        connection.close()
        assert sent.kind == "headers", sent.kind
        return 431, "The connection was closed.\n"


def begin_upload(registry: RegistryServer, sent: Upload, length: int) -> socket.socket:
    """Send the first *length* bytes of an upload's body, and leave it at that."""
    address = urlsplit(registry.url)
    connection = socket.create_connection((str(address.hostname), address.port or 80), PATIENCE)
    head = (
        f"POST /legacy/ HTTP/1.1\r\nHost: x\r\nContent-Type: {sent.content_type}\r\n"
        f"Authorization: {basic('pub', registry.users['pub'][0])}\r\n"
        f"Content-Length: {len(sent.body)}\r\n\r\n"
    )
    connection.sendall(head.encode() + sent.body[:length])
    return connection


def test_each_upload_gets_a_sentence_and_none_an_error_of_the_registry(tally: Tally) -> None:
    assert sum(tally.statuses.values()) >= UPLOADS
    assert tally.statuses[200] > 50  # what is harmless goes through
    assert tally.statuses[400] > UPLOADS // 2
    assert len(tally.kinds) == len(Uploads.KINDS)


def test_only_what_was_acknowledged_is_in_the_store(registry: RegistryServer, tally: Tally) -> None:
    stored = {path.name for path in registry.data.glob("packages/*/*") if is_file_name(path.name)}

    assert stored == tally.taken
    assert {path.name for path in registry.data.glob("packages/*/*")} == {
        *tally.taken,
        *(f"{name}.metadata" for name in tally.taken),
        *(path.name for path in registry.data.glob("packages/*/*.provenance")),
    }


def test_every_page_names_only_intact_files(
    registry: RegistryServer, tally: Tally, tmp_path: Path
) -> None:
    projects = {path.name for path in registry.data.glob("packages/*")}
    listed = {}
    for project in projects:
        listed.update(listed_files(registry, project))

    assert set(listed) == tally.taken
    for name, file in listed.items():
        parsed = parse_file_name(name)
        content = read(registry, f"/packages/{parsed.project}/{name}").content
        assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"]
        (tmp_path / name).write_bytes(content)
        assert inspect(tmp_path / name, parsed, file["hashes"]["sha256"]).size == file["size"]


def test_nothing_is_left_behind_or_outside(registry: RegistryServer, tally: Tally) -> None:
    assert list(registry.data.glob(".work/incoming/*")) == []
    assert list(registry.data.glob(".work/pending/*")) == []
    assert {path.name for path in registry.data.parent.iterdir()} == {
        "data", "data.log", "data.toml",
    }  # fmt: skip
    assert {path.name for path in registry.data.iterdir()} - {"upstream"} <= {
        ".work", "auth", "packages", "simple", "state.db", "state.db-shm", "state.db-wal",
    }  # fmt: skip
    assert {path.name for path in registry.data.glob("auth/*")} <= {
        ".lock", "access.toml", "htpasswd", "tokens.json",
    }  # fmt: skip


def test_the_log_tells_of_no_failure(registry: RegistryServer, tally: Tally) -> None:
    assert "Traceback" not in registry.log()
    assert [line for line in registry.log_lines() if line.get("level") == "error"] == []
