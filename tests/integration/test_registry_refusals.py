"""What upload clients show their users of an upload that is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.distributions import make_wheel
from tests.support.registry import RegistryServer, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SENTENCE = (
    "The file demo-1.0.0-py3-none-any.whl has 'demo/__init__.py', which its RECORD does not list."
)
STEERING = ("UV_", "TWINE_", "POETRY_", "VIRTUAL_ENV")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("registry") / "data") as server:
        yield server


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Return a wheel that no registry should take, in the ``dist`` of a project."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    return make_wheel(tmp_path / "dist", files={"demo-1.0.0.dist-info/RECORD": ""})


def run(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(STEERING) and not key.lower().endswith("_proxy")
    }
    own = {
        "HOME": str(folder),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "NO_COLOR": "1",
        "COLUMNS": "300",
    }
    return subprocess.run(
        [sys.executable, "-m", *command],
        env=inherited | own | env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def test_twine_shows_the_sentence_where_it_shows_details(
    registry: RegistryServer, wheel: Path
) -> None:
    shown = run(
        wheel.parent.parent, "twine", "upload", "--verbose", "--disable-progress-bar", str(wheel),
        TWINE_REPOSITORY_URL=f"{registry.url}/legacy/",
        TWINE_USERNAME="pub",
        TWINE_PASSWORD="publisher-secret",
    )  # fmt: skip

    assert shown.returncode == 1
    assert SENTENCE in shown.stdout


def test_uv_shows_the_sentence(registry: RegistryServer, wheel: Path) -> None:
    shown = run(
        wheel.parent.parent, "uv", "publish", "--trusted-publishing", "never", str(wheel),
        UV_NO_CONFIG="1",
        UV_PUBLISH_URL=f"{registry.url}/legacy/",
        UV_PUBLISH_USERNAME="pub",
        UV_PUBLISH_PASSWORD="publisher-secret",
    )  # fmt: skip

    assert shown.returncode == 2
    assert SENTENCE in shown.stdout


def test_poetry_shows_the_sentence(registry: RegistryServer, wheel: Path) -> None:
    shown = run(
        wheel.parent.parent, "poetry", "publish", "-n", "-r", "private",
        POETRY_REPOSITORIES_PRIVATE_URL=f"{registry.url}/legacy/",
        POETRY_HTTP_BASIC_PRIVATE_USERNAME="pub",
        POETRY_HTTP_BASIC_PRIVATE_PASSWORD="publisher-secret",
    )  # fmt: skip

    assert shown.returncode == 1
    assert SENTENCE in shown.stdout
