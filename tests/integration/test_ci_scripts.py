"""The scripts of the pipelines for GitLab and Jenkins, run with what these put into a job.

Their rules and stages are theirs to follow; here each job that publishes is run in a clone as they
make it, and what it has done is looked at.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.support.distributions import make_wheel
from tests.support.git import PYPROJECT, clone, make_project
from tests.support.registry import listed_files, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome
    from tests.support.registry import RegistryServer

PASSWORD = "publisher-secret"
SETTINGS = '\n[tool.poetry-aegis]\nforge = "none"\n[tool.poetry-aegis.ci]\npython = "3.11"\n'
INSTALL = re.compile(r"python -m pip install .*")


@dataclass
class World:
    """A project that was pushed, and an index that is both the private one and the test index."""

    project: GitProject
    bare: GitProject
    index: RegistryServer
    poetry: PoetryHome
    place: Path
    log: str = ""
    runs: int = 0
    env: dict[str, str] = field(default_factory=dict)

    def push(self, ref: str) -> GitProject:
        """Push HEAD as *ref*, and return a clone as a pipeline has it: on no branch."""
        self.project.git("push", "--quiet", "origin", f"HEAD:{ref}")
        self.runs += 1
        work = clone(self.bare, self.place / f"work-{self.runs}")
        work.git("checkout", "--quiet", "--detach", self.project.git("rev-parse", "HEAD"))
        return work

    def run(self, script: str, work: GitProject, shell: str = "-e", **variables: str) -> int:
        """Run *script* in *work*, with a shell that stops at the first failure."""
        # What is to be installed is there.
        script = INSTALL.sub("true", script)
        tools = self.place / "tools"
        tools.mkdir(exist_ok=True)
        poetry = tools / "poetry"
        poetry.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m poetry "$@"\n')
        poetry.chmod(0o755)
        (self.poetry.root / "gitconfig").write_text("[push]\n\tdefault = simple\n")
        done = subprocess.run(
            ["sh", shell, "-c", script],
            cwd=work.root,
            env=self.poetry.env
            | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "CI": "true"}
            | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        self.log = done.stdout
        assert PASSWORD not in self.log
        return done.returncode

    def files(self) -> set[str]:
        return {name for name in listed_files(self.index, "demo-pkg") if name.endswith(".whl")}


@pytest.fixture
def world(tmp_path: Path, poetry: PoetryHome) -> Iterator[World]:
    with running_registry(tmp_path / "index") as index:
        text = PYPROJECT.replace("{version}", "0.1.0") + SETTINGS
        project = make_project(tmp_path / "project", pyproject=text)
        bare = project.add_remote(tmp_path / "origin.git")
        for kind in ("gitlab", "jenkins"):
            assert poetry.run("aegis", "ci", "init", kind, cwd=project.root).returncode == 0
        project.commit("feat: greet")
        yield World(project, bare, index, poetry, tmp_path)


# GitLab


def gitlab(world: World, job: str, ref: str, **variables: str) -> int:
    """Run *job* of the pipeline that a push of HEAD as *ref* starts."""
    work = world.push(ref)
    document = YAML(typ="safe").load((work.root / ".gitlab/aegis.yml").read_text())
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    named = "CI_COMMIT_TAG" if ref.startswith("refs/tags/") else "CI_COMMIT_BRANCH"
    script = "\n".join([*document[".aegis"]["before_script"], *document[job]["script"]])
    given = {
        "GITLAB_CI": "true",
        "CI_PROJECT_DIR": str(work.root),
        "CI_PROJECT_URL": str(world.bare.root).removesuffix(".git"),
        "AEGIS_DOTENV": str(work.root / "aegis.env"),
        "GITLAB_TOKEN": "a-token",
        "PRIVATE_PYPI_URL": world.index.url,
        "PRIVATE_PYPI_USERNAME": "pub",
        "PRIVATE_PYPI_PASSWORD": PASSWORD,
        "PRIVATE_TEST_PYPI_URL": world.index.url,
        "PRIVATE_TEST_PYPI_USERNAME": "pub",
        "PRIVATE_TEST_PYPI_PASSWORD": PASSWORD,
        named: short,
    }
    code = world.run(script, work, **(given | variables))
    world.env = {}
    if (work.root / "aegis.env").exists():
        lines = (work.root / "aegis.env").read_text(encoding="utf-8").splitlines()
        world.env = dict(line.split("=", 1) for line in lines)
    return code


def test_gitlab_releases_what_is_pushed_to_main(world: World) -> None:
    # A hook sees what a push asks for.
    world.bare.git("config", "receive.advertisePushOptions", "true")
    hook = world.bare.root / "hooks" / "pre-receive"
    hook.write_text('#!/bin/sh\necho "$GIT_PUSH_OPTION_0" >> options\n')
    hook.chmod(0o755)
    assert gitlab(world, "aegis-release", "refs/heads/main") == 0, world.log
    assert world.env == {
        "AEGIS_VERSION": "0.1.0",
        "AEGIS_TAG": "v0.1.0",
        "AEGIS_RELEASED": "true",
    }
    assert world.bare.tags() == ["v0.1.0"]
    assert (
        world.bare.git("log", "-1", "--format=%an %s", "main") == "gitlab-ci chore(release): 0.1.0"
    )
    assert world.files() == {"demo_pkg-0.1.0-py3-none-any.whl"}
    # Of the two pushes, that of the release alone asks for no pipeline.
    assert (world.bare.root / "options").read_text() == "\nci.skip\n"


def test_gitlab_leaves_the_release_to_newer_commits(world: World) -> None:
    world.project.git("push", "--quiet", "origin", "HEAD:main")
    old = world.project.git("rev-parse", "HEAD")
    world.project.commit("fix: louder")
    world.project.git("push", "--quiet", "origin", "HEAD:main")
    world.project.git("switch", "--quiet", "--detach", old)
    work = world.push("refs/heads/other")
    document = YAML(typ="safe").load((work.root / ".gitlab/aegis.yml").read_text())
    variables = {
        "PRIVATE_PYPI_URL": world.index.url,
        "GITLAB_TOKEN": "x",
        "CI_PROJECT_URL": str(world.bare.root).removesuffix(".git"),
    }
    assert world.run("\n".join(document["aegis-release"]["script"]), work, **variables) == 0
    assert "main has newer commits" in world.log
    assert world.bare.tags() == []


def test_gitlab_publishes_a_snapshot_and_a_tag(world: World) -> None:
    assert gitlab(world, "aegis-snapshot", "refs/heads/develop") == 0, world.log
    assert world.env["AEGIS_VERSION"] == "0.1.0b0.dev2"
    assert world.files() == {"demo_pkg-0.1.0b0.dev2-py3-none-any.whl"}
    world.project.tag("v0.1.0")
    world.project.git("push", "--quiet", "origin", "v0.1.0")
    assert gitlab(world, "aegis-tagged", "refs/heads/tagged", CI_COMMIT_TAG="v0.1.0") == 0, (
        world.log
    )
    assert (world.env["AEGIS_VERSION"], world.env["AEGIS_TAG"]) == ("0.1.0", "v0.1.0")
    assert "demo_pkg-0.1.0-py3-none-any.whl" in world.files()


def test_gitlab_takes_a_token_before_a_password(world: World) -> None:
    # There is no such token, and so it is refused: the password would have been taken.
    code = gitlab(world, "aegis-snapshot", "refs/heads/develop", PRIVATE_TEST_PYPI_TOKEN="nobody")
    assert code == 44, world.log


@pytest.mark.parametrize("logged_in", [True, False], ids=["a reader", "nobody"])
def test_gitlab_s_tests_install_as_a_reader_and_never_as_the_publisher(
    world: World, logged_in: bool
) -> None:
    assert upload(world.index, make_wheel(world.place, "needed")).status_code == 200
    text = world.project.pyproject.read_text(encoding="utf-8")
    text = text.replace("[build-system]", 'dependencies = ["needed"]\n\n[build-system]')
    text = text.replace(SETTINGS, f"{SETTINGS}test = \"poetry run python -c 'import needed'\"\n")
    source = f'[[tool.poetry.source]]\nname = "aegis"\nurl = "{world.index.url}/simple/"\n'
    world.project.pyproject.write_text(f"{text}\n{source}", encoding="utf-8")
    done = world.poetry.run("aegis", "ci", "init", "gitlab", cwd=world.project.root)
    assert done.returncode == 0, done.stderr
    world.project.commit("feat: need something")
    # The publisher's are there, as for each job of a protected branch.
    reader = {"USERNAME": "rae", "PASSWORD": "reader-secret"} if logged_in else {}
    variables = {f"PRIVATE_PYPI_READ_{name}": value for name, value in reader.items()}
    code = gitlab(world, "aegis-test", "refs/heads/main", **variables)
    assert (code == 0) is logged_in, world.log
    assert ("Installing needed" in world.log) is logged_in


def test_gitlab_names_the_variable_that_is_missing(world: World) -> None:
    assert gitlab(world, "aegis-release", "refs/heads/main", GITLAB_TOKEN="") != 0
    assert "the variable GITLAB_TOKEN is not set" in world.log


# Jenkins


def jenkins(world: World, stage: str, ref: str, **variables: str) -> int:
    """Run the scripts of *stage* for a push of HEAD as *ref*."""
    work = world.push(ref)
    text = (work.root / "Jenkinsfile").read_text(encoding="utf-8")
    body = text.partition(f"stage('{stage}')")[2].partition("stage('")[0]
    tools = world.place / "tmp" / "aegis" / "bin"
    tools.mkdir(parents=True, exist_ok=True)
    (tools / "poetry").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m poetry "$@"\n')
    (tools / "poetry").chmod(0o755)
    declared = re.findall(r"(?:variable|usernameVariable|passwordVariable): '(\w+)'", body)
    values = {"URL": world.index.url, "USERNAME": "pub", "PASSWORD": PASSWORD}
    secrets = {name: values[name.rpartition("_")[2]] for name in declared}
    given = {"JENKINS_URL": "http://jenkins.example/", "WORKSPACE_TMP": str(world.place / "tmp")}
    for script in re.findall(r"sh '''(.*?)'''", body, re.DOTALL):
        # Its shell prints what it does.
        code = world.run(script, work, "-xe", **(given | secrets | variables))
        if code:
            return code
    return 0


def test_jenkins_releases_publishes_a_snapshot_and_a_tag(world: World) -> None:
    code = jenkins(world, "Snapshot", "refs/heads/develop", BRANCH_NAME="develop")
    assert code == 0, world.log
    assert world.files() == {"demo_pkg-0.1.0b0.dev2-py3-none-any.whl"}
    assert jenkins(world, "Release", "refs/heads/main", BRANCH_NAME="main") == 0, world.log
    assert world.bare.tags() == ["v0.1.0"]
    assert "demo_pkg-0.1.0-py3-none-any.whl" in world.files()
    again = jenkins(world, "Release", "refs/heads/other", BRANCH_NAME="main")
    assert again == 0, world.log
    assert "main has newer commits" in world.log
    world.project.git("fetch", "--quiet", "--tags", "origin")
    world.project.git("switch", "--quiet", "--detach", "v0.1.0")
    tagged = jenkins(world, "Tagged", "refs/heads/tagged", TAG_NAME="v0.1.0")
    assert tagged == 0, world.log
    assert "2 skipped" in world.log


def test_jenkins_verifies_with_the_authority_that_its_environment_names(world: World) -> None:
    authority = world.place / "no-certificate.pem"
    authority.write_text("no certificate\n")
    code = jenkins(world, "Snapshot", "refs/heads/develop", PRIVATE_TEST_PYPI_CA=str(authority))
    assert code != 0
    assert f"{authority}, cannot be read" in world.log


def test_jenkins_checks_the_messages_that_a_change_adds(world: World) -> None:
    world.project.git("push", "--quiet", "origin", "HEAD:main")
    world.project.commit("update stuff")
    code = jenkins(
        world, "Commit messages", "refs/heads/topic", CHANGE_TARGET="main", CHANGE_ID="7"
    )
    assert code == 38
    assert "update stuff" in world.log
