"""One round of wrk against one address."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx

from benchmarks.registry.corpus import LARGE, MEDIUM
from benchmarks.registry.servers import PROBE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.registry.servers import Running

CONNECTIONS = 16
JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"
LIST = "/simple/"
HTML_PAGE, JSON_PAGE = "project page, HTML", "project page, JSON"
METADATA, ONE_MB, LARGE_FILE = ".metadata", "1 MB file", "large file"
MEASURES = (LIST, HTML_PAGE, JSON_PAGE, METADATA, ONE_MB, LARGE_FILE)
PATIENCE = 60.0  # seconds for a first answer
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
BYTES = {"B": 2**-20, "KB": 2**-10, "MB": 1.0, "GB": 2.0**10}


@dataclass(frozen=True)
class Load:
    """What a round measured: answers a second, milliseconds, megabytes a second."""

    rate: float
    p50: float
    p99: float
    megabytes: float
    failed: int = 0


@dataclass(frozen=True)
class Target:
    """What is asked for in each request."""

    address: str
    headers: Mapping[str, str]


def targets(started: Running) -> dict[str, Target]:
    """Return what the server offers of what is measured, each seen to be right once."""
    base = f"{started.url}{started.server.index}"
    asked = {
        LIST: Target(base, {"Accept": HTML}),
        HTML_PAGE: Target(f"{base}{PROBE}/", {"Accept": HTML}),
        JSON_PAGE: Target(f"{base}{PROBE}/", {"Accept": JSON}),
    }
    with httpx.Client(trust_env=False, timeout=PATIENCE, headers=started.authorization) as client:
        wheel = _wheel(client, f"{base}{PROBE}/")
        asked[METADATA] = Target(f"{wheel}.metadata", {})
        asked[ONE_MB] = Target(_wheel(client, f"{base}{MEDIUM}/"), {})
        asked[LARGE_FILE] = Target(_wheel(client, f"{base}{LARGE}/"), {})
        offered = {name: target for name, target in asked.items() if _is_offered(client, target)}
    return {
        name: Target(target.address, {**target.headers, **started.authorization})
        for name, target in offered.items()
    }


def load(target: Target, seconds: float) -> Load:
    """Ask for *target* over and over for *seconds*, and once before, which may check a password.

    Ends the benchmark where wrk is missing.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is not on PATH; the benchmark measures with it.")
    headers = [
        part for name, value in target.headers.items() for part in ("-H", f"{name}: {value}")
    ]
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "--timeout", "30s", "--latency"]
    with httpx.stream(
        "GET", target.address, headers=dict(target.headers), trust_env=False, timeout=PATIENCE
    ) as first:
        first.raise_for_status()
    done = subprocess.run(
        [wrk, *options, *headers, target.address], capture_output=True, text=True, check=True
    )
    return parse(done.stdout)


def parse(printed: str) -> Load:
    """Return what wrk *printed*. Raises ``ValueError`` where that is something else."""
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    moved = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?B)", printed)
    if rate is None or moved is None:
        raise ValueError(f"not what wrk prints: {printed!r}")
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    socket = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+)", printed)
    failed = int(other[1]) if other else 0
    return Load(
        rate=float(rate[1]),
        p50=_milliseconds(printed, 50),
        p99=_milliseconds(printed, 99),
        megabytes=float(moved[1]) * BYTES[moved[2]],
        failed=failed + (sum(map(int, socket.groups())) if socket else 0),
    )


def middle(loads: Sequence[Load]) -> Load:
    """Return the medians of the rounds; the failures are those of all of them."""
    return Load(
        rate=median(load.rate for load in loads),
        p50=median(load.p50 for load in loads),
        p99=median(load.p99 for load in loads),
        megabytes=median(load.megabytes for load in loads),
        failed=sum(load.failed for load in loads),
    )


def _milliseconds(printed: str, percent: int) -> float:
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s|m) *$", printed, re.MULTILINE)
    if found is None:
        raise ValueError(f"no {percent} % in what wrk prints: {printed!r}")
    return float(found[1]) * UNITS[found[2]]


def _wheel(client: httpx.Client, page: str) -> str:
    """Return the address of the first wheel of a project page."""
    answer = client.get(page, headers={"Accept": HTML}, follow_redirects=True).raise_for_status()
    found = re.search(r'href="([^"#]+\.whl)', answer.text)
    if found is None:
        sys.exit(f"{page} names no wheel")
    return urljoin(str(answer.url), str(found[1]))


def _is_offered(client: httpx.Client, target: Target) -> bool:
    """Tell whether the server has *target*, and in the form that is asked for."""
    with client.stream("GET", target.address, headers=dict(target.headers)) as answer:
        wanted = target.headers.get("Accept", "")
        return answer.status_code == 200 and wanted in answer.headers.get("content-type", wanted)
