"""Several processes on one data directory at once: two registries, and an operator's commands."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from hashlib import sha256
from typing import TYPE_CHECKING

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.state.catalog import Catalog, Totals
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.store.store import Store
from tests.support.distributions import make_wheel
from tests.support.registry import PATIENCE, RegistryServer, running_registry, upload
from tests.support.registry_load import Held, Load, settle

if TYPE_CHECKING:
    from pathlib import Path

RULE = '[[retention]]\nprojects = ["nightly"]\nkeep_dev_releases = 1\n'
SECONDS = 6.0  # of load
NIGHTS = 25


def test_they_write_side_by_side(tmp_path: Path) -> None:
    data = DataDirectory.open(tmp_path / "data")
    rules = tmp_path / "rules.toml"
    rules.write_text(RULE)
    load = Load(tmp_path / "dist", seed=1, clients=4)
    # One that prune may take, but the last.
    nights = [make_wheel(tmp_path, "nightly", f"1.0.dev{number}") for number in range(NIGHTS)]
    for night in nights:
        held = Held(sha256(night.read_bytes()).hexdigest())
        load.possible["nightly", night.name] = {held, None}
    commands = [["reindex"], ["prune", "--apply", "--settings", str(rules)], ["reindex", "nightly"]]

    with running_registry(data.root) as one, running_registry(data.root) as other:
        assert upload(one, nights[0]).status_code == 200
        publisher = threading.Thread(target=publish, args=(nights[1:], one, other))
        with load.on(one, other):
            publisher.start()
            ends = time.monotonic() + SECONDS
            codes = [
                run(data, *command)
                for number, command in enumerate(commands * 100)
                if number < len(commands) or time.monotonic() < ends
            ]
            publisher.join()
            load.wait_for_answers(51 - load.acknowledged.total(), PATIENCE)
        for server in (one, other):
            settle(server)
            assert server.terminate() == 0
            assert "Traceback" not in server.log()

    assert len(codes) >= len(commands)
    assert set(codes) == {0}
    assert run(data, *commands[1]) == 0
    load.check(data)
    assert [
        key for key, state in load.possible.items() if key[0] == "nightly" and None not in state
    ] == [("nightly", nights[-1].name)]
    for folder in (data.pending, data.incoming, data.trash, data.unlisted):
        assert list(folder.iterdir()) == []
    assert run(data, "reindex", "--check") == 0
    assert catalogued(data) == counted(data)
    assert load.acknowledged.total() > 50
    assert load.cut_off == 0


def publish(nights: list[Path], *servers: RegistryServer) -> None:
    """Upload *nights*, to one server and the other by turns."""
    for number, night in enumerate(nights):
        assert upload(servers[number % len(servers)], night).status_code == 200
        time.sleep(SECONDS / 2 / NIGHTS)


def run(data: DataDirectory, command: str, *arguments: str) -> int:
    """Run a command of the registry's own and return its exit code."""
    program = [sys.executable, "-m", "poetry_aegis.registry", command, "--data", str(data.root)]
    done = subprocess.run(
        [*program, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.returncode


def catalogued(data: DataDirectory) -> Totals:
    database = Database.open(data.database)
    try:
        return Catalog(database, data).totals()
    finally:
        database.close()


def counted(data: DataDirectory) -> Totals:
    """Return what the catalogue is to count."""
    store = Store(data)
    projects = store.projects()
    files = [file for project in projects for file in store.listing(project).files]
    return Totals(len(projects), len(files), sum(file.size for file in files))
