"""Uploads over the legacy API, the same for every server."""

from __future__ import annotations

import hashlib
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from benchmarks.registry.corpus import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.registry.servers import Running

PATIENCE = 120.0  # seconds for one upload


@dataclass(frozen=True)
class Uploaded:
    """How uploads went: wall *seconds* for all of them, and how many were refused."""

    seconds: float
    count: int
    failed: int


def upload_at_once(started: Running, count: int, size: int) -> Uploaded:
    """Upload *count* wheels of *size* bytes, each of a project of its own, at the same time."""
    with tempfile.TemporaryDirectory(prefix="uploads-") as directory:
        paths = []
        for number in range(count):
            wheel = make_wheel(f"uploaded-{number:03}", "1.0", payload=size)
            paths.append(Path(directory) / wheel.file_name)
            paths[-1].write_bytes(wheel.content)
        return upload_all(started, paths, at_once=count)


def upload_all(started: Running, wheels: Iterable[Path], *, at_once: int) -> Uploaded:
    """Upload *wheels*, no more than *at_once* at the same time."""
    address = f"{started.url}{started.server.legacy}"
    limits = httpx.Limits(max_connections=at_once)
    who = started.server.uploader or started.server.credential
    with (
        httpx.Client(trust_env=False, timeout=PATIENCE, auth=who, limits=limits) as client,
        ThreadPoolExecutor(at_once) as pool,
    ):
        began = time.perf_counter()
        done = list(pool.map(lambda wheel: _upload(client, address, wheel), wheels))
    return Uploaded(time.perf_counter() - began, len(done), done.count(False))


def _upload(client: httpx.Client, address: str, wheel: Path) -> bool:
    """Return whether the server took *wheel*."""
    content = wheel.read_bytes()
    name, version, *_ = wheel.name.split("-")
    form = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": name.replace("_", "-"),
        "version": version,
        "summary": "A benchmark.",
        "requires_python": ">=3.8",
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
    }
    try:
        answer = client.post(address, data=form, files={"content": (wheel.name, content)})
    except httpx.HTTPError:
        return False
    return answer.is_success
