"""The main job, for real: this repository releases and publishes itself, and is installed.

Everything happens in a temporary directory with a Poetry home, an index and a git remote of its
own. Each command is printed as it runs; nothing is left running.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.poetry_api import pypi_urls

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
BOLD, DIM, GREEN, OFF = (
    ("\033[1m", "\033[2m", "\033[32m", "\033[0m") if sys.stdout.isatty() else ("", "", "", "")
)


@dataclass
class Stage:
    """The directory of the demonstration, and the environment its commands run in."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)

    def run(self, *command: str | Path, cwd: Path | None = None, stdin: str | None = None) -> None:
        """Print *command* and run it; a failure ends the demonstration with its exit code."""
        words = [str(word) for word in command]
        print(f"\n{BOLD}$ {self._shorten(shlex.join(words))}{OFF}", flush=True)
        done = subprocess.run(
            words,
            cwd=cwd or self.root,
            env=self.env,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"The command failed with exit code {done.returncode}.")

    def read(self, *command: str | Path, cwd: Path | None = None) -> str:
        """Return what *command* prints, without showing it."""
        words = [str(word) for word in command]
        done = subprocess.run(
            words, cwd=cwd or self.root, env=self.env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def _shorten(self, line: str) -> str:
        for long, short in self.shown.items():
            line = line.replace(long, short)
        return line


def main() -> None:
    """Run the demonstration in a temporary directory and remove it."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="poetry-aegis-demo-") as directory:
        stage = make_stage(Path(directory))
        heading("A private package index of your own")
        with running_index(stage) as (url, password):
            heading("This very repository, with its history and a remote to push to")
            clone = clone_repository(stage)
            heading("From commits to a published package, in one command")
            stage.run("poetry", "aegis", "release", "auto", "--push-tag", "--publish", cwd=clone)
            version = stage.read("poetry", "version", "--short", cwd=clone)
            heading("Installed with pip, from the index")
            install_with_pip(stage, version)
            heading("Installed with `poetry self add`, into another Poetry")
            install_with_poetry(stage, url, password)
            summary = summarise(stage, clone, version, url)
        print(f"\n{GREEN}{summary}{OFF}")
        print(f"{DIM}{time.monotonic() - started:.0f} s. Nothing was left running.{OFF}")


def make_stage(root: Path) -> Stage:
    """Return a stage whose Poetry, git and pip know nothing of the user's own settings."""
    if not shutil.which("git"):
        sys.exit("The demonstration needs git on PATH.")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("POETRY_", "GIT_", "AEGIS_")) and name != "VIRTUAL_ENV"
    }
    env = kept | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "AEGIS_SERVER_HOME": str(root / "index"),
        "NETRC": str(root / "netrc"),
        **poetry_home(root / "poetry"),
    }
    return Stage(root, env, {f"{BIN}{os.sep}": "", f"{root}{os.sep}": "", str(root): "."})


def poetry_home(root: Path) -> dict[str, str]:
    """Return the variables that give Poetry a home of its own under *root*."""
    return {
        "POETRY_CONFIG_DIR": str(root / "config"),
        "POETRY_DATA_DIR": str(root / "data"),
        "POETRY_CACHE_DIR": str(root / "cache"),
        "POETRY_KEYRING_ENABLED": "false",
    }


@contextlib.contextmanager
def running_index(stage: Stage) -> Iterator[tuple[str, str]]:
    """Set an index up, start it, and stop it at the end; yield its URL and the password."""
    password = secrets.token_urlsafe(18)
    stage.run(
        *("poetry", "aegis", "server", "init", "--port", "0", "--password-stdin"),
        stdin=f"{password}\n",
    )
    stage.run("poetry", "aegis", "server", "start")
    try:
        url = json.loads(stage.read("poetry", "aegis", "server", "status", "--json"))["url"]
        stage.run("poetry", "aegis", "client", "poetry", "--password-stdin", stdin=f"{password}\n")
        netrc = stage.root / "netrc"
        netrc.touch(mode=0o600)
        netrc.write_text(f"machine 127.0.0.1 login admin password {password}\n")
        yield url.rstrip("/"), password
    finally:
        stage.run("poetry", "aegis", "server", "stop")


