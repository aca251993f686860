"""``poetry aegis server reindex``, ``import`` and ``prune``, as a user runs them."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.template import render_settings
from tests.support.distributions import make_sdist, make_wheel

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.poetry import PoetryHome

RULE = "\n[[retention]]\nkeep_releases = 1\nolder_than = 30\n"


@pytest.fixture
def home(poetry: PoetryHome) -> ServerHome:
    """Return a home with a server that is set up and does not run."""
    home = ServerHome(poetry.root / "server")
    home.make_directories()
    atomic.write_text(home.settings_file, render_settings(ServerSettings()) + RULE)
    return home


def test_the_life_of_a_directory_that_is_taken_over(
    poetry: PoetryHome, home: ServerHome, tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    old, new = make_wheel(packages), make_sdist(packages, "demo", "2.0")
    os.utime(old, (time.time() - 40 * 86400,) * 2)
    (packages / "broken-1.0.tar.gz").write_bytes(b"broken")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return poetry.run("aegis", "server", *arguments, cwd=tmp_path)

    done = run("import", str(packages))
    assert done.returncode == 59, done.stderr
    assert "failed  broken-1.0.tar.gz: " in done.stdout
    assert "2 added" in done.stdout.splitlines()[-1]

    again = run("import", str(packages), "--only", "de*", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["present"] == [f"demo/{old.name}", f"demo/{new.name}"]

    plan = run("prune")
    assert plan.returncode == 0, plan.stderr
    assert f"demo/{old.name}  1 newer release is kept" in plan.stdout
    assert (home.data / "packages" / "demo" / old.name).exists()

    pruned = run("prune", "--apply", "--json")
    assert [removal["file"] for removal in json.loads(pruned.stdout)["removals"]] == [old.name]
    assert not (home.data / "packages" / "demo" / old.name).exists()

    (home.data / "packages" / "demo" / new.name).unlink()
    check = run("reindex", "--check")
    assert check.returncode == 58
    assert f"missing  demo/{new.name}: the file is gone" in check.stdout
    assert run("reindex", "demo").returncode == 0
    assert json.loads(run("reindex", "--check", "--json").stdout)["missing"] == []
