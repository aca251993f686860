"""Index servers of others, each in an environment of its own, as their documentation starts them.

They are those of the benchmarks, installed once into the same folder, but empty, and with one user
who may publish and, where the server can tell them apart, one who may only read.
"""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt
import httpx
from benchmarks.registry import peers
from benchmarks.registry.servers import Lab, basic, running
from filelock import FileLock

from poetry_aegis.registry.data import DataDirectory
from tests.support.needs import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.registry.servers import Command, Server

Kind = peers.Peer
CACHE = Path.home() / ".cache" / "poetry-aegis-benchmarks"
PUBLISHER = ("pub", "publisher-secret")
READER = ("rae", "reader-secret")
_CHEAP = 4  # rounds of bcrypt, its least


@dataclass(frozen=True)
class Peer:
    """A running server: where it takes uploads, and where pip reads it."""

    name: str
    upload_url: str
    index_url: str
    publisher: tuple[str, str]
    reader: tuple[str, str] | None

    def index_for(self, user: tuple[str, str]) -> str:
        """Return the address of the index with the credentials in it, as pip takes it."""
        scheme, _, rest = self.index_url.partition("://")
        return f"{scheme}://{user[0]}:{user[1]}@{rest}"


class Pypiserver(peers.Pypiserver):
    """Whoever has a password may publish: it knows no other rights."""

    index = "/simple/"
    credential = PUBLISHER

    def fill(self) -> None:
        """Give it an empty folder, and its user."""
        (self.home / "wheels").mkdir()
        hashed = bcrypt.hashpw(PUBLISHER[1].encode(), bcrypt.gensalt(_CHEAP)).decode()
        (self.home / "htpasswd").write_text(f"{PUBLISHER[0]}:{hashed}\n")


class OverwritingPypiserver(Pypiserver):
    name = "pypiserver that overwrites"

    def commands(self, port: int) -> list[Command]:
        """Return it with the option that lets files be replaced."""
        (command,) = super().commands(port)
        program, run, *options = command.arguments
        return [type(command)([program, run, "--overwrite", *options])]


class Devpi(peers.Devpi):
    """An index that keeps what it has."""

    index = "/pub/dev/+simple/"
    legacy = "/pub/dev/"
    credential = PUBLISHER
    reader = READER
    volatile = False

    def fill(self) -> None:
        """Make the users, and an index that one of them may upload to."""
        init = [str(self.programs / "devpi-init"), "--serverdir", str(self.home / "state")]
        options = ["--no-root-pypi", "--root-passwd", "root-secret"]
        subprocess.run([*init, *options], check=True, capture_output=True)
        with running(self) as started, httpx.Client(base_url=started.url, trust_env=False) as http:
            for name, password in (PUBLISHER, READER):
                made = http.put(f"/{name}", json={"password": password})
                made.raise_for_status()
            login = {"user": PUBLISHER[0], "password": PUBLISHER[1]}
            token = http.post("/+login", json=login).raise_for_status().json()["result"]["password"]
            encoded = basic((PUBLISHER[0], token))["Authorization"].partition(" ")[2]
            index = {"type": "stage", "bases": [], "volatile": self.volatile}
            headers = {"X-Devpi-Auth": encoded}
            http.put("/pub/dev", json=index, headers=headers).raise_for_status()


class VolatileDevpi(Devpi):
    """An index whose files may be replaced."""

    name = "devpi-server, volatile"
    volatile = True


class Peryx(peers.Peryx):
    """Tokens, each with what it may do."""

    credential = ("__token__", f"{PUBLISHER[1]}-of-a-length-it-takes")
    reader = ("__token__", f"{READER[1]}-of-a-length-it-takes")

    def fill(self) -> None:
        """Leave it empty."""

    def _settings(self, port: int) -> str:
        file = Path(super()._settings(port))
        with file.open("a") as stream:
            stream.write(
                f'\n[[index.access_token]]\nname = "reader"\nsecret = "{self.reader[1]}"\n'
                'actions = ["read"]\n'
            )
        return str(file)


@contextlib.contextmanager
def running_peer(kind: type[Kind], root: Path) -> Iterator[Peer]:
    """Run a server in *root* until the block ends.

    Where it cannot be installed, the test that asks skips, or fails where all must run.
    """
    lab = Lab(root, CACHE, DataDirectory.open(root / "corpus"))
    CACHE.mkdir(parents=True, exist_ok=True)
    server = kind(lab)
    try:
        with FileLock(CACHE / f"{server.programs.parent.name}.lock"):
            server.prepare()
        with running(server) as started:
            yield _peer(server, started.url)
    except subprocess.CalledProcessError as error:
        if not {"pip", "venv"} & set(error.cmd):
            raise  # It is installed, and does not start.
        missing(f"needs {kind.name}, which cannot be installed")
    except SystemExit as error:  # of the benchmarks
        raise AssertionError(str(error)) from None


def _peer(server: Server, url: str) -> Peer:
    assert server.credential is not None
    assert server.legacy is not None
    return Peer(
        server.name,
        f"{url}{server.legacy}",
        f"{url}{server.index}",
        server.credential,
        getattr(server, "reader", None),
    )
