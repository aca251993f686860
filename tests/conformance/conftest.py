"""A registry with something to choose from, and the clients that choose."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from poetry_aegis.registry.people.users import Users
from tests.conformance.relay import FORMATS, Index, relayed
from tests.support.distributions import make_sdist, make_wheel
from tests.support.needs import missing
from tests.support.registry import CHEAP_ROUNDS, HTTP, RegistryServer, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENTS = ("hatch", "flit", "pdm[locked]")  # pdm does not bear the newest of what it needs
YANKED_FOR = "forgets what it was told"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """Return a registry of the module's own; see `stock` for what is in it."""
    folder = tmp_path_factory.mktemp("registry")
    with running_registry(folder / "data") as server:
        stock(server, folder)
        yield server


@pytest.fixture(params=FORMATS)
def index(registry: RegistryServer, request: pytest.FixtureRequest) -> Iterator[Index]:
    """Return the registry as seen by a client that is given JSON, then HTML."""
    with relayed(registry, request.param) as found:
        yield found


@pytest.fixture
def json_index(registry: RegistryServer) -> Iterator[Index]:
    """Return the registry as a client sees it that asks for what it likes best."""
    with relayed(registry, "json") as found:
        yield found


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of hatch's, pdm's and flit's programs, installed once a session.

    They have an environment of their own: what they need fights with what Poetry needs.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "clients"
    ready = shared / "clients-ready"
    with FileLock(shared / "clients.lock"):
        if not ready.exists():
            install_clients(folder)
            ready.touch()
    return folder / ("Scripts" if os.name == "nt" else "bin")


def install_clients(folder: Path) -> None:
    """Make an environment of the clients in *folder*, with this machine's package index."""
    uv = (sys.executable, "-m", "uv")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    for command in (
        (*uv, "venv", "--clear", "--python", sys.executable, str(folder)),
        (*uv, "pip", "install", "--python", str(python), *CLIENTS),
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            missing(f"needs hatch, pdm and flit, which cannot be installed: {done.stderr[-300:]}")


def stock(server: RegistryServer, folder: Path) -> None:
    """Fill *server*: ``top`` needs ``base``, of which only 1.0.0 and 2.0.0 are to be chosen.

    2.5.0 is yanked, and 3.0.0 is for a Python yet to come.
    """
    pythons = {"1.0.0": ">=3.8", "2.0.0": ">=3.8", "2.5.0": ">=3.8", "3.0.0": ">=9"}
    files = [
        make_wheel(folder, "base", version, requires_python=python)
        for version, python in pythons.items()
    ]
    files += [make_sdist(folder, "base", "1.0.0", requires_python=">=3.8")]
    files += [make_wheel(folder, "top", requires=["base>=1"], requires_python=">=3.8")]
    for file in files:
        assert upload(server, file).status_code == 200
    yank = f"{server.url}/api/v1/projects/base/versions/2.5.0/yank"
    publisher = ("pub", server.users["pub"][0])
    assert HTTP.put(yank, json={"reason": YANKED_FOR}, auth=publisher).status_code == 200


def set_status(server: RegistryServer, project: str, status: str, reason: str) -> None:
    """Give *project* a status (PEP 792)."""
    answer = HTTP.patch(
        f"{server.url}/api/v1/projects/{project}",
        json={"status": status, "reason": reason},
        auth=("ada", server.users["ada"][0]),
    )
    assert answer.status_code == 200, answer.text


def make_token(server: RegistryServer, user: str, *actions: str) -> str:
    """Return a new API token of *user*, limited to *actions* where there are any."""
    users = Users(server.data / "auth", rounds=CHEAP_ROUNDS)
    return users.create_token(user, actions=actions)[1]


@pytest.fixture
def keyring(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a client whose keyring knows the reader's password."""
    folder = tmp_path / "keyring-backend"
    folder.mkdir()
    (folder / "corp_keyring.py").write_text(
        "from keyring.backend import KeyringBackend\n"
        "from keyring.credentials import SimpleCredential\n\n\n"
        "class Keyring(KeyringBackend):\n"
        "    priority = 1\n\n"
        "    def get_password(self, service, username):\n"
        "        return 'reader-secret' if username in (None, 'rae') else None\n\n"
        "    def get_credential(self, service, username):\n"
        "        return SimpleCredential('rae', 'reader-secret')\n\n"
        "    def set_password(self, service, username, password):\n"
        "        raise NotImplementedError\n"
    )
    programs = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"  # noqa: PTH120
    return {
        "PATH": programs,
        "PYTHONPATH": str(folder),
        "PYTHON_KEYRING_BACKEND": "corp_keyring.Keyring",
    }
