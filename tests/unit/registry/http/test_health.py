"""What makes a registry that is alive not ready."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from typing import TYPE_CHECKING, cast

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.errors import Unavailable
from poetry_aegis.registry.http.health import Health
from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.state.database import Database

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.http.exchange import Exchange

NO_EXCHANGE = cast("Exchange", None)  # Probes are answered whoever asks.


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory.open(tmp_path / "data")


def health(data: DataDirectory, minimum_free: int = 1) -> Health:
    return Health(data, Users(data.auth), Database.open(data.database), minimum_free)


def problem(health: Health) -> str:
    with pytest.raises(Unavailable) as refusal:
        asyncio.run(health.ready(NO_EXCHANGE))
    assert json.loads(asyncio.run(health.alive(NO_EXCHANGE)).body)["status"] == "ok"
    return str(refusal.value)


def test_a_registry_that_can_do_its_work_is_ready(data: DataDirectory) -> None:
    assert asyncio.run(health(data).ready(NO_EXCHANGE)).status == 200


def test_too_little_free_space_is_told(data: DataDirectory) -> None:
    assert "bytes are free" in problem(health(data, minimum_free=2**62))


def test_a_store_that_cannot_be_written_is_told(data: DataDirectory) -> None:
    checked = health(data)
    shutil.rmtree(data.incoming)

    assert "cannot be written" in problem(checked)


def test_users_that_cannot_be_read_are_told(data: DataDirectory) -> None:
    checked = health(data)
    (data.auth / "access.toml").write_text("this is no TOML")

    assert problem(checked) == "The users cannot be read."


@pytest.mark.skipif(os.name == "nt", reason="Windows does not replace a file that is open.")
def test_a_database_that_does_not_answer_is_told(data: DataDirectory) -> None:
    checked = health(data)
    for suffix in ("-wal", "-shm"):
        data.database.with_name(data.database.name + suffix).unlink(missing_ok=True)
    data.database.write_bytes(b"garbage " * 1000)

    assert "database failed" in problem(checked)


def test_a_check_is_believed_for_a_second(data: DataDirectory) -> None:
    checked = health(data)
    asyncio.run(checked.ready(NO_EXCHANGE))
    shutil.rmtree(data.incoming)

    assert asyncio.run(checked.ready(NO_EXCHANGE)).status == 200
    checked._checked = float("-inf")
    assert problem(checked)
