"""The speed of the registry, beside its peers and beside nginx itself, all in one run.

Each server gets the same wheels, and each peer is installed into a virtual environment of its own.
All are up at the same time, and asked in rounds of random order, so that a machine whose speed
drifts slows all of them. The floor is nginx over the same files, asking nobody who reads.

    python -m benchmarks.registry [--seconds 5] [--rounds 3] [--only NAME,...] [--quick] [--check]
    python -m benchmarks.registry scale [--projects 100000] [--files 1000000]

``--quick`` leaves out the peers and most of the wheels. ``--check`` exits with 1 where a goal is
missed by far. nginx and wrk are expected on PATH. Linux only: memory is read from ``/proc``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.registry.clients import TASKS, run_client
from benchmarks.registry.corpus import QUICK, Size, make_corpus
from benchmarks.registry.load import load, middle, targets
from benchmarks.registry.peers import Devpi, OpenPypiserver, Peryx, Proxpi, Pypiserver
from benchmarks.registry.report import Result, as_json, markdown, missed
from benchmarks.registry.servers import (
    BehindNginx,
    Embedded,
    Floor,
    FloorWithoutSendfile,
    Lab,
    running,
)
from benchmarks.registry.uploading import upload_at_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.registry.load import Load
    from benchmarks.registry.servers import Running, Server

OURS: tuple[type[Server], ...] = (Floor, FloorWithoutSendfile, BehindNginx, Embedded)
PEERS: tuple[type[Server], ...] = (Peryx, Devpi, Proxpi, OpenPypiserver, Pypiserver)
COLD_STARTS = 5
UPLOADS, UPLOAD_SIZE = 50, 1024 * 1024
BOUND = 300.0  # seconds for one run of a client


def main() -> None:
    """Measure and report."""
    if sys.argv[1:2] == ["scale"]:
        from benchmarks.registry.scale import main as scale

        scale(sys.argv[2:])
        return
    options = _options()
    size = QUICK if options.quick else Size()
    if options.projects:
        size = replace(size, projects=options.projects)
    with tempfile.TemporaryDirectory(prefix="registry-") as directory:
        root = Path(directory)
        _tell("making the wheels")
        lab = Lab(root, options.cache, make_corpus(root / "corpus", size))
        servers = [kind(lab) for kind in chosen(options)]
        results = compare(servers, size, options)
    print(json.dumps(as_json(results)) if options.json else markdown(results, size.heavy))
    broken = list(missed(results))
    for goal in broken:
        print(f"MISSED: {goal}", file=sys.stderr)
    sys.exit(1 if broken and options.check else 0)


def chosen(options: argparse.Namespace) -> list[type[Server]]:
    """Return the servers to compare. Ends the benchmark where there are none of such a name."""
    kinds = OURS if options.quick else (*OURS, *PEERS)
    if options.only is None:
        return list(kinds)
    wanted = [name.strip() for name in options.only.split(",")]
    known = [kind for kind in (*OURS, *PEERS) if kind.name.startswith(tuple(wanted))]
    if not known:
        names = ", ".join(kind.name for kind in (*OURS, *PEERS))
        sys.exit(f"None of these begins with {options.only}: {names}")
    return known


def compare(servers: Sequence[Server], size: Size, options: argparse.Namespace) -> list[Result]:
    """Return what is measured of each of *servers*."""
    results = {server: Result(server.name, server.users) for server in servers}
    for server in servers:
        _tell(f"filling {server.name}")
        server.prepare()
    for _ in range(COLD_STARTS):
        for server in random.sample(servers, len(servers)):
            with running(server) as started:
                results[server].cold_starts.append(started.cold_start)
    with contextlib.ExitStack() as stack:
        up = [stack.enter_context(running(server)) for server in servers]
        for server, loads in measure(up, options).items():
            results[server].loads = loads
        for started in up:
            results[started.server].megabytes = started.megabytes
        for started in up:
            _run_clients(started, results[started.server], size)
    return list(results.values())


def measure(up: Sequence[Running], options: argparse.Namespace) -> dict[Server, dict[str, Load]]:
    """Return the medians of the rounds, by server and measure."""
    asked = {started.server: targets(started) for started in up}
    rounds: dict[tuple[Server, str], list[Load]] = defaultdict(list)
    for number in range(options.rounds):
        _tell(f"round {number + 1} of {options.rounds}")
        pairs = [(server, name) for server, offered in asked.items() for name in offered]
        for server, name in random.sample(pairs, len(pairs)):
            rounds[server, name].append(load(asked[server][name], options.seconds))
    return {
        server: {name: middle(rounds[server, name]) for name in offered}
        for server, offered in asked.items()
    }


def _run_clients(started: Running, result: Result, size: Size) -> None:
    for task in TASKS:
        _tell(f"{task} from {result.name}")
        result.clients[task] = run_client(task, started, size.heavy_names, BOUND)
    if started.server.legacy is not None:
        _tell(f"{UPLOADS} uploads to {result.name}")
        result.uploaded = upload_at_once(started, UPLOADS, UPLOAD_SIZE)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.registry", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("--seconds", type=float, default=5, help="for one round of wrk")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", metavar="NAME,...", help="how the servers' names begin")
    parser.add_argument("--projects", type=int, help="how many, of five wheels each")
    parser.add_argument("--quick", action="store_true", help="few wheels, no peers")
    parser.add_argument("--check", action="store_true", help="exit with 1 for a missed goal")
    parser.add_argument("--json", action="store_true", help="instead of tables")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "poetry-aegis-benchmarks",
        help="where peers stay installed (default: %(default)s)",
    )
    return parser.parse_args()


def _tell(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
