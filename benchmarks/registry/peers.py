"""Other registries, each as its documentation installs and starts it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import bcrypt
import httpx

from benchmarks.registry.corpus import link_wheels, wheels_of
from benchmarks.registry.nginx import nginx_command
from benchmarks.registry.servers import (
    COST,
    PASSWORD,
    PATIENCE,
    USER,
    Command,
    Server,
    basic,
    free_port,
    running,
)
from benchmarks.registry.uploading import upload_all

if TYPE_CHECKING:
    from pathlib import Path


class Peer(Server):
    """A server of others, in a virtual environment of its own. *requirements* are pinned."""

    requirements: tuple[str, ...] = ()

    @property
    def programs(self) -> Path:
        """Where its programs are."""
        pinned = self.requirements[0].partition("[")[0].replace("==", "-")
        return self.lab.cache / pinned / "bin"

    def prepare(self) -> None:
        """Install it unless it is, and fill it."""
        environment = self.programs.parent
        if not (environment / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
            pip = [str(self.programs / "python"), "-m", "pip", "--disable-pip-version-check"]
            subprocess.run([*pip, "install", "-qq", *self.requirements], check=True)
            (environment / "ready").touch()
        if not (self.home / "filled").exists():
            self.fill()
            (self.home / "filled").touch()

    def fill(self) -> None:
        """Give it the corpus."""


class Pypiserver(Peer):
    name = "pypiserver 2.4.2"
    requirements = ("pypiserver[passlib,cache]==2.4.2", "bcrypt==4.0.1")
    legacy = "/"
    users = f"bcrypt {COST}"
    credential = (USER, PASSWORD)
    asks_for = "update,download,list"

    def fill(self) -> None:
        link_wheels(self.lab.corpus, self.home / "wheels")
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(COST)).decode()
        (self.home / "htpasswd").write_text(f"{USER}:{hashed}\n")

    def commands(self, port: int) -> list[Command]:
        program = [str(self.programs / "pypi-server"), "run", "-i", "127.0.0.1", "-p", str(port)]
        users = ["-P", str(self.home / "htpasswd"), "-a", self.asks_for, "--disable-fallback"]
        return [Command([*program, *users, str(self.home / "wheels")])]


class OpenPypiserver(Pypiserver):
    name = "pypiserver 2.4.2, open"
    users = "uploads only"
    asks_for = "update"


class Devpi(Peer):
    name = "devpi-server 6.20.3"
    requirements = ("devpi-server==6.20.3", "setuptools<81")
    users = "uploads only"
    index = "/root/bench/+simple/"
    legacy = "/root/bench/"
    uploader = ("root", PASSWORD)

    def fill(self) -> None:
        state = ["--serverdir", str(self.home / "state")]
        init = [str(self.programs / "devpi-init"), *state]
        options = ["--no-root-pypi", "--root-passwd", PASSWORD]
        subprocess.run([*init, *options], check=True, capture_output=True)
        with running(self) as started:
            # A password would be hashed anew for each file; a token is good until the next start.
            self.uploader = ("root", self._make_index(started.url))
            uploaded = upload_all(started, wheels_of(self.lab.corpus), at_once=4)
        self.uploader = Devpi.uploader
        if uploaded.failed:
            sys.exit(f"{self.name} refused {uploaded.failed} of {uploaded.count} uploads")

    def commands(self, port: int) -> list[Command]:
        program = [str(self.programs / "devpi-server"), "--serverdir", str(self.home / "state")]
        return [Command([*program, "--host", "127.0.0.1", "--port", str(port)])]

    def _make_index(self, url: str) -> str:
        """Make the index, and return a token of its owner's."""
        with httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE) as client:
            login = client.post("/+login", json={"user": "root", "password": PASSWORD})
            token = str(login.raise_for_status().json()["result"]["password"])
            encoded = basic(("root", token))["Authorization"].partition(" ")[2]
            index = {"type": "stage", "bases": [], "volatile": True}
            made = client.put("/root/bench", json=index, headers={"X-Devpi-Auth": encoded})
            made.raise_for_status()
        return token


class Peryx(Peer):
    name = "peryx 2026.1010"
    requirements = ("peryx==2026.1010.0",)
    users = "token in its settings"
    index = "/bench/simple/"
    legacy = "/bench/"
    credential = ("__token__", f"{PASSWORD}-of-a-length-it-takes")

    def fill(self) -> None:
        wheels = str(link_wheels(self.lab.corpus, self.home / "wheels"))
        settings = self._settings(free_port())
        program = [str(self.programs / "peryx"), "import-dir", "-c", settings, "bench", wheels]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"peryx import-dir failed: {done.stderr[-1000:]}")

    def commands(self, port: int) -> list[Command]:
        return [Command([str(self.programs / "peryx"), "serve", "-c", self._settings(port)])]

    def _settings(self, port: int) -> str:
        assert self.credential is not None
        file = self.home / "peryx.toml"
        file.write_text(f"""\
host = "127.0.0.1"
port = {port}
data_dir = "{self.home / "state"}"

[[index]]
name = "bench"
route = "bench"
hosted = true
anonymous_read = false

[[index.access_token]]
name = "bench"
secret = "{self.credential[1]}"
actions = ["read", "write"]
""")
        return str(file)


class Proxpi(Peer):
    name = "proxpi 1.3.1"
    requirements = ("proxpi==1.3.1", "gunicorn==23.0.0", "setuptools<81")
    users = "nobody asked; a cache before nginx"
    index = "/index/"

    def commands(self, port: int) -> list[Command]:
        behind = free_port()
        floor = nginx_command(self.home / "nginx", self.lab.corpus.root, behind)
        program = [str(self.programs / "gunicorn"), "--bind", f"127.0.0.1:{port}"]
        options = ["--threads", "2", "proxpi.server:app"]
        environment = {
            "PROXPI_INDEX_URL": f"http://127.0.0.1:{behind}/simple/",
            "PROXPI_CACHE_DIR": str(self.home / "cache"),
        }
        return [Command(floor), Command([*program, *options], environment)]
