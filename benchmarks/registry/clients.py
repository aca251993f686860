"""pip, uv and Poetry on 40 packages that need one another: seconds, and bytes served."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.processes import run
from benchmarks.registry.counting import counting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.registry.servers import Running

RESOLVED, DOWNLOADED, COMPILED, LOCKED = (
    "pip install --dry-run",
    "pip download",
    "uv pip compile",
    "poetry lock",
)
TASKS = (RESOLVED, DOWNLOADED, COMPILED, LOCKED)
SETTINGS = ("PIP_", "UV_", "POETRY_", "HTTP", "http", "ALL_PROXY", "all_proxy", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Client:
    """How a client fared: wall *seconds*, *megabytes* served to it, its exit *status*."""

    seconds: float
    megabytes: float
    status: int
    late: bool

    @property
    def failed(self) -> bool:
        """Whether it did not do its work, or not in time."""
        return self.late or self.status != 0


def run_client(task: str, started: Running, packages: Sequence[str], bound: float) -> Client:
    """Run the client of *task* with nothing cached, for *bound* seconds at the most."""
    with (
        tempfile.TemporaryDirectory(prefix="client-") as directory,
        counting(urlsplit(started.url).port or 80) as counter,
    ):
        folder = Path(directory)
        index = started.index_url(counter.url)
        command = _COMMANDS[task](folder, index, packages)
        with (folder / "output.log").open("wb") as output:
            outcome = run(command, cwd=folder, env=_settings(folder), bound=bound, output=output)
        served = counter.served / 2**20
        return Client(outcome.seconds, served, outcome.status, outcome.late)


def _resolve(_folder: Path, index: str, packages: Sequence[str]) -> list[str]:
    report = ["--dry-run", "--ignore-installed", "--quiet"]
    return [*_pip("install"), *report, "--index-url", index, *packages]


def _download(folder: Path, index: str, packages: Sequence[str]) -> list[str]:
    wheels = str(folder / "wheels")
    return [
        *_pip("download"),
        "--quiet",
        "--no-deps",
        "-d",
        wheels,
        "--index-url",
        index,
        *packages,
    ]


def _compile(folder: Path, index: str, packages: Sequence[str]) -> list[str]:
    (folder / "requirements.in").write_text("\n".join(packages))
    options = ["--quiet", "--no-config", "--python", sys.executable, "--index-url", index]
    return [_program("uv"), "pip", "compile", *options, "requirements.in"]


def _lock(folder: Path, index: str, packages: Sequence[str]) -> list[str]:
    needed = "\n".join(f'    "{package}",' for package in packages)
    (folder / "pyproject.toml").write_text(f"""\
[project]
name = "asks"
version = "1.0"
requires-python = ">=3.10"
dependencies = [
{needed}
]

[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "bench"
url = "{index}"
priority = "primary"
""")
    return [_program("poetry"), "lock", "--no-interaction"]


_COMMANDS = {RESOLVED: _resolve, DOWNLOADED: _download, COMPILED: _compile, LOCKED: _lock}


def _pip(command: str) -> list[str]:
    options = ["--isolated", "--no-cache-dir", "--disable-pip-version-check", "--no-input"]
    return [sys.executable, "-m", "pip", command, *options]


def _program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        sys.exit(f"{name} is not on PATH; the benchmark measures what it makes of an index.")
    return found


def _settings(folder: Path) -> Mapping[str, str]:
    """Return an environment without settings of this machine, and with no cache yet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    homes = {f"POETRY_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "CACHE")}
    return {
        **kept,
        **homes,
        "PIP_CONFIG_FILE": os.devnull,
        "UV_CACHE_DIR": str(folder / "uv"),
        "POETRY_VIRTUALENVS_CREATE": "false",
        "POETRY_KEYRING_ENABLED": "false",
    }
