"""What the pictures are of: a home with a Poetry of its own, an index that runs in it, projects."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.release.history.pipelines import PIPELINES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from scripts.pictures_projects import Project

USER, KEY = "ada", "ada-2026"
PORT = 8080  # where it is free: the one that the guides show
KEPT = ("PIP_", "PYTHONPATH", "SSL_", "REQUESTS_", "HTTP", "http", "no_proxy", "NO_PROXY")
GITCONFIG = """\
[user]
    name = Ada Lovelace
    email = ada@example.com
[init]
    defaultBranch = main
[core]
    pager = cat
[log]
    decorate = no
"""
# How the index is set up, beyond what `server init` writes. Pages are shown as behind a proxy with
# TLS; most downloads are those that its log tells of.
SETTINGS = """
trusted_proxies = ["127.0.0.1"]
followed_log = "{log}"

[signatures]
trust = "trust.toml"
"""


@dataclass(frozen=True)
class World:
    """A home at *root*, in which nothing is known of this machine's own settings."""

    root: Path
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)
    passphrase: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)

    @property
    def home(self) -> Path:
        """What ``~`` is."""
        return self.root / "home"

    @property
    def server(self) -> Path:
        """The home of the index."""
        return self.home / ".local/share/poetry-aegis/server"

    @property
    def env(self) -> dict[str, str]:
        """The environment of each command: what reaches this code, and nothing else of here."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(KEPT) and name not in PIPELINES
        }
        tools = os.path.dirname(sys.executable)  # noqa: PTH120 -- not resolved: it is in a venv
        return inherited | {
            "PATH": os.pathsep.join([tools, os.environ["PATH"]]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CEILING_DIRECTORIES": str(self.root),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }

    def run(self, *words: str, cwd: Path | None = None, stdin: str = "", **env: str) -> str:
        """Run a command and return what it prints; one that fails ends the program."""
        done = subprocess.run(
            words,
            cwd=cwd or self.home,
            env=self.env | env,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            sys.exit(f"{' '.join(words)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
        return done.stdout

    def aegis(self, *words: str, cwd: Path | None = None, stdin: str = "") -> str:
        """Run ``poetry aegis WORDS`` where the passphrase of the key is known."""
        return self.run(
            *("poetry", "aegis", *words),
            cwd=cwd,
            stdin=stdin,
            AEGIS_SIGNING_PASSPHRASE=self.passphrase,
        )

    def git(self, *words: str, cwd: Path) -> None:
        """Run git."""
        self.run("git", *words, cwd=cwd)


def make_world(root: Path) -> World:
    """Return a new world below the folder *root*."""
    world = World(root)
    world.home.mkdir(parents=True)
    (world.home / ".gitconfig").write_text(GITCONFIG)
    return world


@contextlib.contextmanager
def running_index(world: World, log: str = "") -> Iterator[str]:
    """Set an index up in *world*, with a key that it trusts, and stop it at the end.

    Yields its address. *log* is what a web server before it has logged so far.
    """
    secret = f"{world.password}\n"
    port = PORT if is_free(PORT) else 0
    world.aegis(
        *("server", "init", "--driver", "embedded", "--port", str(port)),
        *("--user", USER, "--password-stdin"),
        stdin=secret,
    )
    world.aegis("key", "generate", KEY)
    (world.server / "trust.toml").write_text(world.aegis("key", "export", KEY))
    log_file = world.root / "web.log"
    log_file.write_text(log)
    with (world.server / "server.toml").open("a") as settings:
        settings.write(SETTINGS.format(log=log_file))
    world.aegis("server", "start")
    try:
        world.aegis("client", "poetry", "--password-stdin", stdin=secret)
        yield str(json.loads(world.aegis("server", "status", "--json"))["url"]).rstrip("/")
    finally:
        world.aegis("server", "stop")


def is_free(port: int) -> bool:
    """Tell whether nobody listens on *port*."""
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write *files*, names to texts, below *folder*."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def publish(world: World, project: Project) -> None:
    """Build and publish each version of *project*, and give it its status."""
    folder = world.root / project.name
    for version in project.versions:
        write_files(folder, project.files(version))
        world.aegis("publish", *(["--sign"] if version == project.signed else []), cwd=folder)
    for version, reason in project.yanked.items():
        world.aegis("yank", f"{project.name}=={version}", "--reason", reason)
    if project.status:
        world.aegis("project", project.name, "--status", *project.status)
