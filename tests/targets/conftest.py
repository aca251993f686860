"""Servers of others, each started once, and a Poetry that knows one of them as ``theirs``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support import peers
from tests.support.distributions import core_metadata, make_sdist, make_wheel

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Theirs:
    """A project, a Poetry, and the server that it publishes to as ``theirs``."""

    peer: peers.Peer
    poetry: PoetryHome
    project: Path
    name: str
    secrets: list[str] = field(default_factory=list)

    @property
    def dist(self) -> Path:
        return self.project / "dist"

    def knows(self, url: str, user: tuple[str, str] | None) -> None:
        """Configure the server as a user does who logs in as *user*."""
        folder = self.poetry.root / "config"
        folder.mkdir(exist_ok=True)
        (folder / "config.toml").write_text(f'[repositories.theirs]\nurl = "{url}"\n')
        lines = ""
        if user:
            lines = f'[http-basic.theirs]\nusername = "{user[0]}"\npassword = "{user[1]}"\n'
            self.secrets.append(user[1])
        (folder / "auth.toml").write_text(lines)

    def publish(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command, and see that it tells no password."""
        return self.run("publish", "-r", "theirs", *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        run = self.poetry.run("aegis", *arguments, cwd=self.project)
        for secret in self.secrets:
            assert secret not in run.stdout + run.stderr
        return run

    def has(self, *files: Path) -> dict[str, str]:
        """Return the hashes of *files*, by name."""
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    def shown(self) -> dict[str, str]:
        """Return what the index shows of the project: hashes by file name."""
        answer = httpx.get(
            f"{self.peer.index_url}{self.name}/",
            headers={"Accept": f"{JSON}, text/html;q=0.1"},
            auth=self.peer.publisher,
            trust_env=False,
        )
        if answer.status_code == 404:
            return {}
        if "json" in answer.headers["content-type"]:
            files = json.loads(answer.text)["files"]
            return {file["filename"]: file["hashes"]["sha256"] for file in files}
        links = [link.partition('"')[0] for link in answer.text.split('href="')[1:]]
        pairs = (link.rpartition("/")[2].partition("#sha256=") for link in links)
        return {name: sha256 for name, _, sha256 in pairs}

    def build(self, *, content: str = "") -> tuple[Path, Path]:
        """Put an sdist and a wheel of version 1.0.0 into ``dist/``."""
        package = self.name.replace("-", "_")
        member = f"{package}/__init__.py"
        # peryx takes no sdist with the metadata of before PEP 643.
        metadata = core_metadata(self.name).replace(
            "Metadata-Version: 2.1", "Metadata-Version: 2.2"
        )
        return (
            make_sdist(
                self.dist,
                self.name,
                metadata=metadata,
                files={f"{package}-1.0.0/{member}": content},
            ),
            make_wheel(self.dist, self.name, metadata=metadata, files={member: content}),
        )


def start(kind: type[peers.Kind], factory: pytest.TempPathFactory) -> Iterator[peers.Peer]:
    with peers.running_peer(kind, factory.mktemp("peer")) as running:
        yield running


def kind_name(kind: type[peers.Kind]) -> str:
    return kind.name


@pytest.fixture(scope="session", params=[peers.Pypiserver, peers.Devpi, peers.Peryx], ids=kind_name)
def peer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[peers.Peer]:
    """Return each of the servers as it is set up mostly."""
    yield from start(request.param, tmp_path_factory)


@pytest.fixture
def theirs(
    peer: peers.Peer, poetry: PoetryHome, tmp_path: Path, request: pytest.FixtureRequest
) -> Theirs:
    """Return a project of the test's own, and the publisher's password."""
    return make_theirs(peer, poetry, tmp_path / "project", request.node.name)


def make_theirs(peer: peers.Peer, poetry: PoetryHome, root: Path, test: str) -> Theirs:
    name = test.partition("[")[0].removeprefix("test_").replace("_", "-")
    package = root / "src" / name.replace("-", "_")
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("ANSWER = 42\n")
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0.0"\ndescription = "A demo."\n'
        'requires-python = ">=3.9"\n'
        "[tool.poetry]\npackages = [{ from = 'src', include = '*' }]\n"
        '[build-system]\nrequires = ["poetry-core>=2.0"]\n'
        'build-backend = "poetry.core.masonry.api"\n'
    )
    theirs = Theirs(peer, poetry, root, name)
    theirs.knows(peer.upload_url, peer.publisher)
    return theirs
