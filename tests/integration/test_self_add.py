"""The plugin in a Poetry of its own: added, given another extra, brought up to date, set back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import MissingExtra
from poetry_aegis.poetry_api import pypi_urls
from poetry_aegis.server.drivers.standing import way_back
from tests.support.git import make_project
from tests.support.needs import missing
from tests.support.poetry import make_home
from tests.support.registry import running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.registry import RegistryServer

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 300  # seconds, for what comes from the public index
WAY_OUT = re.compile(r'poetry (self add "poetry-aegis[^"]*")')


@dataclass(frozen=True)
class OtherPoetry:
    """A Poetry in the environment *venv*, whose only plugin is the one that is added."""

    venv: Path
    env: dict[str, str]
    cwd: Path
    index: RegistryServer

    def python(self, *arguments: str) -> str:
        """Return what its Python prints for *arguments*."""
        done = self._run([self.venv / "bin" / "python", *arguments])
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def poetry(self, *arguments: str) -> str:
        """Return what ``poetry ARGUMENTS`` prints."""
        done = self._run([self.venv / "bin" / "poetry", *arguments])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def way_out_of(self, *arguments: str) -> str:
        """Return the ``self add`` that is named where an extra is missing for *arguments*."""
        done = self._run([self.venv / "bin" / "poetry", *arguments])
        assert done.returncode == MissingExtra.exit_code, done.stdout + done.stderr
        return self.named_in(done.stderr)

    def named_in(self, text: str) -> str:
        """Return the arguments of the ``self add`` that *text* names."""
        found = WAY_OUT.search(" ".join(text.split()))
        assert found, text
        return found[1]

    def follow(self, way: str) -> None:
        """Run the ``self add`` that somebody was shown."""
        _self, _add, requirement = way.split(" ")
        self.poetry("self", "add", "--source", "aegis", requirement.strip('"'))

    @property
    def plugin_version(self) -> str:
        return self.python("-c", "from importlib.metadata import *; print(version('poetry-aegis'))")

    def _run(self, command: list[str | Path]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command],
            cwd=self.cwd,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )


@pytest.fixture
def other(tmp_path: Path) -> Iterator[OtherPoetry]:
    """Yield a Poetry beside an index that has the plugin's version 1.0.0."""
    venv = tmp_path / "venv"
    install_poetry(venv)
    home = make_home(tmp_path / "home")
    with running_registry(tmp_path / "data") as registry:
        assert upload(registry, build_plugin(tmp_path / "first", "1.0.0")).status_code == 200
        config = home.root / "config"
        config.mkdir()
        # The plugin comes from the index and nowhere else, what it needs from the public one.
        (config / "pyproject.toml").write_text(
            "[tool.poetry]\npackage-mode = false\n"
            + source("aegis", f"{registry.url}/simple/", "explicit")
            + source("public", pypi_urls()[1], "primary")
        )
        env = home.env | {
            "AEGIS_SIGNING_PASSPHRASE": "correct horse battery staple",
            "POETRY_HTTP_BASIC_AEGIS_USERNAME": "rae",
            "POETRY_HTTP_BASIC_AEGIS_PASSWORD": registry.users["rae"][0],
        }
        env.pop("PYTHONPATH", None)  # this checkout must not be found in its place
        yield OtherPoetry(venv, env, make_templated(tmp_path / "project"), registry)


def install_poetry(venv: Path) -> None:
    """Make an environment with this very Poetry in *venv*, and nothing else."""
    uv = (sys.executable, "-m", "uv")
    for command in (
        (*uv, "venv", "--python", sys.executable, str(venv)),
        (*uv, "pip", "install", "--python", str(venv), f"poetry=={version('poetry')}"),
    ):
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if done.returncode:
            missing(f"needs a second Poetry, which cannot be installed: {done.stderr[-300:]}")


def build_plugin(folder: Path, number: str) -> Path:
    """Return a wheel of this checkout, whose version is *number*."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "src", folder / "src", ignore=ignored)
    pyproject = folder / "pyproject.toml"
    text, changes = re.subn(
        r'^version = ".*"$', f'version = "{number}"', pyproject.read_text(), flags=re.MULTILINE
    )
    assert changes == 1
    pyproject.write_text(text)
    command = "import sys; from poetry.core.masonry.api import *; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", command, "."], cwd=folder, check=True, env=os.environ)
    return next(folder.glob("*.whl"))


def make_templated(folder: Path) -> Path:
    """Return a project whose changelog is written by a template of its own."""
    project = make_project(folder)
    settings = '[tool.poetry-aegis]\nchangelog_template = "section.md.j2"\n'
    project.pyproject.write_text(f"{project.pyproject.read_text()}\n{settings}")
    template = "{% for section in sections %}Templated {{ section.heading }}{% endfor %}\n"
    project.commit("feat: a thing", **{"section.md.j2": template})
    return folder


def source(name: str, url: str, priority: str) -> str:
    """Return a package source as Poetry writes it."""
    return f'[[tool.poetry.source]]\nname = "{name}"\nurl = "{url}"\npriority = "{priority}"\n'


def test_from_the_bare_plugin_to_all_of_it_and_back(other: OtherPoetry, tmp_path: Path) -> None:
    other.poetry("self", "add", "--source", "aegis", "poetry-aegis==1.0.0")
    assert "poetry aegis release" in other.poetry("aegis")
    other.follow(other.way_out_of("aegis", "key", "generate", "ada"))
    assert "The key ada is in" in other.poetry("aegis", "key", "generate", "ada")
    # The next extra does not remove the one before.
    other.follow(other.way_out_of("aegis", "changelog"))
    assert "Templated" in other.poetry("aegis", "changelog")
    assert "The key eve is in" in other.poetry("aegis", "key", "generate", "eve")
    other.follow(other.way_out_of("aegis", "server", "init", "--driver", "embedded"))
    other.poetry("aegis", "server", "init", "--driver", "embedded", "--port", "0")
    other.poetry("aegis", "server", "start")
    try:
        assert upload(other.index, build_plugin(tmp_path / "next", "1.1.0")).status_code == 200
        upgrade_and_set_back(other)
    finally:
        other.poetry("aegis", "server", "stop")
    assert "Templated" in other.poetry("aegis", "changelog")


def upgrade_and_set_back(other: OtherPoetry) -> None:
    """Bring the plugin up to date as ``server upgrade --help`` says, and back as it says."""
    other.follow(other.named_in(other.poetry("aegis", "server", "upgrade", "--help")))
    assert other.plugin_version == "1.1.0"
    other.poetry("aegis", "server", "upgrade")
    code = f"from {way_back.__module__} import way_back; print(way_back({{}}))"
    back = other.named_in(other.python("-c", code))
    other.follow(back.replace("VERSION", "1.0.0"))
    assert other.plugin_version == "1.0.0"
    other.poetry("aegis", "server", "restart")
