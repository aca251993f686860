"""Real stacks: one for the tests that only use it, and as many others as are broken on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.stack.stack import Stack, vacant_stack
from tests.support.docker import image_script, inspect, needs_docker

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the registry's image is made of, downloaded once a session."""
    needs_docker()
    import poetry_aegis.server.stack as room

    folder = tmp_path_factory.mktemp("wheels")
    pinned = Path(next(iter(room.__path__)), "templates", "requirements.txt")
    image_script().download_pinned(folder, pinned)
    return folder


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Iterator[Stack]:
    """Return a stack with all that there is, healthy. Tests leave it as they found it."""
    with vacant_stack(tmp_path_factory.mktemp("stack"), wheels) as made:
        made.set_up(redis={"enabled": True})
        made.ok("start")
        restarts = {name: inspect(name)["RestartCount"] for name in made.containers.values()}
        assert set(restarts.values()) == {0}, restarts  # nothing crashed on its way up
        yield made


@pytest.fixture
def own_stack(tmp_path: Path, wheels: Path) -> Iterator[Stack]:
    """Return a stack of the test's own, without monitoring, that is set up and not started."""
    with vacant_stack(tmp_path, wheels) as made:
        made.set_up(monitoring={"prometheus": False, "grafana": False})
        yield made
