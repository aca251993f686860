"""Several packages in one repository, released and published as a user does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import Distribution
from typing import TYPE_CHECKING

import pytest

from tests.support.monorepo import Member, make_monorepo
from tests.support.registry import running_registry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome
    from tests.support.registry import RegistryServer

Run = subprocess.CompletedProcess[str]

# The root is no package: it has neither a name nor a version.
ROOT = """\
[tool.poetry-aegis]
discover = ["libs/*"]
"""
BY_PATH = '[tool.poetry.dependencies]\nacme-core = {path = "../core", develop = true}\n'


@pytest.fixture
def monorepo(tmp_path: Path) -> GitProject:
    """Return three packages of version 1.0.0: web needs the api beside it, api a core."""
    project = make_monorepo(
        tmp_path / "monorepo",
        ROOT,
        Member("libs/web", "acme-web", ("acme-api @ ../api",)),
        Member("libs/api", "acme-api", ("acme-core (>=1.0,<2.0)",), extra=BY_PATH),
        Member("libs/core", "acme-core"),
    )
    project.commit("chore: ignore what is built", **{".gitignore": "dist/\n"})
    for name in ("core", "api", "web"):
        project.tag(f"acme-{name}-v1.0.0")
    return project


def change(project: GitProject, package: str, message: str) -> None:
    """Commit a change of the package in libs/*package*."""
    project.commit(message, **{f"libs/{package}/acme_{package}/__init__.py": f'"""{message}"""\n'})


def release(poetry: PoetryHome, project: GitProject, *arguments: str, within: str = ".") -> Run:
    return poetry.run("aegis", "release", *arguments, cwd=project.root / within)


def pip_install(registry: RegistryServer, target: Path, *requirements: str) -> Run:
    options = ("--isolated", "--no-input", "--disable-pip-version-check", "--no-cache-dir")
    index = ("--index-url", registry.authenticated_url("rae"), "--target", str(target))
    return subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, *index, *requirements],
        env=os.environ | {"HOME": str(target.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def required(site: Path) -> dict[tuple[str, str], list[str]]:
    """Return what each installed distribution requires, by its name and version."""
    found = Distribution.discover(path=[str(site)])
    return {(each.name, each.version): each.requires or [] for each in found}


def test_all_that_changed_is_published_in_order_and_can_be_installed(
    poetry: PoetryHome, monorepo: GitProject, tmp_path: Path
) -> None:
    bare = monorepo.add_remote(tmp_path / "origin.git")
    change(monorepo, "core", "feat!: another core")
    change(monorepo, "web", "fix: web")
    with running_registry(tmp_path / "registry") as registry:
        poetry = replace(
            poetry,
            extra_env={
                "POETRY_REPOSITORIES_CORP_URL": f"{registry.url}/legacy/",
                "POETRY_HTTP_BASIC_CORP_USERNAME": "pub",
                "POETRY_HTTP_BASIC_CORP_PASSWORD": registry.users["pub"][0],
            },
        )
        options = ("--push-tag", "--publish", "-r", "corp")
        run = release(poetry, monorepo, "auto", "--all", *options, "--json")
        assert run.returncode == 0, run.stderr
        document = json.loads(run.stdout)
        again = poetry.run("aegis", "publish", "-r", "corp", cwd=monorepo.root / "libs/web")
        assert "2 uploaded" not in again.stdout
        assert "already there" in again.stdout + again.stderr, again.stderr
        installed = pip_install(registry, tmp_path / "site", "acme-web")
        assert installed.returncode == 0, installed.stderr

    assert {name: package["version"] for name, package in document["packages"].items()} == {
        "acme-core": "2.0.0",
        "acme-api": "1.0.1",
        "acme-web": "1.0.1",
    }
    assert {"acme-core-v2.0.0", "acme-api-v1.0.1", "acme-web-v1.0.1"} <= set(bare.tags())
    assert bare.git("rev-parse", "main") == monorepo.git("rev-parse", "HEAD")
    assert monorepo.git("status", "--porcelain") == ""
    assert "acme-core 2.0.0" in (monorepo.root / "libs/api/CHANGELOG.md").read_text()
    assert required(tmp_path / "site") == {
        ("acme-core", "2.0.0"): [],
        ("acme-api", "1.0.1"): ["acme-core (>=2.0,<3.0)"],
        ("acme-web", "1.0.1"): ["acme-api (>=1.0.1,<2.0.0)"],
    }


def test_inside_a_packages_directory_that_package_is_meant(
    poetry: PoetryHome, monorepo: GitProject
) -> None:
    change(monorepo, "core", "fix: core")
    change(monorepo, "web", "feat: web")
    elsewhere = monorepo.git("rev-parse", "HEAD:libs/core")
    run = release(poetry, monorepo, "auto", within="libs/web/acme_web")
    assert run.returncode == 0, run.stderr
    assert "Released 1.1.0, tagged acme-web-v1.1.0." in run.stdout
    assert monorepo.git("show", "--name-only", "--format=", "HEAD").split() == [
        "libs/web/CHANGELOG.md",
        "libs/web/pyproject.toml",
    ]
    assert monorepo.git("rev-parse", "HEAD:libs/core") == elsewhere
    assert "core" not in (monorepo.root / "libs/web/CHANGELOG.md").read_text()


def test_at_the_root_the_packages_have_to_be_named(
    poetry: PoetryHome, monorepo: GitProject
) -> None:
    change(monorepo, "web", "feat: web")
    before = monorepo.state()
    run = release(poetry, monorepo, "auto")
    assert run.returncode == 2
    assert "acme-api, acme-core, acme-web" in run.stderr
    unknown = release(poetry, monorepo, "auto", "--package", "acme-wbe")
    assert unknown.returncode == 2
    assert "'acme-wbe'" in unknown.stderr
    nothing = release(poetry, monorepo, "auto", "--package", "acme-core")
    assert nothing.stdout.startswith("Nothing to release")
    assert monorepo.state() == before


def test_the_plan_of_a_wave_shows_the_graph(poetry: PoetryHome, monorepo: GitProject) -> None:
    change(monorepo, "core", "feat!: another core")
    before = monorepo.state()
    run = release(poetry, monorepo, "auto", "--all", "--dry-run")
    assert run.returncode == 0, run.stderr
    assert "acme-api 1.0.0 -> 1.0.1 (follows its dependencies)" in run.stdout
    assert "└── acme-core >=1.0,<2.0 -> >=2.0,<3.0" in run.stdout
    assert run.stdout.index("tag acme-core-v2.0.0") < run.stdout.index("tag acme-api-v1.0.1")
    assert monorepo.state() == before
