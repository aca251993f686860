"""SIGKILL at every point of a release at which something on the disk is about to change.

Each time the release is resumed on one copy of what is left and taken back on another one: the
first equals a release that nobody disturbed, ids included, and the second equals the start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.support.git import git_environment
from tests.support.worlds import DATES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows neither forks nor has SIGKILL")

RUNS = [
    *(("torn", "everything", shard, 4) for shard in range(4)),
    *(("killed", "branch", shard, 2) for shard in range(2)),
    *(("killed", "wave", shard, 2) for shard in range(2)),
    ("killed", "finish", 0, 1),
    *(("alone", "unpushed", shard, 2) for shard in range(2)),
    *(("mending", "everything", shard, 2) for shard in range(2)),
    *(("mending", "branch", shard, 2) for shard in range(2)),
]


@pytest.mark.parametrize(("kind", "world", "shard", "shards"), RUNS)
def test_a_release_survives_being_killed_anywhere(
    tmp_path: Path, kind: str, world: str, shard: int, shards: int
) -> None:
    command = [sys.executable, "-m", "tests.support.faults"]
    memory = "/dev/shm"  # noqa: S108 - a file system that costs nothing, where there is one
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as ground:
        done = subprocess.run(
            [*command, kind, world, ground, str(shard), str(shards)],
            env=git_environment() | DATES,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert all(points > 10 for points in result["points"])
    assert result["wrong"] == []
