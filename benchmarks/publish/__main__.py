"""How fast a version with many wheels is published over a slow link, beside other clients.

Twenty wheels of 2 MB, of one version, go to this registry behind the nginx of its stack, over TLS
and a link that adds 50 ms to each round trip (`benchmarks.publish.delaying` tells how). Each client
is a real process in a virtual environment of its own, and every run has a new registry with nothing
in it. The clients take turns in rounds of random order, so that a machine whose speed drifts slows
all of them. Then one wheel of 1 GiB, to see how much memory that takes.

    python -m benchmarks.publish [--rounds 5] [--only NAME,...] [--jobs N] [--quick] [--check]
                                 [--window KIB] [--http1]

The link takes any number of bytes at a time; with ``--window 256`` a connection has no more than
256 KiB under way, as over far networks. ``--http1`` is for clients that HTTP/2 slows down: there
nginx lets an upload have 64 KiB under way. ``--quick`` makes one round, and a wheel of 256 MiB.
``--check`` exits with 1 where a goal is missed: four times as fast as each, less than 100 MB,
nothing sent twice. A client that cannot be installed is named and left out. nginx is expected on
PATH.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import PEAK_UNIT, run
from benchmarks.publish.clients import PEERS, Aegis, Client
from benchmarks.publish.delaying import Line
from benchmarks.publish.link import measure
from benchmarks.publish.report import Publication, Result, as_json, huge_line, missed, table
from benchmarks.publish.servers import fresh_site
from benchmarks.publish.wheels import (
    MEGABYTE,
    bytes_in,
    hashes_in,
    make_huge_project,
    make_project,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

WHEELS, SIZE = 20, 2 * MEGABYTE
HUGE, QUICK_HUGE = 1024, 256  # MiB
DELAY = 0.025  # seconds, each way
BOUND = 300.0  # seconds for one run
MEMORY = "memory"


def main() -> None:
    """Measure and report."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="publish-") as directory:
        root = Path(directory)
        clients = installed(chosen(options), options)
        _tell("making the wheels")
        project = make_project(root / "project", WHEELS, SIZE)
        print(f"The loopback: {measure(None)}")
        print(f"The link: {measure(_line(options))}", flush=True)
        results = compare(clients, project, root, options)
        huge = publish_huge(clients, root, options)
    print(json.dumps(as_json(results, huge)) if options.json else _text(results, huge))
    broken = list(missed(results, huge))
    for goal in broken:
        print(f"MISSED: {goal}", file=sys.stderr)
    sys.exit(1 if broken and options.check else 0)


def chosen(options: argparse.Namespace) -> list[type[Client]]:
    """Return the clients to compare. Ends the benchmark where there is none of such a name."""
    kinds: tuple[type[Client], ...] = (Aegis, *PEERS)
    if options.only is None:
        return list(kinds)
    wanted = tuple(name.strip() for name in options.only.split(","))
    known = [kind for kind in kinds if kind.name.startswith(wanted)]
    if not known:
        sys.exit(f"None begins with {options.only}: {', '.join(kind.name for kind in kinds)}")
    return known


def installed(kinds: Sequence[type[Client]], options: argparse.Namespace) -> list[Client]:
    """Return those clients that can be had; the others are named."""
    clients = []
    for kind in kinds:
        client = kind(options.cache / "publish", jobs=options.jobs)
        _tell(f"installing {client.name}")
        try:
            client.install()
        except (subprocess.CalledProcessError, OSError) as error:
            print(f"LEFT OUT: {client.name} cannot be had: {error}", file=sys.stderr)
        else:
            clients.append(client)
    return clients


def compare(
    clients: Sequence[Client], project: Path, root: Path, options: argparse.Namespace
) -> list[Result]:
    """Return what is measured of each of *clients*."""
    payload = bytes_in(project / "dist")
    results = {client: Result(str(client), _is_ours(client), payload) for client in clients}
    for number in range(1 if options.quick else options.rounds):
        for client in random.sample(clients, len(clients)):
            _tell(f"round {number + 1}: {client}")
            publication = publish(
                client, project, root / "run", _line(options), http2=not options.http1
            )
            results[client].runs.append(publication)
    return list(results.values())


def publish_huge(
    clients: Sequence[Client], root: Path, options: argparse.Namespace
) -> Result | None:
    """Return what is measured of this project with one huge wheel, where it is among *clients*."""
    ours = next((client for client in clients if _is_ours(client)), None)
    if ours is None or options.no_memory:
        return None
    _tell(f"one huge wheel: {ours}")
    size = (QUICK_HUGE if options.quick else HUGE) * MEGABYTE
    project = make_huge_project(root / "huge", size)
    publication = publish(ours, project, root / "run", _line(options), http2=not options.http1)
    return Result(str(ours), ours=True, payload=bytes_in(project / "dist"), runs=[publication])


def publish(
    client: Client, project: Path, root: Path, line: Line, *, http2: bool = True
) -> Publication:
    """Let *client* publish *project* to a new registry in *root*, which is removed again."""
    expected = hashes_in(project / "dist")
    files = [f"dist/{name}" for name in expected]
    try:
        with (
            fresh_site(root, line, http2=http2) as site,
            (root / "output.log").open("wb") as output,
        ):
            command, settings = client.command(site, files), client.settings(site)
            done = run(command, cwd=project, env=settings, bound=BOUND, output=output)
        complete = site.index.hashes() == expected and done.status == 0 and not done.late
        if not complete:
            told = (root / "output.log").read_text(errors="replace")[-2000:]
            print(f"{client} failed, exit {done.status}: {told}", file=sys.stderr)
        traffic = site.link.traffic
        return Publication(
            seconds=done.seconds,
            megabytes=done.megabytes,
            connections=traffic.connections,
            received=traffic.received,
            requests=tuple(site.index.requests()),
            complete=complete,
        )
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _line(options: argparse.Namespace) -> Line:
    return Line(options.delay / 2000, options.window * 1024)


def _is_ours(client: Client) -> bool:
    return isinstance(client, Aegis)


def _text(results: Sequence[Result], huge: Result | None) -> str:
    payload = results[0].payload / 1e6 if results else 0
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT / 1e6
    title = (
        f"{WHEELS} wheels, {payload:.1f} MB together. Of memory, less than the {own:.0f} MB "
        "of this benchmark itself is never told."
    )
    return "\n\n".join([title, table(results), *([huge_line(huge)] if huge else [])])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.publish", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", metavar="NAME,...", help="how the clients' names begin")
    parser.add_argument("--jobs", type=int, help="uploads of this project's at a time")
    parser.add_argument(
        "--delay", type=float, default=2000 * DELAY, help="ms that a round trip takes longer"
    )
    parser.add_argument(
        "--window", type=int, default=0, metavar="KIB", help="most that a connection has under way"
    )
    parser.add_argument("--http1", action="store_true", help="let nginx offer no HTTP/2")
    parser.add_argument("--quick", action="store_true", help="one round, a smaller huge wheel")
    parser.add_argument("--no-memory", action="store_true", help="without the huge wheel")
    parser.add_argument("--check", action="store_true", help="exit with 1 for a missed goal")
    parser.add_argument("--json", action="store_true", help="instead of the table")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "poetry-aegis-benchmarks",
        help="where clients stay installed (default: %(default)s)",
    )
    return parser.parse_args()


def _tell(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
