"""A project that trusts keys and needs packages of a private registry."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cleo.io.inputs.argv_input import ArgvInput
from cleo.io.outputs.stream_output import StreamOutput
from poetry.console.application import Application

from poetry_aegis.poetry_api import content_hash
from tests.support.commands import Result
from tests.support.registry import USERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pytest
    from poetry.console.commands.command import Command

PYPROJECT = """\
[project]
name = "user"
version = "1"
requires-python = ">=3.10"
dependencies = {dependencies}

[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "corp"
url = "{index}"

"""
# What makes Poetry read the registry: rae may.
CREDENTIALS = {
    "POETRY_HTTP_BASIC_CORP_USERNAME": "rae",
    "POETRY_HTTP_BASIC_CORP_PASSWORD": USERS["rae"][0],
}


@dataclass(frozen=True)
class UserProject:
    """A project in the directory *root* that uses packages of the index."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "poetry.lock"

    @property
    def content_hash(self) -> str:
        """What Poetry tells by whether the lock is of this ``pyproject.toml``."""
        pyproject = self.root / "pyproject.toml"
        return content_hash(pyproject, pyproject.read_bytes())

    def write_lock(
        self,
        name: str,
        version: str,
        files: Mapping[str, str],
        *,
        source: str = "corp",
        index: str = "https://corp.example/simple",
    ) -> None:
        """Write a lock of one package, with the digests of its *files* by name."""
        pinned = ", ".join(
            f'{{file = "{file}", hash = "{digest}"}}' for file, digest in files.items()
        )
        self.lock.write_text(
            f'[[package]]\nname = "{name}"\nversion = "{version}"\ndescription = ""\n'
            'optional = false\npython-versions = "*"\ngroups = ["main"]\n'
            f"files = [{pinned}]\n\n"
            f'[package.source]\ntype = "legacy"\nurl = "{index}"\nreference = "{source}"\n\n'
            '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.10"\n'
            f'content-hash = "{self.content_hash}"\n'
        )


def make_user_project(
    root: Path, index: str, trust: str, dependencies: Sequence[str] = ()
) -> UserProject:
    """Return a project in *root* that has *trust*, the text of that table and of its keys."""
    root.mkdir(parents=True)
    text = PYPROJECT.format(dependencies=json.dumps(list(dependencies)), index=index)
    (root / "pyproject.toml").write_text(text + trust)
    return UserProject(root)


def enter(project: UserProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands in this process be about *project*, with nothing of this machine's settings."""
    import os

    for name in list(os.environ):
        if name.startswith("POETRY_") or name == "VIRTUAL_ENV":
            monkeypatch.delenv(name)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("POETRY_KEYRING_ENABLED", "false")
    monkeypatch.setattr("poetry.locations.CONFIG_DIR", project.root / "no-config")
    monkeypatch.setattr("poetry.config.config.CONFIG_DIR", project.root / "no-config")
    monkeypatch.setattr("poetry.config.config._default_config", None)
    monkeypatch.chdir(project.root)


def poetry_here(*arguments: str, more: Sequence[Command] = ()) -> Result:
    """Run ``poetry ARGUMENTS`` in this process, with the plugin loaded as Poetry loads it.

    *more* are commands that another plugin would bring.
    """
    out, err = io.StringIO(), io.StringIO()
    application = Application()
    application.auto_exits(auto_exits=False)
    for command in more:
        application.add(command)
    code = application.run(ArgvInput(["poetry", *arguments]), StreamOutput(out), StreamOutput(err))
    return Result(code, out.getvalue(), err.getvalue())
