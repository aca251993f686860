"""A home with an index in it, and backups of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pytest

from poetry_aegis.server.backup.taking import Order, Taken, take
from poetry_aegis.server.config import load_settings
from tests.support.backups import make_server, unseen

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome

BackUp: TypeAlias = Callable[..., Taken]


@pytest.fixture
def home(tmp_path: Path) -> ServerHome:
    """Return a home with an index that nobody serves."""
    return make_server(tmp_path / "home", tmp_path / "dist")


@pytest.fixture
def back_up(home: ServerHome) -> BackUp:
    """Return what takes a backup of the home; its arguments are those of `Order`."""

    def taken(**order: object) -> Taken:
        return take(home, load_settings(home), Order(**order), unseen)  # type: ignore[arg-type]

    return taken
