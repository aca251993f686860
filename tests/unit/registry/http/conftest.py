"""A real registry for a module's tests, with one project in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import RegistryServer, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHEEL = "demo-1.0.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wheel(tmp_path_factory.mktemp("dist"), requires_python=">=3.9,<4")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("registry") / "data") as server:
        assert upload(server, wheel).status_code == 200
        assert upload(server, make_sdist(wheel.parent)).status_code == 200
        yield server
