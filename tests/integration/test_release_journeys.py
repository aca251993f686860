"""Whole releases as they happen: broken off, through a pull request, in a pipeline, on a forge."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.forge import NAME, OWNER, TOKEN, StandIn, running
from tests.support.forges import GiteaStandIn, GitHubStandIn, GitLabStandIn
from tests.support.git import GitProject
from tests.support.registry import listed_files, running_registry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.poetry import PoetryHome

Run = subprocess.CompletedProcess[str]

PATIENCE = 30.0  # seconds until a hook that is not reached, or not let go, is a failure
GATE = f"""\
import pathlib, time
here = pathlib.Path(__file__).parent
(here / "reached").touch()
deadline = time.monotonic() + {PATIENCE}
while not (here / "open").exists() and time.monotonic() < deadline:
    time.sleep(0.01)
"""


# What a pipeline that runs these tests would tell the releases in them.
OF_A_PIPELINE = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN")


@dataclass(frozen=True)
class Gate:
    """A hook that waits in *directory* until it is opened."""

    directory: Path

    def stand_in(self, project: GitProject, hook: str) -> None:
        """Be the *hook* of the project's releases, committed."""
        script = self.directory / "gate.py"
        script.write_text(GATE)
        line = f"'{sys.executable}' '{script}'"
        with project.pyproject.open("a", encoding="utf-8") as settings:
            settings.write(f'\n[tool.poetry-aegis.hooks]\n{hook} = ["{line}"]\n')
        project.commit("chore: wait at the gate")

    def kill_there(self, poetry: PoetryHome, project: GitProject, *arguments: str) -> None:
        """Run ``poetry aegis ARGUMENTS``, end it like a power cut at the gate, and open that."""
        process = subprocess.Popen(
            [sys.executable, "-m", "poetry", "aegis", *arguments],
            cwd=project.root,
            env=poetry.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while not (self.directory / "reached").exists() and time.monotonic() < deadline:
                assert process.poll() is None
                time.sleep(0.01)
            assert (self.directory / "reached").exists()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            assert process.wait(PATIENCE) == -signal.SIGKILL
            (self.directory / "open").touch()


@pytest.fixture
def poetry(poetry: PoetryHome) -> PoetryHome:
    return with_environment(poetry, **dict.fromkeys(OF_A_PIPELINE, ""))


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    directory = tmp_path / "gate"
    directory.mkdir()
    return Gate(directory)


def with_environment(poetry: PoetryHome, **variables: str) -> PoetryHome:
    return replace(poetry, extra_env=poetry.extra_env | variables)


def release(poetry: PoetryHome, project: GitProject, *arguments: str) -> Run:
    return poetry.run("aegis", "release", *arguments, cwd=project.root)


def released(poetry: PoetryHome, project: GitProject, *arguments: str) -> str:
    """Run the release, which has to succeed; return what it printed."""
    run = release(poetry, project, *arguments)
    assert run.returncode == 0, run.stderr
    return run.stdout


# Broken off


def test_a_killed_release_is_resumed(
    poetry: PoetryHome, project: GitProject, gate: Gate, tmp_path: Path
) -> None:
    gate.stand_in(project, "pre_tag")
    bare = project.add_remote(tmp_path / "origin.git")
    project.tag("v0.1.0")
    project.commit("feat: x")
    gate.kill_there(poetry, project, "release", "auto", "--push-tag")
    assert (project.tags(), bare.tags()) == (["v0.1.0"], [])
    refused = release(poetry, project, "auto")
    assert refused.returncode == 35
    assert "poetry aegis release --resume" in refused.stderr
    assert "poetry aegis release --abort" in refused.stderr
    told = released(poetry, project, "--resume")
    assert "Released 0.2.0, tagged v0.2.0." in told
    assert project.git("status", "--porcelain") == ""
    assert project.git("log", "--format=%s", "-2").splitlines() == [
        "chore(release): 0.2.0",
        "feat: x",
    ]
    assert bare.git("rev-parse", "main", "v0.2.0^{commit}").split() == 2 * [
        project.git("rev-parse", "HEAD")
    ]
    assert release(poetry, project, "--resume").returncode == 36


def test_a_killed_release_is_taken_back_and_keeps_what_was_edited_since(
    poetry: PoetryHome, project: GitProject, gate: Gate
) -> None:
    gate.stand_in(project, "pre_commit")
    project.tag("v0.1.0")
    project.commit("feat: x")
    before = project.state()
    gate.kill_there(poetry, project, "release", "auto")
    assert 'version = "0.2.0"' in project.pyproject.read_text()
    project.changelog.write_text("My words.\n")
    told = released(poetry, project, "--abort")
    assert project.state() == before
    (kept,) = (project.root / ".git" / "poetry-aegis.kept").iterdir()
    assert kept.read_text() == "My words.\n"
    assert str(kept) in told
    assert "Released 0.2.0" in released(poetry, project, "auto")


def test_a_release_killed_after_its_upload_sends_nothing_twice(
    poetry: PoetryHome, project: GitProject, gate: Gate, tmp_path: Path
) -> None:
    gate.stand_in(project, "post_release")
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    with running_registry(tmp_path / "registry") as registry:
        poetry = with_environment(
            poetry,
            POETRY_REPOSITORIES_CORP_URL=f"{registry.url}/legacy/",
            POETRY_HTTP_BASIC_CORP_USERNAME="pub",
            POETRY_HTTP_BASIC_CORP_PASSWORD=registry.users["pub"][0],
        )
        publish = ("auto", "--push-tag", "--publish", "-r", "corp")
        gate.kill_there(poetry, project, "release", *publish)
        sent = listed_files(registry, "demo-pkg")
        refused = release(poetry, project, "--abort")
        assert refused.returncode == 30
        assert "others may have seen it" in refused.stderr
        document = json.loads(released(poetry, project, "--resume", "--json"))
        assert listed_files(registry, "demo-pkg") == sent
        posts = [line for line in registry.log_lines() if line.get("method") == "POST"]
    uploads = [line for line in posts if line["status"] == 200]  # One asks whether it may.
    assert set(sent) == {"demo_pkg-0.1.0-py3-none-any.whl", "demo_pkg-0.1.0.tar.gz"}
    assert len(uploads) == len(sent)
    assert (document["version"], document["dry_run"]) == ("0.1.0", False)
    assert bare.tags() == ["v0.1.0"]
    assert not (project.root / ".git" / "poetry-aegis").exists()


# What else is in the work tree


def test_edits_that_are_not_the_releases_stay_as_they_are(
    poetry: PoetryHome, project: GitProject
) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x", staged="old\n", edited="old\n", both="old\n")
    for name in ("staged", "both"):
        (project.root / name).write_text("staged\n")
    project.git("add", "staged", "both")
    for name in ("edited", "both", "untracked"):
        (project.root / name).write_text("edited\n")
    before = project.git("status", "--porcelain")
    assert release(poetry, project, "auto").returncode == 24
    released(poetry, project, "auto", "--allow-dirty")
    assert project.git("status", "--porcelain") == before
    assert project.git("show", ":both") == "staged"
    assert project.git("show", "--name-only", "--format=", "v0.2.0^{commit}").split() == [
        "CHANGELOG.md",
        "pyproject.toml",
    ]


# Through a pull request


def protect_main(bare: GitProject) -> None:
    """Have the server take no push to main."""
    hook = bare.root / "hooks" / "update"
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ] || { echo protected >&2; exit 1; }\n')
    hook.chmod(0o755)


