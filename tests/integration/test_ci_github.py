"""The workflow for GitHub, each step of it run: pushes become packages that are installed."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.support.forge import NAME, OWNER, TOKEN, running
from tests.support.forges import GitHubStandIn
from tests.support.git import PYPROJECT, make_project
from tests.support.needs import needs_program
from tests.support.registry import listed_files, running_registry
from tests.support.runner import Event, Runner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome
    from tests.support.registry import RegistryServer
    from tests.support.runner import Job

WORKFLOW = ".github/workflows/aegis.yml"
MAIN, DEVELOP = Event("refs/heads/main"), Event("refs/heads/develop")
PUBLISHING = ("release", "snapshot", "tagged")
PASSWORDS = ("publisher-secret", TOKEN)
SETTINGS = """
[tool.poetry-aegis]
forge = "github"
forge_url = "{url}"
version_files = ["demo_pkg/__init__.py:__version__"]

[tool.poetry-aegis.ci]
python = "3.11"
test = "poetry run python -m unittest -q tests.test_demo"
"""
TEST = """\
import unittest
import demo_pkg


class Test(unittest.TestCase):
    def test_the_version(self) -> None:
        self.assertTrue(demo_pkg.__version__)
"""


@dataclass
class World:
    """A project on a forge, with a private index and a test index."""

    project: GitProject
    bare: GitProject
    runner: Runner
    forge: GitHubStandIn
    index: RegistryServer
    test_index: RegistryServer

    def push(self, event: Event, only: str | None = None) -> dict[str, Job]:
        """Push what is checked out, and return the jobs of the run that this starts."""
        self.project.git("push", "--quiet", "origin", f"HEAD:{event.ref}")
        return self.run(event, only=only)

    def run(
        self, event: Event, sha: str | None = None, *, only: str | None = None
    ) -> dict[str, Job]:
        """Return the jobs of the run that *event* starts."""
        jobs = self.runner.run(self.project.root / WORKFLOW, event, sha, only=only)
        told = "".join(job.log + job.summary for job in jobs.values())
        assert not any(password in told for password in PASSWORDS)
        return jobs


class TagsOf(set[str]):
    """The tags that a repository has at the moment somebody asks."""

    def __init__(self, bare: GitProject) -> None:
        super().__init__()
        self.bare = bare

    def __contains__(self, tag: object) -> bool:
        return tag in self.bare.tags()


@pytest.fixture
def world(tmp_path: Path, poetry: PoetryHome) -> Iterator[World]:
    needs_program("bash")
    with (
        running_registry(tmp_path / "index") as index,
        running_registry(tmp_path / "test-index") as test_index,
        running(GitHubStandIn()) as forge,
    ):
        assert isinstance(forge, GitHubStandIn)
        project = make_project(
            tmp_path / "project",
            pyproject=PYPROJECT.replace("{version}", "0.1.0") + SETTINGS.format(url=forge.url),
        )
        bare = project.add_remote(tmp_path / "origin.git")
        forge.tags = TagsOf(bare)
        ssh = tmp_path / "ssh.sh"
        ssh.write_text(
            '#!/bin/sh\ncase "$*" in\n'
            f"*git-receive-pack*) exec git receive-pack '{bare.root}' ;;\n"
            f"*) exec git upload-pack '{bare.root}' ;;\nesac\n"
        )
        ssh.chmod(0o755)
        secrets = {
            "PRIVATE_PYPI_URL": index.url,
            "PRIVATE_PYPI_USERNAME": "pub",
            "PRIVATE_PYPI_PASSWORD": "publisher-secret",
            "PRIVATE_TEST_PYPI_URL": test_index.url,
            "PRIVATE_TEST_PYPI_USERNAME": "pub",
            "PRIVATE_TEST_PYPI_PASSWORD": "publisher-secret",
        }
        runner = Runner(
            tmp_path / "runner",
            bare,
            f"git@forge.example:{OWNER}/{NAME}.git",
            ssh,
            TOKEN,
            forge.url,
            secrets,
        )
        (project.root / "tests").mkdir()
        done = poetry.run("aegis", "ci", "init", "github", cwd=project.root)
        assert done.returncode == 0, done.stderr
        project.commit(
            "feat: greet",
            **{
                "tests/__init__.py": "",
                "tests/test_demo.py": TEST,
                "demo_pkg/__init__.py": '__version__ = "0.1.0"\n',
            },
        )
        yield World(project, bare, runner, forge, index, test_index)


def results(jobs: dict[str, Job]) -> dict[str, str]:
    return {name: job.result for name, job in jobs.items()}


def log_of(jobs: dict[str, Job]) -> str:
    return "\n".join(f"-- {name}: {job.result}\n{job.log}" for name, job in jobs.items())


def files_of(version: str) -> set[str]:
    return {f"demo_pkg-{version}-py3-none-any.whl", f"demo_pkg-{version}.tar.gz"}


def installed_version(index: RegistryServer, folder: Path, wanted: str) -> str:
    """Install the package from *index* with pip and return the version that it says it has."""
    netrc = folder.with_suffix(".netrc")
    netrc.write_text("machine 127.0.0.1 login rae password reader-secret\n")
    netrc.chmod(0o600)
    pip = (sys.executable, "-m", "pip", "--isolated", "install", "--no-cache-dir", "--quiet")
    target = ("--target", str(folder), "--index-url", f"{index.url}/simple/", wanted)
    subprocess.run([*pip, *target], env={"NETRC": str(netrc)}, check=True)
    ask = "import demo_pkg; print(demo_pkg.__version__)"
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_push_to_main_is_released_published_and_installed(world: World, tmp_path: Path) -> None:
    before = world.project.git("rev-parse", "HEAD")
    jobs = world.push(MAIN)
    assert results(jobs) == {
        "lint": "success",
        "test": "success",
        "release": "success",
        "snapshot": "skipped",
        "tagged": "skipped",
    }, log_of(jobs)
    assert jobs["release"].outputs == {"version": "0.1.0", "tag": "v0.1.0", "released": "true"}
    for told in ("Released 0.1.0", "| v0.1.0 |", "aegis", "- greet"):
        assert told in jobs["release"].summary
    assert "\x1b" not in jobs["release"].log
    assert world.bare.tags() == ["v0.1.0"]
    message, author = world.bare.git("log", "-1", "--format=%s%n%an", "main").splitlines()
    assert (message, author) == ("chore(release): 0.1.0", "github-actions[bot]")
    assert set(listed_files(world.index, "demo-pkg")) == files_of("0.1.0")
    assert not listed_files(world.test_index, "demo-pkg")
    (shown,) = world.forge.shown()
    assert (shown["tag"], {name for name, *_ in shown["files"]}) == ("v0.1.0", files_of("0.1.0"))
    assert installed_version(world.index, tmp_path / "installed", "demo-pkg") == "0.1.0"

    # The run of a commit that is not the newest any more leaves the release to the newest's.
    late = world.run(MAIN, before, only="release")
    assert results(late)["release"] == "success"
    assert "::notice::main has newer commits" in late["release"].log
    # The newest is the release itself, of which nothing is left to release.
    again = world.run(MAIN, only="release")
    assert "Nothing to release" in again["release"].log
    assert again["release"].outputs == {"version": "0.1.0", "tag": "", "released": "false"}
    assert world.bare.tags() == ["v0.1.0"]


def test_a_push_to_develop_is_published_to_the_test_index(world: World, tmp_path: Path) -> None:
    world.project.git("switch", "--quiet", "-c", "develop")
    tip = world.project.git("rev-parse", "HEAD")
    jobs = world.push(DEVELOP)
    assert results(jobs) == {
        "lint": "success",
        "test": "success",
        "release": "skipped",
        "snapshot": "success",
        "tagged": "skipped",
    }, log_of(jobs)
    version = jobs["snapshot"].outputs["version"]
    assert version == "0.1.0b0.dev2"
    assert set(listed_files(world.test_index, "demo-pkg")) == files_of(version)
    assert not listed_files(world.index, "demo-pkg")
    assert (world.bare.tags(), world.bare.git("rev-parse", "develop")) == ([], tip)
    wanted = f"demo-pkg=={version}"
    assert installed_version(world.test_index, tmp_path / "installed", wanted) == version

    # The same commit is the same version, and a later one a higher one.
    again = world.run(DEVELOP, only="snapshot")
    assert "2 skipped" in again["snapshot"].log
    world.project.commit("fix: greet louder")
    later = world.push(DEVELOP, only="snapshot")
    assert later["snapshot"].outputs["version"] == "0.1.0b0.dev3", log_of(later)


def test_a_tag_is_published_and_gets_a_release_on_the_forge(
    world: World, poetry: PoetryHome, tmp_path: Path
) -> None:
    world.project.git("remote", "set-url", "origin", str(world.bare.root))
    released = poetry.run("aegis", "release", "0.5.0", "--push-tag", cwd=world.project.root)
    assert released.returncode == 0, released.stderr
    tag = Event("refs/tags/v0.5.0")
    jobs = world.run(tag)
    assert results(jobs) == {
        "lint": "skipped",
        "test": "success",
        "release": "skipped",
        "snapshot": "skipped",
        "tagged": "success",
    }, log_of(jobs)
    assert jobs["tagged"].outputs == {"version": "0.5.0", "tag": "v0.5.0"}
    assert set(listed_files(world.index, "demo-pkg")) == files_of("0.5.0")
    (shown,) = world.forge.shown()
    assert (shown["tag"], {name for name, *_ in shown["files"]}) == ("v0.5.0", files_of("0.5.0"))
    assert "- greet" in shown["notes"]
    assert installed_version(world.index, tmp_path / "installed", "demo-pkg") == "0.5.0"

    again = world.run(tag, only="tagged")
    assert results(again)["tagged"] == "success", log_of(again)
    assert "2 skipped" in again["tagged"].log
    assert len(world.forge.shown()) == 1


def test_a_release_that_broke_off_is_made_up_for_by_a_run_of_its_tag(world: World) -> None:
    there, world.forge.tags = world.forge.tags, set()  # The forge takes no notice of the push.
    broken = world.push(MAIN, only="release")
    assert broken["release"].result == "failure"
    assert "::error::" in broken["release"].log
    assert world.bare.tags() == ["v0.1.0"], log_of(broken)
    assert world.forge.shown() == []
    # What the runner knew of it went with the runner.
    world.forge.tags = there
    by_hand = Event("refs/tags/v0.1.0", name="workflow_dispatch")
    again = world.run(by_hand, only="tagged")
    assert again["tagged"].result == "success", log_of(again)
    assert set(listed_files(world.index, "demo-pkg")) == files_of("0.1.0")
    (shown,) = world.forge.shown()
    assert {name for name, *_ in shown["files"]} == files_of("0.1.0")


def test_the_authority_of_the_index_is_what_certificates_are_verified_with(world: World) -> None:
    world.runner = replace(world.runner, vars={"PRIVATE_PYPI_CA": "no certificate"})
    jobs = world.push(MAIN, only="release")
    assert jobs["release"].result == "failure"
    assert re.search(
        r"The certificate of repository 'aegis', \S+/index-authority.pem, cannot be read",
        jobs["release"].log,
    )
    assert world.bare.tags() == []


def test_a_token_is_taken_before_a_password(world: World) -> None:
    # There is no such token, and so it is refused: the password would have been taken.
    secrets = {**world.runner.secrets, "PRIVATE_PYPI_TOKEN": "not-a-token-of-the-index"}
    world.runner = replace(world.runner, secrets=secrets)
    jobs = world.push(MAIN, only="release")
    assert jobs["release"].result == "failure"
    assert "aegis does not accept the token" in jobs["release"].log, log_of(jobs)
    assert "not-a-token-of-the-index" not in jobs["release"].log


def test_a_pull_request_publishes_nothing_and_its_messages_are_checked(world: World) -> None:
    world.project.git("switch", "--quiet", "-c", "topic")
    world.project.git("push", "--quiet", "origin", "HEAD~1:refs/heads/main")
    world.project.commit("update stuff")
    world.project.git("push", "--quiet", "origin", "HEAD:refs/pull/7/merge")
    request = Event("refs/pull/7/merge", name="pull_request", base="main")
    jobs = world.run(request, only="lint")
    assert jobs["lint"].result == "failure"
    assert re.search(
        r"^::error::[0-9a-f]{7} update stuff: there is no type; ", jobs["lint"].log, re.MULTILINE
    )
    published = {name: world.run(request, only=name)[name].result for name in PUBLISHING}
    assert published == dict.fromkeys(PUBLISHING, "skipped")


def test_a_push_to_another_branch_starts_nothing(world: World) -> None:
    assert world.push(Event("refs/heads/topic")) == {}


def test_a_secret_that_is_missing_is_named(world: World) -> None:
    world.runner = replace(world.runner, secrets={}, root=world.runner.root / "without")
    jobs = world.push(MAIN, only="release")
    assert jobs["release"].result == "failure"
    assert "the secret PRIVATE_PYPI_URL is not set" in jobs["release"].log
    assert world.bare.tags() == []
