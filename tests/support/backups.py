"""A home with an index in it, whose backups are under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.atomic import write_text
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.store.store import Store
from poetry_aegis.server.config import new_settings
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.template import render_settings
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import USERS, add_users
from tests.support.store import add

if TYPE_CHECKING:
    from pathlib import Path


def unseen(_done: int, _all: int, _size: int) -> None:
    """Take progress that nobody looks at."""


def make_server(root: Path, dist: Path, *, projects: int = 2) -> ServerHome:
    """Return a home whose index has *projects*, with a wheel and an sdist each."""
    home = ServerHome(root)
    home.make_directories()
    write_text(home.settings_file, render_settings(new_settings(port=0)), mode=0o600)
    home.tls.mkdir(mode=0o700)
    write_text(home.tls / "ca.key", "the authority's secret", mode=0o600)
    write_text(home.tls / "ca.crt", "the authority", mode=0o644)
    write_text(home.env_file, "REDIS_PASSWORD=unknown\n", mode=0o600)
    add_users(home.data, USERS)
    data = DataDirectory.open(home.data)
    Database.open(data.database).close()
    store = Store(data)
    store.open()
    dist.mkdir()
    for number in range(projects):
        add(store, make_wheel(dist, f"demo{number}", "1.0"))
        add(store, make_sdist(dist, f"demo{number}", "1.0"), provenance=b"{}")
    return home


def tree(home: ServerHome) -> dict[str, bytes]:
    """Return all that a backup brings back, by path; the database is not among it."""
    tops = [home.data / name for name in ("packages", "simple", "auth")] + [home.tls]
    files = [path for top in tops for path in top.rglob("*") if path.is_file()]
    return {
        path.relative_to(home.root).as_posix(): path.read_bytes()
        for path in [*files, home.settings_file, home.env_file]
    }


def put(home: ServerHome, dist: Path, name: str, version: str) -> None:
    """Put one more wheel into the index of *home*."""
    add(Store(DataDirectory.open(home.data)), make_wheel(dist, name, version))


def hidden(home: ServerHome) -> list[str]:
    """Return the names of what backups and restores leave behind when they are killed."""
    found = [path.name for path in home.root.glob("data.*")]
    found += [path.name for path in (home.data / ".work").glob("backup-*")]
    return found + [path.name for path in home.root.rglob(".tmp-*")]