def squash_merge(bare: GitProject, branch: str, title: str) -> str:
    """Merge *branch* on the server, as a forge does at the press of a button."""
    tree = f"{branch}^{{tree}}"
    identity = ("-c", "user.name=Forge", "-c", "user.email=forge@example.com")
    merged = bare.git(*identity, "commit-tree", tree, "-p", "main", "-m", title)
    bare.git("update-ref", "refs/heads/main", merged)
    return merged


def test_a_protected_main_branch_is_released_through_a_pull_request(
    poetry: PoetryHome, project: GitProject, tmp_path: Path
) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    bare = project.add_remote(tmp_path / "origin.git")
    bare.git("fetch", "--quiet", str(project.root), "refs/tags/*:refs/tags/*")
    protect_main(bare)
    start = project.git("rev-parse", "HEAD")
    assert release(poetry, project, "auto", "--push-tag").returncode == 27

    told = released(poetry, project, "auto", "--branch", "release/{version}", "--push-tag")
    assert "release finish" in told
    assert project.git("rev-parse", "HEAD") == bare.git("rev-parse", "main") == start
    assert project.git("status", "--porcelain", "--branch") == "## main...origin/main"
    assert (project.tags(), bare.tags()) == (["v0.1.0"], ["v0.1.0"])
    too_early = released(poetry, project, "finish", "--push-tag")
    assert too_early.startswith("Nothing to finish")
    assert bare.tags() == ["v0.1.0"]

    merged = squash_merge(bare, "release/0.2.0", "chore(release): 0.2.0 (#7)")
    project.git("pull", "--quiet", "--ff-only")
    assert "Released 0.2.0" in released(poetry, project, "finish", "--push-tag")
    assert bare.git("rev-parse", "main", "v0.2.0^{commit}").split() == [merged, merged]
    assert released(poetry, project, "auto").startswith("Nothing to release")


