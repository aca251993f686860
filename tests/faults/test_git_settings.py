"""Releases under settings of git that change what a commit, a tag or a push is."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import errors
from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import open_release
from poetry_aegis.release.sequence import Additions
from poetry_aegis.release.steps import Build
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.release.engine import Release
    from poetry_aegis.release.journal import Step
    from poetry_aegis.release.plan import PackagePlan, Plan
    from tests.support.git import GitProject


class Fails(errors.AegisError):
    """Stands for whatever can go wrong once all is made."""


class Failing(Additions):
    """A release that fails at its very end."""

    def publishing(self, plan: Plan, package: PackagePlan, directory: Path) -> list[Step]:
        def fail() -> None:
            raise Fails("No.")

        return [Build(fail, lambda: False, lambda: None, name="last")]


def prepare(
    project: GitProject,
    additions: Additions | None = None,
    settings: Settings | None = None,
    **more: bool,
) -> Release:
    request = Request("auto", **more)  # type: ignore[arg-type]
    release = open_release(project.pyproject, settings or Settings(), request, additions)
    assert release is not None
    return release


def configure(project: GitProject, *settings: str) -> None:
    for setting in settings:
        name, _, value = setting.partition("=")
        project.git("config", name, value)


SETTINGS = [
    ("core.autocrlf=true", "core.safecrlf=false"),
    ("core.autocrlf=input", "core.safecrlf=false"),
    ("commit.template=template.txt",),
    ("commit.cleanup=scissors",),
    ("commit.cleanup=strip", "core.commentChar=c"),
    ("commit.verbose=true",),
    ("commit.status=true", "core.editor=false"),
    ("core.commentChar=#",),
    ("i18n.commitEncoding=ISO-8859-1", "i18n.logOutputEncoding=ISO-8859-1"),
    ("push.default=nothing",),
    ("push.default=matching", "push.followTags=true"),
    ("core.splitIndex=true",),
    ("core.untrackedCache=true", "index.version=4"),
    ("status.showUntrackedFiles=all", "status.relativePaths=true", "core.quotePath=true"),
    ("diff.noprefix=true", "diff.external=false", "diff.renames=copies"),
    ("log.decorate=full", "log.follow=true", "log.mailmap=false", "log.date=relative"),
    ("core.logAllRefUpdates=false", "advice.detachedHead=true"),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings[0])
def test_settings_of_git_change_nothing(
    project: GitProject, tmp_path: Path, settings: tuple[str, ...]
) -> None:
    """A release that fails leaves no trace, and one that does not is what it always is."""
    bare = project.add_remote(tmp_path / "origin.git")
    project.tag("v0.1.0")
    project.commit("feat: 새 기능", **{"template.txt": "# a template\n", "분.txt": "x\n"})
    configure(project, *settings)
    before = project.state()
    with pytest.raises(Fails):
        prepare(project, Failing()).run(lambda step: None)
    assert project.state() == before

    words = Settings(commit_message="chore(release): 판 {version}")
    prepare(project, settings=words, push=True).run(lambda step: None)
    read = ("-c", "i18n.logOutputEncoding=UTF-8")
    message = project.git(*read, "log", "-1", "--format=%B%e")
    assert message == "chore(release): 판 0.2.0"
    changed = project.git("show", "--name-only", "--format=", "HEAD").split()
    assert sorted(changed) == ["CHANGELOG.md", "pyproject.toml"]
    assert project.git("status", "--porcelain") == ""
    contents = project.git(*read, "tag", "--list", "--format=%(contents)", "v0.2.0")
    assert contents.startswith("v0.2.0\n\n## [0.2.0]")
    assert "- 새 기능" in contents
    assert bare.git("rev-parse", "main") == project.git("rev-parse", "HEAD")
    assert bare.git("rev-parse", "v0.2.0") == project.git("rev-parse", "v0.2.0")


def test_a_work_tree_of_windows_line_endings(project: GitProject) -> None:
    configure(project, "core.autocrlf=true")
    project.commit("feat: x", **{"CHANGELOG.md": "# Changelog\n"})
    for path in (project.pyproject, project.changelog):
        path.unlink()
    project.git("checkout", "--", ".")
    assert b"\r\n" in project.pyproject.read_bytes()
    before = project.state()
    with pytest.raises(Fails):
        prepare(project, Failing()).run(lambda step: None)
    assert project.state() == before
    prepare(project).run(lambda step: None)
    assert project.git("status", "--porcelain") == ""
    for path in (project.pyproject, project.changelog):
        text = path.read_bytes()
        assert text.count(b"\n") == text.count(b"\r\n") > 1
        assert "\r" not in project.git("cat-file", "blob", f"HEAD:{path.name}")


def test_hooks_elsewhere(project: GitProject, tmp_path: Path) -> None:
    (tmp_path / "hooks").mkdir()
    hook = tmp_path / "hooks" / "commit-msg"
    hook.write_text('#!/bin/sh\necho "Reviewed-by: nobody" >> "$1"\n')
    hook.chmod(0o755)
    configure(project, f"core.hooksPath={tmp_path / 'hooks'}")
    project.commit("feat: x")
    prepare(project).run(lambda step: None)
    assert project.git("log", "-1", "--format=%B").endswith("Reviewed-by: nobody")
    hook.write_text("#!/bin/sh\necho 'not so' >&2; exit 1\n")
    project.git("commit", "--no-verify", "--allow-empty", "--quiet", "-m", "feat: y")
    before = project.state()
    with pytest.raises(errors.CommitRefused, match="not so"):
        prepare(project).run(lambda step: None)
    assert project.state() == before


def test_a_hook_that_writes_the_whole_message_anew(project: GitProject) -> None:
    project.commit("feat: x")
    hook = project.root / ".git" / "hooks" / "prepare-commit-msg"
    hook.write_text('#!/bin/sh\necho "ABC-1 a release" > "$1"\n')
    hook.chmod(0o755)
    before = project.state()
    with pytest.raises(Fails):
        prepare(project, Failing()).run(lambda step: None)
    assert project.state() == before
    prepare(project).run(lambda step: None)
    assert project.git("log", "-1", "--format=%s") == "ABC-1 a release"
    assert project.git("rev-parse", "v0.1.0^{commit}") == project.git("rev-parse", "HEAD")


# Signing


@pytest.fixture
def signed(project: GitProject, tmp_path: Path) -> Callable[[str], str]:
    """Let git sign with a key of its own; return what tells how well an object is signed."""
    key = tmp_path / "key"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
    signers = tmp_path / "signers"
    signers.write_text(f"ada@example.com {key.with_suffix('.pub').read_text()}")
    configure(
        project,
        "gpg.format=ssh",
        f"user.signingKey={key}",
        f"gpg.ssh.allowedSignersFile={signers}",
    )

    def verify(verb: str, name: str = "HEAD") -> str:
        done = subprocess.run(
            ["git", verb, name], cwd=project.root, capture_output=True, text=True, check=False
        )
        return "good" if 'Good "git" signature' in done.stderr else done.stderr

    return verify


@pytest.mark.parametrize("how", ["--sign", "commit.gpgSign", "tag.gpgSign"])
def test_what_is_to_be_signed_is_signed(
    project: GitProject, signed: Callable[..., str], how: str
) -> None:
    if how != "--sign":
        configure(project, f"{how}=true")
    project.git("-c", "commit.gpgSign=false", "commit", "--allow-empty", "-q", "-m", "feat: x")
    prepare(project, sign=how == "--sign").run(lambda step: None)
    assert (signed("verify-commit") == "good") is (how != "tag.gpgSign")
    assert (signed("verify-tag", "v0.1.0") == "good") is (how != "commit.gpgSign")


def test_what_a_formatter_rewrites_is_signed_too(
    project: GitProject, signed: Callable[..., str]
) -> None:
    project.commit("feat: x")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho '<!-- formatted -->' > end; cat end >> CHANGELOG.md; rm end\n")
    hook.chmod(0o755)
    prepare(project, sign=True).run(lambda step: None)
    assert "formatted" in project.git("show", "HEAD:CHANGELOG.md")
    assert project.git("status", "--porcelain") == ""
    assert signed("verify-commit") == "good"


@pytest.mark.parametrize("how", ["--sign", "commit.gpgSign", "tag.gpgSign"])
def test_a_key_that_is_gone_is_found_before_the_first_change(
    project: GitProject, signed: Callable[..., str], how: str
) -> None:
    project.commit("feat: x")
    configure(project, f"user.signingKey={project.root}/nowhere/key")
    if how != "--sign":
        configure(project, f"{how}=true")
    before = project.state()
    with pytest.raises(errors.CommitRefused, match="cannot sign"):
        prepare(project, sign=how == "--sign")
    assert project.state() == before


# Pipelines


def test_a_pipeline_pushes_from_a_detached_head_to_its_branch(
    project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    project.git("push", "--quiet")
    project.git("checkout", "--quiet", "--detach")
    for name, value in (("GITHUB_ACTIONS", "true"), ("GITHUB_REF", "refs/heads/main")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_REF_NAME", "main")
    monkeypatch.setenv("GITHUB_REF_TYPE", "branch")
    before = project.state()
    with pytest.raises(Fails):
        prepare(project, Failing()).run(lambda step: None)
    assert project.state() == before
    prepare(project, push=True).run(lambda step: None)
    assert bare.git("rev-parse", "main") == project.git("rev-parse", "HEAD")
    assert bare.tags() == ["v0.1.0"]
    assert project.git("symbolic-ref", "--quiet", "HEAD", check=False) == ""
