"""``poetry aegis server stats`` and ``audit``, as an operator runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.errors import UsageError
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.state.audit import Event
from poetry_aegis.registry.state.state import State
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.template import render_settings

if TYPE_CHECKING:
    from tests.support.poetry import PoetryHome


@pytest.fixture
def state(poetry: PoetryHome) -> State:
    """Return the state of a server that is set up in Poetry's home, but does not run."""
    home = ServerHome(Path(poetry.env["AEGIS_SERVER_HOME"]))
    home.make_directories()
    atomic.write_text(home.settings_file, render_settings(ServerSettings()))
    return State.open(DataDirectory(home.data))


def test_the_downloads_are_told(poetry: PoetryHome, state: State, tmp_path: Path) -> None:
    for _ in range(3):
        agent = "poetry/2.1.0 CPython/3.11.4"
        state.downloads.count("demo", "demo-1.0.0.tar.gz", agent, 1024)
    state.downloads.flush()

    told = poetry.run("aegis", "server", "stats", "Demo", "--days", "7", cwd=tmp_path)
    today = poetry.run("aegis", "server", "stats", "--days", "1", cwd=tmp_path)
    listed = poetry.run("aegis", "server", "stats", "--json", cwd=tmp_path)

    assert told.returncode == 0, told.stderr
    assert "demo, the last 7 days: 3 downloads, 3.0 KiB." in told.stdout
    assert today.stdout.startswith("Downloads of today, the most first:\n")
    for word in ("1.0.0", "poetry", "3.11"):
        assert word in told.stdout
    projects = [{"project": "demo", "downloads": 3, "bytes": 3072}]
    assert json.loads(listed.stdout) == {"days": 30, "projects": projects}


def test_the_trail_is_told_and_steers_no_terminal(
    poetry: PoetryHome, state: State, tmp_path: Path
) -> None:
    state.audit.record(Event("upload", "ada", "10.0.0.1", "demo", "demo-1.0.tar.gz", token="t1"))
    state.audit.record(Event("login-failed", "<error>\x1b[2J", "10.0.0.2"))

    told = poetry.run("aegis", "server", "audit", cwd=tmp_path)
    as_json = poetry.run("aegis", "server", "audit", "demo", "--json", cwd=tmp_path)

    assert told.returncode == 0, told.stderr
    first, second = told.stdout.splitlines()
    assert first.endswith("upload demo demo-1.0.tar.gz by ada with token t1 from 10.0.0.1")
    assert second.endswith(r"login-failed by <error>\x1b[2J from 10.0.0.2")
    assert [entry["user"] for entry in json.loads(as_json.stdout)["entries"]] == ["ada"]


def test_an_action_that_there_is_not_is_refused(
    poetry: PoetryHome, state: State, tmp_path: Path
) -> None:
    done = poetry.run("aegis", "server", "audit", "--action", "drop", cwd=tmp_path)

    assert done.returncode == UsageError.exit_code
    assert "login-failed" in done.stderr
