"""A home for a server, and a server in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.template import render_settings
from tests.support.server import free_port, vacant_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ServerHome]:
    """Return a home without a server in it."""
    with vacant_home(tmp_path / "server") as home:
        yield home


@pytest.fixture
def settings() -> ServerSettings:
    """Return settings with a port that is free now."""
    return ServerSettings(port=free_port())


@pytest.fixture
def set_up(home: ServerHome, settings: ServerSettings) -> ServerHome:
    """Return a home with settings and no user, which costs no bcrypt."""
    home.make_directories()
    atomic.write_text(home.settings_file, render_settings(settings))
    return home