# In a pipeline


def test_a_pipeline_releases_from_a_shallow_clone_without_a_branch(
    poetry: PoetryHome, project: GitProject, tmp_path: Path
) -> None:
    for number in range(5):
        project.commit(f"feat: old {number}")
    project.tag("v0.1.0")
    for number in range(100):
        project.git("commit", "--quiet", "--allow-empty", "-m", f"fix: new {number}")
    bare = project.add_remote(tmp_path / "origin.git")
    bare.git("fetch", "--quiet", str(project.root), "refs/tags/*:refs/tags/*")
    clone = GitProject(tmp_path / "clone")
    project.git("clone", "--quiet", "--depth=1", bare.root.as_uri(), str(clone.root))
    by_hand = release(poetry, clone, "auto")
    assert by_hand.returncode == 29
    assert "--fetch" in by_hand.stderr
    clone.git("checkout", "--quiet", "--detach")
    pipeline = with_environment(poetry, GITHUB_ACTIONS="true", GITHUB_REF="refs/heads/main")
    released(pipeline, clone, "auto", "--push-tag")
    assert bare.git("rev-parse", "v0.1.1^{commit}") == bare.git("rev-parse", "main")
    changelog = bare.git("show", "main:CHANGELOG.md")
    assert all(f"- new {number} (" in changelog for number in range(100))
    assert "old" not in changelog


# On a forge


def reach(project: GitProject, bare: GitProject, forge: StandIn) -> None:
    """Have *project* push over ssh to the forge's host, which is *bare*."""
    ssh = bare.root.with_suffix(".sh")
    ssh.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        f"*git-receive-pack*) exec git receive-pack '{bare.root}' ;;\n"
        f"*) exec git upload-pack '{bare.root}' ;;\nesac\n"
    )
    ssh.chmod(0o755)
    project.git("config", "core.sshCommand", f"'{ssh}'")
    project.git("config", "ssh.variant", "simple")
    path = forge.remote.removeprefix(f"{forge.url}/")
    project.git("remote", "set-url", "origin", f"git@forge.example:{path}")
    settings = f'\n[tool.poetry-aegis]\nforge = "{forge.kind}"\nforge_url = "{forge.url}"\n'
    project.commit(
        "feat: x (#3)",
        **{"pyproject.toml": project.pyproject.read_text(encoding="utf-8") + settings},
    )


def notes(forge: StandIn) -> str:
    (shown,) = forge.shown()
    assert (shown["tag"], shown["title"], shown.get("draft", False)) == ("v0.1.0", "v0.1.0", False)
    text: Any = shown["notes"]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("kind", [GitHubStandIn, GiteaStandIn, GitLabStandIn])
def test_a_release_on_a_forge(
    poetry: PoetryHome, project: GitProject, tmp_path: Path, kind: type[StandIn]
) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    with running(kind(tags=set())) as forge:
        reach(project, bare, forge)
        before = project.state()
        with_token = with_environment(poetry, **{forge.variable: TOKEN})
        command = ("auto", "--push-tag", "--forge-release")

        without = release(poetry, project, *command)
        assert without.returncode == 62
        assert forge.variable in without.stderr
        assert project.state() == before

        # The forge has not yet taken notice of the push.
        late = release(with_token, project, *command)
        assert late.returncode == 60
        assert "poetry aegis release --resume" in late.stderr
        assert (bare.tags(), forge.shown()) == (["v0.1.0"], [])

        forge.tags.add("v0.1.0")
        finished = release(with_token, project, "--resume")
        assert finished.returncode == 0, finished.stderr
        assert TOKEN not in without.stderr + late.stderr + finished.stdout + finished.stderr
        assert f"{OWNER}/" in finished.stdout
        assert NAME in finished.stdout
        assert "- x ([#3](" in notes(forge)
