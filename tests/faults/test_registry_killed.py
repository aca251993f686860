"""A registry that is killed, again and again, while clients upload, overwrite, yank and delete."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.state.audit import AuditTrail, Entry
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.store.store import Store
from tests.support.registry import running_registry
from tests.support.registry_load import Load, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIVES = 50
PATIENCE = 5.0  # seconds for the first answers of a life
SEEDS = range(4)  # 200 lives in all, in as many tests as may run beside each other


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_acknowledged_is_lost_and_nothing_half_done_is_shown(
    tmp_path: Path, seed: int
) -> None:
    moments = random.Random(seed)  # noqa: S311 -- a test's choice
    data = DataDirectory.open(tmp_path / "data")
    load = Load(tmp_path / "dist", seed)
    marked = 0  # lives that ended amid a change
    for life in range(LIVES):
        with running_registry(data.root) as server:
            settle(server)
            check(data, load, thorough=life % 10 == 0)
            with load.on(server):
                if life % 2:  # On a busy machine others end before anything was answered.
                    load.wait_for_answers(3, PATIENCE)
                time.sleep(moments.uniform(0.02, 0.15))
                server.kill()
            assert "Traceback" not in server.log()
        load.check_after_kill(data)
        marked += bool(list(data.pending.iterdir()))
    with running_registry(data.root) as server:
        settle(server)
        check(data, load, thorough=True)

    trail = list(audited(data))
    told = {(entry.action, entry.project or "", entry.file) for entry in trail}
    assert load.acknowledged.keys() <= told
    assert load.acknowledged.total() > LIVES
    assert load.cut_off > LIVES
    assert marked > LIVES / 10


def check(data: DataDirectory, load: Load, *, thorough: bool) -> None:
    """Check a store that has been opened: all is there and whole, and nothing is under way."""
    load.check(data)
    for folder in (data.pending, data.incoming, data.trash, data.unlisted):
        assert list(folder.iterdir()) == []
    if thorough:
        report = Store(data).check()
        assert report.is_clean, report


def audited(data: DataDirectory) -> Iterator[Entry]:
    """Yield the whole audit trail."""
    database = Database.open(data.database)
    try:
        trail, before = AuditTrail(database), None
        while entries := trail.entries(1000, before):
            yield from entries
            before = entries[-1].id
    finally:
        database.close()
