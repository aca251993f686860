"""The plugin inside a real Poetry: what users type, and the traps on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.plugin import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome


@pytest.mark.parametrize(
    ("group", "shown"),
    [
        ("aegis", ["aegis release", "aegis publish", "aegis server start", "aegis client poetry"]),
        ("aegis server", ["aegis server init", "aegis server user add"]),
        ("aegis server user", ["aegis server user remove"]),
        ("aegis client", ["aegis client poetry"]),
    ],
)
def test_a_bare_group_lists_its_subcommands(
    poetry: PoetryHome, tmp_path: Path, group: str, shown: list[str]
) -> None:
    run = poetry.run(*group.split(), cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    for name in shown:
        assert f"poetry {name} " in run.stdout
    assert all(len(line) <= 80 for line in run.stdout.splitlines())


def test_an_unknown_subcommand_says_what_was_meant(poetry: PoetryHome, tmp_path: Path) -> None:
    run = poetry.run("aegis", "relaese", cwd=tmp_path)
    assert run.returncode == 2
    assert "no subcommand 'relaese'" in run.stderr
    assert "Did you mean: poetry aegis release" in run.stderr


def test_poetry_list_and_help_know_the_commands(poetry: PoetryHome, tmp_path: Path) -> None:
    listing = poetry.run("list", cwd=tmp_path).stdout
    assert all(name in listing for name in COMMANDS)
    run = poetry.run("aegis", "release", "--help", cwd=tmp_path)
    assert run.returncode == 0
    assert "--push-tag" in run.stdout


def test_completion_scripts_hold_the_commands(poetry: PoetryHome, tmp_path: Path) -> None:
    assert "aegis release" in poetry.run("completions", "bash", cwd=tmp_path).stdout


TELLS_ITS_MODULES = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from poetry.console.application import main
sys.exit(main())
"""


@pytest.mark.parametrize("arguments", [["--version"], ["list"]])
def test_starting_poetry_imports_nothing_heavy(
    poetry: PoetryHome, tmp_path: Path, arguments: list[str]
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", TELLS_ITS_MODULES, *arguments],
        cwd=tmp_path,
        env=poetry.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(run.stderr.split())
    assert "poetry_aegis.plugin" in imported
    heavy = {"git", "httpx", "semver", "starlette", "bcrypt", "poetry_aegis.poetry_api"}
    assert not heavy & imported
    assert ("poetry_aegis.commands.release" in imported) == (arguments == ["list"])
    rooms = ("release", "publish", "registry", "server", "client")
    assert not imported & {f"poetry_aegis.{room}" for room in rooms}


def test_outside_a_project(poetry: PoetryHome, tmp_path: Path) -> None:
    for command in (["release", "auto"], ["bump", "patch"], ["changelog"], ["publish"]):
        run = poetry.run("aegis", *command, cwd=tmp_path)
        assert run.returncode == 11
        assert run.stderr.startswith("There is no pyproject.toml in ")
        assert "Traceback" not in run.stderr


def test_a_corrupt_pyproject(poetry: PoetryHome, project: GitProject) -> None:
    project.pyproject.write_text("[project\n")
    for command in (["release", "auto"], ["bump", "patch"], ["changelog"], ["publish"]):
        run = poetry.run("aegis", *command, cwd=project.root)
        assert run.returncode == 12
        assert "is not valid TOML" in run.stderr
        assert "Traceback" not in run.stderr


def test_a_project_without_a_version(poetry: PoetryHome, project: GitProject) -> None:
    text = project.pyproject.read_text().replace('version = "0.1.0"  # keep me\n', "")
    project.commit("feat: x", **{"pyproject.toml": text})
    for command in (["release", "auto"], ["bump", "patch"]):
        run = poetry.run("aegis", *command, cwd=project.root)
        assert run.returncode == 13
        assert "names no version" in run.stderr


def test_an_unknown_setting(poetry: PoetryHome, project: GitProject) -> None:
    text = project.pyproject.read_text() + '\n[tool.poetry-aegis]\ntag-format = "v{version}"\n'
    project.commit("feat: x", **{"pyproject.toml": text})
    run = poetry.run("aegis", "release", "auto", cwd=project.root)
    assert run.returncode == 15
    assert "Unknown key 'tag-format'" in run.stderr
    assert str(project.pyproject) in run.stderr
    assert "Did you mean 'tag_format'?" in run.stderr


def test_without_git_only_the_commands_that_need_it_fail(
    poetry: PoetryHome, project: GitProject, tmp_path: Path
) -> None:
    project.commit("feat: x")
    bare = tmp_path / "bin"
    bare.mkdir()
    poetry.extra_env["PATH"] = str(bare)
    assert poetry.run("--version", cwd=project.root).returncode == 0
    assert poetry.run("aegis", cwd=project.root).returncode == 0
    assert poetry.run("aegis", "bump", "patch", cwd=project.root).returncode == 0
    run = poetry.run("aegis", "release", "auto", cwd=project.root)
    assert (run.returncode, run.stderr.splitlines()[0]) == (21, "There is no git on PATH.")


def test_what_the_system_refuses_is_a_sentence(poetry: PoetryHome, project: GitProject) -> None:
    project.pyproject.unlink()
    project.pyproject.mkdir()
    run = poetry.run("aegis", "bump", "patch", cwd=project.root)
    assert run.returncode == 1
    assert run.stderr == f"{project.pyproject}: Is a directory.\n"


def test_a_traceback_comes_only_with_v(poetry: PoetryHome, project: GitProject) -> None:
    shutil.rmtree(project.root / ".git")
    quiet = poetry.run("aegis", "release", "auto", cwd=project.root)
    assert quiet.returncode == 22
    assert len(quiet.stderr.splitlines()) == 2
    project.pyproject.write_text("[project\n")
    loud = poetry.run("aegis", "release", "auto", "-v", cwd=project.root)
    assert loud.returncode == 12
    assert "Traceback" in loud.stderr


@pytest.mark.parametrize("how", ["-C", "-P", "relative -C", "relative -P", "from below"])
def test_the_project_is_found_wherever_one_stands(
    poetry: PoetryHome, project: GitProject, tmp_path: Path, how: str
) -> None:
    project.commit("feat: x")
    option, cwd = how.rsplit(maxsplit=1)[-1], tmp_path
    where = str(project.root) if how[0] == "-" else os.path.relpath(project.root, tmp_path)
    arguments = [option, where]
    if how == "from below":
        arguments, cwd = [], project.root / "demo_pkg"
    run = poetry.run(*arguments, "aegis", "release", "auto", cwd=cwd)
    assert (run.returncode, run.stderr) == (0, "")
    assert project.tags() == ["v0.1.0"]


def test_a_closed_standard_input_is_no_endless_question(
    poetry: PoetryHome, project: GitProject
) -> None:
    project.commit("feat: x")
    run = subprocess.run(
        ["sh", "-c", 'exec "$0" -m poetry aegis release auto <&-', sys.executable],
        cwd=project.root,
        env=poetry.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert project.tags() == ["v0.1.0"]
