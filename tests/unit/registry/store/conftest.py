"""A store in a data directory of its own, and what is read back from its pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.store.store import Store, open_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory.open(tmp_path / "data")


@pytest.fixture
def store(data: DataDirectory) -> Store:
    return open_store(data)
