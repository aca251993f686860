"""The install step of a pipeline with ``plugin_index``: pip, between two indexes of one name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from poetry_aegis.ci.project import PipelineProject, Tools
from poetry_aegis.ci.rendering import render
from tests.support.distributions import make_wheel
from tests.support.needs import needs_program
from tests.support.registry import running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.ci.rendering import Kind
    from tests.support.registry import RegistryServer

ORIGIN = "poetry_aegis/origin.py"
# Characters that an address can only have in another spelling.
READER = {"rae": ("p@ss:w/rd %", "reader"), "pub": ("publisher-secret", "publisher")}


@dataclass
class World:
    """An index of the company's, one of everybody's, and a Python that has pip."""

    own: RegistryServer
    public: RegistryServer
    place: Path
    log: str = ""

    @property
    def python(self) -> Path:
        return self.place / "aegis" / "bin" / "python"

    def run(self, kind: Kind, **variables: str) -> int:
        """Run the install step of *kind* as its job would."""
        done = subprocess.run(
            ["bash", "-exo", "pipefail", "-c", self.script(kind)],
            cwd=self.place,
            env={
                "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.place),
                "WORKSPACE_TMP": str(self.place),
                "RUNNER_TEMP": str(self.place),
                "PIP_NO_CACHE_DIR": "1",
                # As a runner may have it: here as the first, there beside it.
                "PIP_INDEX_URL": self.public.authenticated_url("pub"),
                "PIP_EXTRA_INDEX_URL": self.public.authenticated_url("pub"),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        self.log = done.stdout
        assert READER["rae"][0] not in self.log
        assert "p%40ss" not in self.log
        return done.returncode

    def script(self, kind: Kind) -> str:
        project = PipelineProject(
            tools=Tools(poetry="2.3.1", plugin="1.4.0"),
            branch="main",
            test_branch="",
            repository="aegis",
            test_repository="aegis-test",
            python="3.13",
            test="true",
            extras=("signing",),
            plugin_index=f"{self.own.url}/simple/",
        )
        text = render(kind, project)[0].text
        if kind == "jenkins":
            scripts: list[str] = re.findall(r"sh '''(.*?)'''", text, re.DOTALL)
            (script,) = (script for script in scripts if "-m pip" in script)
            return script
        document = YAML(typ="safe").load(text)
        if kind == "gitlab":
            return "\n".join(document[".aegis"]["before_script"])
        (script,) = (
            str(step["run"])
            for step in document["jobs"]["release"]["steps"]
            if "-m pip" in step.get("run", "")
        )
        return script

    def origin(self) -> str:
        """Return where the plugin that is installed comes from."""
        ask = "from poetry_aegis.origin import NAME; import needed; print(NAME)"
        done = subprocess.run(
            [self.python, "-c", ask],
            cwd=self.place,
            env={},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    needs_program("bash")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "aegis"], check=True)
    with (
        running_registry(tmp_path / "own", users=READER) as own,
        running_registry(tmp_path / "public", users=READER) as public,
    ):
        for server, name, version in (
            (own, "own", "1.4.0"),
            (public, "public", "1.4.0"),
            (public, "public", "99.0"),
        ):
            files = {ORIGIN: f"NAME = {name!r}\n"}
            wheel = make_wheel(
                tmp_path / name, "poetry-aegis", version, requires=("needed",), files=files
            )
            assert upload(server, wheel).status_code == 200
        for other, version in (("poetry", "2.3.1"), ("needed", "1.0")):
            assert upload(public, make_wheel(tmp_path, other, version)).status_code == 200
        yield World(own, public, tmp_path)


@pytest.mark.parametrize("kind", ["github", "gitlab", "jenkins"])
def test_the_plugin_comes_from_its_own_index_and_all_else_from_pip_s(
    world: World, kind: Kind
) -> None:
    reader = {
        "PRIVATE_PYPI_READ_USERNAME": "rae",
        "PRIVATE_PYPI_READ_PASSWORD": READER["rae"][0],
    }
    assert world.run(kind, **reader) == 0, world.log
    assert world.origin() == "own"


def test_what_its_own_index_does_not_give_is_taken_from_no_other(world: World) -> None:
    assert world.run("gitlab") != 0
    assert "401" in world.log or "No matching distribution" in world.log
    assert world.run("gitlab", PRIVATE_PYPI_READ_TOKEN="nobody-s") != 0
    assert not list((world.place / "aegis").glob("lib/*/site-packages/poetry_aegis"))


def test_the_authority_of_the_index_is_what_its_certificate_is_verified_with(world: World) -> None:
    assert world.run("github", PRIVATE_PYPI_CA="no certificate") != 0
    assert (world.place / "plugin-authority.pem").read_text() == "no certificate\n"
    assert re.search("certificate|CA bundle|PEM|TLS", world.log), world.log
