"""A large store beside one with ten projects: starting, reading, uploading, searching."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import httpx

from benchmarks.registry.corpus import Wheel, make_wheel, write_list, write_pages
from benchmarks.registry.load import JSON, Target, load
from benchmarks.registry.servers import COST, PASSWORD, USER, Embedded, Lab, running
from benchmarks.registry.uploading import upload_all
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.store.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.registry.servers import Running

SMALL = 10  # projects, to compare with
CHUNK = 500  # projects that a worker makes at a time
UPLOADS = 9
STARTS, SEARCHES = 3, 9
PATIENCE = 120.0  # seconds for an answer


@dataclass(frozen=True)
class Scaled:
    """What was measured of a store: seconds but where the name says otherwise."""

    projects: int
    files: int
    start: float
    page_rate: float
    page_p99_ms: float
    upload_to_known: float
    upload_of_new: float
    search: float
    megabytes: float


class Store(Embedded):
    """The registry over a store that is made here. *name* tells how large it is."""

    def __init__(self, lab: Lab, projects: int, files: int) -> None:
        self.name = f"{projects} projects"
        super().__init__(lab)
        self.projects = projects
        self.per_project = max(files // projects, 1)

    def prepare(self) -> None:
        """Make the store."""
        data = DataDirectory.open(self.home / "data")
        Users(data.auth, rounds=COST).add(USER, PASSWORD, "publisher")
        make_store(data, self.projects, self.per_project)


def main(arguments: Sequence[str]) -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.registry scale", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("--projects", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5, help="for one round of wrk")
    parser.add_argument("--json", action="store_true", help="instead of a table")
    options = parser.parse_args(arguments)
    per_project = max(options.files // options.projects, 1)
    with tempfile.TemporaryDirectory(prefix="scale-") as directory:
        root = Path(directory)
        lab = Lab(root, root, DataDirectory(root))
        stores = [
            Store(lab, SMALL, SMALL * per_project),
            Store(lab, options.projects, options.files),
        ]
        for store in stores:
            began = time.perf_counter()
            store.prepare()
            took = time.perf_counter() - began
            print(f"… made {store.name} in {took:.0f} s", file=sys.stderr, flush=True)
        small, large = (measure(store, options.seconds) for store in stores)
    if options.json:
        print(json.dumps([asdict(small), asdict(large)]))
    else:
        report(small, large)


def make_store(data: DataDirectory, projects: int, per_project: int) -> None:
    """Fill *data*: every file is a link to one of a few, but has a name of its own."""
    names = [f"bench-{number:05}" for number in range(projects)]
    wheel = make_wheel("bench-00000", "1.0")
    chunks = [names[start : start + CHUNK] for start in range(0, projects, CHUNK)]
    with ProcessPoolExecutor() as pool:
        work = [pool.submit(_make_projects, data, wheel, chunk, per_project) for chunk in chunks]
        for made in work:
            made.result()
    write_list(data, names)


def measure(store: Store, seconds: float) -> Scaled:
    """Return what is measured of *store*."""
    starts = []
    for _ in range(STARTS):
        with running(store) as started:
            starts.append(started.cold_start)
    with running(store) as started:
        page = load(Target(started.probe, {"Accept": JSON, **started.authorization}), seconds)
        known = [make_wheel("bench-00001", f"{number}.0") for number in range(100, 100 + UPLOADS)]
        new = [make_wheel(f"new-{number}", "1.0") for number in range(UPLOADS)]
        return Scaled(
            projects=store.projects,
            files=store.projects * store.per_project,
            start=min(starts),
            page_rate=page.rate,
            page_p99_ms=page.p99,
            upload_to_known=_upload_one_by_one(started, known),
            upload_of_new=_upload_one_by_one(started, new),
            search=_search(started),
            megabytes=started.megabytes,
        )


def report(small: Scaled, large: Scaled) -> None:
    """Print both and how they compare."""
    print(f"| | {small.projects:,} projects | {large.projects:,} projects | ratio |")
    print("| --- | --- | --- | --- |")
    for name, few in asdict(small).items():
        many = asdict(large)[name]
        print(f"| {name.replace('_', ' ')} | {few:,.4g} | {many:,.4g} | {many / few:.2f} |")


def _make_projects(
    data: DataDirectory, wheel: Wheel, projects: Sequence[str], per_project: int
) -> None:
    for project in projects:
        _make_project(data, project, wheel, per_project)


def _make_project(data: DataDirectory, project: str, wheel: Wheel, count: int) -> None:
    """Write *count* versions of *wheel*: one file, and links to it. Its bytes know but one name."""
    data.project_files(project).mkdir()
    listed = wheel.listed()
    first: tuple[Path, Path] | None = None
    files = []
    for number in range(1, count + 1):
        version = f"{number}.0"
        name = replace(wheel, project=project, version=version).file_name
        paths = data.distribution(project, name), data.metadata(project, name)
        if first is None:
            first = paths
            paths[0].write_bytes(wheel.content)
            paths[1].write_bytes(wheel.metadata)
        else:
            os.link(first[0], paths[0])
            os.link(first[1], paths[1])
        files.append(replace(listed, file_name=name, version=version))
    write_pages(data, Listing(project, tuple(sorted(files, key=lambda file: file.file_name))))


def _upload_one_by_one(started: Running, wheels: Sequence[Wheel]) -> float:
    """Return the median seconds of one upload. Ends the benchmark where one is refused."""
    seconds = []
    with tempfile.TemporaryDirectory(prefix="uploads-") as directory:
        for wheel in wheels:
            path = Path(directory) / wheel.file_name
            path.write_bytes(wheel.content)
            uploaded = upload_all(started, [path], at_once=1)
            if uploaded.failed:
                sys.exit(f"{wheel.file_name} was refused; see {started.server.home}/output.log")
            seconds.append(uploaded.seconds)
    return median(seconds)


def _search(started: Running) -> float:
    """Return the median seconds of a search that finds a page of projects."""
    seconds = []
    asking = {"Accept": "text/html", **started.authorization}
    with httpx.Client(trust_env=False, timeout=PATIENCE, base_url=started.url) as client:
        for _ in range(SEARCHES):
            began = time.perf_counter()
            client.get("/", params={"q": "bench"}, headers=asking).raise_for_status()
            seconds.append(time.perf_counter() - began)
    return median(seconds)
