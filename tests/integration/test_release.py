"""``release``, ``bump`` and ``changelog`` as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.git import GitProject, make_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.poetry import PoetryHome


def test_a_dry_run_prints_the_plan_and_changes_nothing(
    poetry: PoetryHome, project: GitProject
) -> None:
    project.tag("v0.1.0")
    project.commit("feat(api): <new>")
    before = project.state()
    run = poetry.run("aegis", "release", "auto", "--dry-run", cwd=project.root)
    assert run.returncode == 0
    assert "0.1.0 -> 0.2.0 (minor), v0.2.0" in run.stdout
    assert "- **api:** &lt;new> (" in run.stdout
    assert "write pyproject.toml, CHANGELOG.md" in run.stdout
    assert "Nothing was changed." in run.stdout
    assert project.state() == before


@pytest.mark.parametrize("dry_run", [True, False])
def test_json_is_one_object_alone_on_standard_output(
    poetry: PoetryHome, project: GitProject, dry_run: bool
) -> None:
    project.tag("v0.1.0")
    sha = project.commit("feat: 한글 <b>")
    options = ["--dry-run"] if dry_run else []
    run = poetry.run("aegis", "release", "minor", "--json", *options, cwd=project.root)
    document = json.loads(run.stdout)
    assert run.returncode == 0
    assert document["current"] == "0.1.0"
    assert document["version"] == "0.2.0"
    assert document["tag"] == "v0.2.0"
    assert document["bump"] == "minor"
    assert document["commits"][0]["sha"] == sha
    assert document["commits"][0]["description"] == "한글 <b>"
    assert document["changelog"].startswith("## [0.2.0] - ")
    assert [step["name"] for step in document["steps"]] == ["files", "commit", "tag"]
    assert document["dry_run"] is dry_run
    assert "0.2.0" in run.stderr
    assert project.tags() == (["v0.1.0"] if dry_run else ["v0.1.0", "v0.2.0"])


def test_nothing_to_release_is_a_success_and_one_line(
    poetry: PoetryHome, project: GitProject
) -> None:
    project.tag("v0.1.0")
    project.commit("docs: more")
    run = poetry.run("aegis", "release", "auto", cwd=project.root)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == ("Nothing to release: no change since 0.1.0 asks for a new version.\n")
    run = poetry.run("aegis", "release", "auto", "--json", cwd=project.root)
    document = json.loads(run.stdout)
    assert (document["current"], document["version"], document["steps"]) == ("0.1.0", None, [])


def test_the_last_release_is_the_highest_tag_whatever_pyproject_toml_says(
    poetry: PoetryHome, project: GitProject
) -> None:
    project.tag("v0.1.5")
    run = poetry.run("aegis", "release", "auto", "--json", cwd=project.root)
    assert run.stderr == "Nothing to release: no change since 0.1.5 asks for a new version.\n"
    assert json.loads(run.stdout)["current"] == "0.1.5"
    run = poetry.run("aegis", "ci", "snapshot", cwd=project.root)
    assert run.stdout == "Nothing to publish: no change since 0.1.5 asks for a new version.\n"
    # What waits for its tag is what the file says.
    run = poetry.run("aegis", "release", "finish", cwd=project.root)
    assert "(pyproject.toml says 0.1.0)" in run.stdout


def test_the_line_that_pushes_takes_along_the_tag_that_was_left_behind(
    poetry: PoetryHome, project: GitProject, tmp_path: Path
) -> None:
    project.tag("v0.1.0")
    bare = project.add_remote(tmp_path / "origin.git")
    bare.git("fetch", "--quiet", str(project.root), "refs/tags/*:refs/tags/*")
    for tag in ("v0.1.1", "v0.1.2"):
        project.commit("fix: x")
        project.tag(f"mine-{tag}")  # No tag of a release.
        run = poetry.run("aegis", "release", "patch", cwd=project.root)
        assert f"tagged {tag}." in run.stdout
    line = run.stdout.splitlines()[-1].removeprefix("Push it with: git ")
    assert line == "push --atomic origin HEAD:refs/heads/main v0.1.1 v0.1.2"
    project.git(*line.split())
    assert bare.tags() == ["v0.1.0", "v0.1.1", "v0.1.2"]

    project.commit("fix: y")
    run = poetry.run("aegis", "release", "patch", cwd=project.root)
    assert run.stdout.endswith("HEAD:refs/heads/main v0.1.3\n")


def test_release_and_push(poetry: PoetryHome, project: GitProject, tmp_path: Path) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("fix: x")
    run = poetry.run("aegis", "release", "auto", "--push-tag", cwd=project.root)
    assert (run.returncode, run.stderr) == (0, "")
    assert "Released 0.1.0, tagged v0.1.0." in run.stdout
    assert bare.tags() == ["v0.1.0"]
    again = poetry.run("aegis", "release", "auto", "--push-tag", cwd=project.root)
    assert again.stdout.startswith("Nothing to release")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "What is to be released?"),
        (["pacth"], 2, "'pacth' is not a version."),
        (["auto", "--prerelease-type", "rc"], 2, "--prerelease-type goes with"),
        (["prerelease", "--prerelease-type", "gamma"], 2, "'gamma' is not a kind"),
        (["auto", "-r", "corp"], 2, "--repository goes with --publish."),
        (["auto", "--push-tag"], 26, "has no upstream"),
        (["0.0.1"], 32, "is not newer"),
    ],
)
def test_what_cannot_be_is_one_sentence_with_a_code(
    poetry: PoetryHome, project: GitProject, arguments: list[str], code: int, message: str
) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    before = project.state()
    run = poetry.run("aegis", "release", *arguments, cwd=project.root)
    assert run.returncode == code
    assert message in run.stderr.splitlines()[0]
    assert run.stdout == ""
    assert project.state() == before


def test_an_error_is_json_too(poetry: PoetryHome, project: GitProject) -> None:
    project.commit("feat: x")
    (project.root / "pyproject.toml").write_text(project.pyproject.read_text() + "\n")
    run = poetry.run("aegis", "release", "auto", "--json", cwd=project.root)
    document = json.loads(run.stdout)
    assert run.returncode == document["exit_code"] == 24
    assert document["error"] == "DirtyTree"
    assert "git stash" in document["hint"]


def test_ctrl_c_in_a_hook_takes_the_release_back(poetry: PoetryHome, project: GitProject) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    waiting = project.root / ".git" / "waiting"
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\ntouch '{waiting}'\nsleep 30\n")
    hook.chmod(0o755)
    before = project.state()
    process = subprocess.Popen(
        [sys.executable, "-m", "poetry", "aegis", "release", "auto"],
        cwd=project.root,
        env=poetry.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not waiting.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert waiting.exists()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to git and the hook as well
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "The release was taken back; the repository is as it was." in errors
    assert errors.splitlines()[-1] == "Interrupted."
    assert project.state() == before


def test_a_refused_push_takes_the_release_back_and_says_so(
    poetry: PoetryHome, project: GitProject, tmp_path: Path
) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    hook = bare.root / "hooks" / "update"
    hook.write_text("#!/bin/sh\necho 'main is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    project.commit("feat: x")
    before = project.state()
    run = poetry.run("aegis", "release", "auto", "--push-tag", cwd=project.root)
    assert run.returncode == 27
    protected = (
        "Where the branch takes only pull requests: "
        'poetry aegis release auto --branch "release/{version}" --push-tag'
    )
    assert run.stderr.splitlines() == [
        "The push to 'origin' failed: main is protected",
        f"Settle it with the remote, then run the command again. {protected}",
        "The release was taken back; the repository is as it was.",
    ]
    assert project.state() == before


def test_a_second_release_at_the_same_time_is_told(poetry: PoetryHome, project: GitProject) -> None:
    from filelock import FileLock

    project.commit("feat: x")
    with FileLock(project.root / ".git" / "poetry-aegis.lock"):
        run = poetry.run("aegis", "release", "auto", cwd=project.root)
    assert run.returncode == 34
    assert run.stderr.startswith("Another release of this repository is running.")
    assert project.tags() == []


# bump


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["patch"], "0.1.1"),
        (["minor"], "0.2.0"),
        (["major"], "1.0.0"),
        (["prerelease", "--prerelease-type", "alpha"], "0.1.1a0"),
    ],
)
def test_bump_writes_the_version_only(
    poetry: PoetryHome, project: GitProject, arguments: list[str], expected: str
) -> None:
    before = project.pyproject.read_text()
    run = poetry.run("aegis", "bump", *arguments, cwd=project.root)
    assert (run.returncode, run.stdout) == (0, f"0.1.0 -> {expected}\n")
    assert project.pyproject.read_text() == before.replace("0.1.0", expected)
    assert project.git("status", "--porcelain") == "M pyproject.toml"


def test_bump_dry_run_and_json(poetry: PoetryHome, project: GitProject) -> None:
    run = poetry.run("aegis", "bump", "patch", "--dry-run", "--json", cwd=project.root)
    assert json.loads(run.stdout) == {
        "current": "0.1.0",
        "version": "0.1.1",
        "file": str(project.pyproject),
        "version_files": [],
        "dry_run": True,
    }
    assert project.git("status", "--porcelain") == ""


# changelog


def test_the_changelog_of_a_past_and_of_the_coming_version(
    poetry: PoetryHome, project: GitProject
) -> None:
    project.commit("feat: one")
    project.tag("v0.1.0")
    project.commit("fix: two")
    past = poetry.run("aegis", "changelog", "0.1.0", cwd=project.root)
    assert past.stdout.startswith("## [0.1.0] - ")
    assert "- one (" in past.stdout
    assert "two" not in past.stdout
    coming = poetry.run("aegis", "changelog", cwd=project.root)
    assert coming.stdout.startswith("## [Unreleased]\n\n### Fixed\n\n- two (")
    named = poetry.run("aegis", "changelog", "0.1.1", cwd=project.root)
    assert named.stdout.startswith("## [0.1.1] - ")
    assert not project.changelog.exists()


def test_the_changelog_is_written_once(poetry: PoetryHome, project: GitProject) -> None:
    project.commit("feat: one")
    project.tag("v0.1.0")
    first = poetry.run("aegis", "changelog", "0.1.0", "--write", cwd=project.root)
    text = project.changelog.read_text()
    assert f"Written to {project.changelog}" in first.stderr
    assert first.stdout in text
    second = poetry.run("aegis", "changelog", "0.1.0", "--write", cwd=project.root)
    assert f"Already in {project.changelog}" in second.stderr
    assert project.changelog.read_text() == text


def test_a_hand_written_section_is_printed_as_it_stands(
    poetry: PoetryHome, project: GitProject
) -> None:
    section = "## v0.1.0 - whenever\n\n* our words\n"
    project.commit("feat: one", **{"CHANGELOG.md": f"# C\n\n{section}\n## v0.0.1\n"})
    project.tag("v0.1.0")
    run = poetry.run("aegis", "changelog", "0.1.0", "--json", cwd=project.root)
    document = json.loads(run.stdout)
    assert (document["version"], document["tag"]) == ("0.1.0", "v0.1.0")
    assert (document["changelog"], document["text"]) == (section, "* our words")
    assert (document["file"], document["written"]) == (str(project.changelog), False)


def test_a_version_that_never_was(poetry: PoetryHome, project: GitProject) -> None:
    project.tag("v1.0.0")
    run = poetry.run("aegis", "changelog", "0.5.0", cwd=project.root)
    assert (run.returncode, run.stdout) == (33, "")
    assert "There is no release 0.5.0." in run.stderr
    assert "1.0.0" in run.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere paths are UTF-8 in any locale")
def test_a_path_that_the_locale_cannot_spell_is_no_bug(poetry: PoetryHome, tmp_path: Path) -> None:
    (tmp_path / "한국").mkdir()
    project = make_project(tmp_path / "한국" / "kim-lib")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    poetry.extra_env.update(ascii_only)
    run = poetry.run("aegis", "changelog", "0.1.0", cwd=project.root)
    assert run.returncode == 1
    assert "letters that the locale of this shell cannot spell" in run.stderr
    assert "bug" not in run.stderr
    assert "export PYTHONUTF8=1" in run.stderr
    poetry.extra_env["PYTHONUTF8"] = "1"
    assert poetry.run("aegis", "changelog", "0.1.0", cwd=project.root).returncode == 0
