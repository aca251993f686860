from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.server.docker.project import ComposeProject
from tests.support import fake_docker
from tests.support.server import vacant_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.fake_docker import FakeDocker


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return fake_docker.install(tmp_path / "bin", monkeypatch)


@pytest.fixture
def project(tmp_path: Path, docker: FakeDocker) -> Iterator[ComposeProject]:
    """Return a project that was written, with a daemon that knows nothing of it yet."""
    with vacant_home(tmp_path / "server") as home:
        home.make_directories()
        home.compose_file.write_text('name: "aegis"\nservices: {}\n')
        home.env_file.write_text("GRAFANA_PASSWORD=right\n")
        yield ComposeProject(home, "aegis")