def clone_repository(stage: Stage) -> Path:
    """Return a clone of this repository whose remote is a bare copy of it."""
    origin, clone = stage.root / "origin.git", stage.root / "poetry-aegis"
    stage.shown[str(REPOSITORY)] = "THIS-REPOSITORY"
    stage.run("git", "clone", "--quiet", "--bare", REPOSITORY, origin)
    # Wherever this checkout stands, a detached HEAD of a CI job too, becomes the branch main.
    head = stage.read("git", "-C", REPOSITORY, "rev-parse", "HEAD")
    stage.read("git", "-C", origin, "update-ref", "refs/heads/main", head)
    stage.read("git", "-C", origin, "symbolic-ref", "HEAD", "refs/heads/main")
    stage.run("git", "clone", "--quiet", origin, clone)
    stage.run("git", "-C", clone, "config", "user.name", "Demonstration")
    stage.run("git", "-C", clone, "config", "user.email", "demo@example.com")
    return clone


def install_with_pip(stage: Stage, version: str) -> None:
    """Install the released version from the index; its dependencies are another index's."""
    venv = stage.root / "pip-user"
    stage.run(sys.executable, "-m", "venv", venv)
    index = json.loads(stage.read("poetry", "aegis", "server", "status", "--json"))["url"]
    stage.run(
        *(executable(venv, "pip"), "install", "-qq", "--no-deps", "--no-cache-dir"),
        *("--disable-pip-version-check", "--index-url", f"{index.rstrip('/')}/simple/"),
        f"poetry-aegis=={version}",
    )
    stage.run(executable(venv, "pip"), "show", "poetry-aegis")


def install_with_poetry(stage: Stage, url: str, password: str) -> None:
    """Make a second Poetry and add the plugin to it from the index."""
    venv = stage.root / "second-poetry"
    stage.run(sys.executable, "-m", "venv", venv)
    stage.run(*(executable(venv, "pip"), "install", "-qq", "--disable-pip-version-check", "poetry"))
    second = Stage(
        stage.root,
        stage.env
        | poetry_home(stage.root / "second")
        | {
            "POETRY_HTTP_BASIC_AEGIS_USERNAME": "admin",
            "POETRY_HTTP_BASIC_AEGIS_PASSWORD": password,
        },
        stage.shown,
    )
    config = stage.root / "second" / "config"
    config.mkdir(parents=True)
    # The plugin comes from the index and nowhere else, what it needs from the public one.
    (config / "pyproject.toml").write_text(
        "[tool.poetry]\npackage-mode = false\n"
        + source("aegis", f"{url}/simple/", "explicit")
        + source("public", pypi_urls()[1], "primary")
    )
    poetry = executable(venv, "poetry")
    second.run(poetry, "self", "add", "--source", "aegis", "poetry-aegis")
    second.run(poetry, "aegis", "--help")


def source(name: str, url: str, priority: str) -> str:
    """Return a package source as Poetry writes it into TOML."""
    return f'\n[[tool.poetry.source]]\nname = "{name}"\nurl = "{url}"\npriority = "{priority}"\n'


def summarise(stage: Stage, clone: Path, version: str, url: str) -> str:
    """Return what the user of these commands has now."""
    tag = stage.read("git", "-C", clone, "describe", "--tags", "--exact-match")
    pushed = stage.read("git", "-C", stage.root / "origin.git", "tag", "--list", tag)
    files = sorted(path.name for path in (clone / "dist").iterdir())
    return "\n".join(
        [
            f"What you have seen made, with poetry-aegis {version}:",
            f"  - a private package index at {url}, with a user and a password",
            f"  - a release: CHANGELOG.md, a commit, and the tag {pushed}, pushed to the remote",
            f"  - {' and '.join(files)}, published, and verified by sha256",
            "  - an installation of it by pip, and one by Poetry, where `poetry aegis` answers",
        ]
    )


def executable(venv: Path, name: str) -> Path:
    """Return the program *name* of the virtual environment *venv*."""
    return venv / ("Scripts" if os.name == "nt" else "bin") / name


def heading(text: str) -> None:
    """Print a heading."""
    print(f"\n{BOLD}== {text}{OFF}", flush=True)


if __name__ == "__main__":
    main()
