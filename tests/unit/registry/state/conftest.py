"""A database in a directory of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.state.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "state.db")
    yield opened
    opened.close()
