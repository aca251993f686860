"""Releases of real repositories, run in this process."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import errors
from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import Release, open_release
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.sequence import Additions
from poetry_aegis.release.steps import Build, Publish
from poetry_aegis.settings import Settings
from tests.support.git import GitProject, make_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.release.journal import Step
    from poetry_aegis.release.plan import PackagePlan, Plan


def prepare(
    project: GitProject, target: str = "auto", settings: Settings | None = None, **more: object
) -> Release | None:
    request = Request(target, **more)  # type: ignore[arg-type]
    return open_release(project.pyproject, settings or Settings(), request)


@dataclass
class With(Additions):
    """Steps of the test's own before the commit or at the end."""

    before: list[Step] = field(default_factory=list)
    after: list[Step] = field(default_factory=list)

    def building(self, plan: Plan, package: PackagePlan, directory: Path) -> list[Step]:
        return self.before

    def publishing(self, plan: Plan, package: PackagePlan, directory: Path) -> list[Step]:
        return self.after


def publication(publish: Callable[[], None]) -> Publish:
    return Publish("corp", publish, lambda: False, list, lambda names: None)


def release(project: GitProject, target: str = "auto", **more: object) -> str:
    """Make a release and return its version."""
    opened = prepare(project, target, **more)  # type: ignore[arg-type]
    assert opened is not None
    opened.run(lambda step: None)
    return opened.plan.version


def version_in(project: GitProject) -> str:
    line = next(x for x in project.pyproject.read_text().splitlines() if x.startswith("version"))
    return line.split('"')[1]


# The version


def test_the_first_release_is_the_version_that_was_written(project: GitProject) -> None:
    project.commit("feat: begin")
    assert release(project) == "0.1.0"
    assert project.tags() == ["v0.1.0"]


def test_a_project_at_zero_takes_its_first_version_from_the_commits(project: GitProject) -> None:
    project.pyproject.write_text(project.pyproject.read_text().replace("0.1.0", "0.0.0"))
    project.commit("feat: begin")
    assert release(project) == "0.1.0"
    assert version_in(project) == "0.1.0"


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["fix: a"], "1.0.1"),
        (["fix: a", "feat: b"], "1.1.0"),
        (["feat: b", "fix!: a"], "2.0.0"),
        (["chore: a\n\nBREAKING CHANGE: b"], "2.0.0"),
    ],
)
def test_the_commits_decide(project: GitProject, messages: list[str], expected: str) -> None:
    project.tag("v1.0.0")
    for message in messages:
        project.commit(message)
    assert release(project) == expected
    assert version_in(project) == expected


def test_nothing_to_release(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.commit("chore: sweep")
    before = project.state()
    assert prepare(project) is None
    assert project.state() == before


def test_a_project_back_in_development_is_not_released_for_nothing(project: GitProject) -> None:
    project.tag("v0.1.0")
    text = project.pyproject.read_text().replace("0.1.0", "0.2.0.dev0")
    project.commit("chore: back to work", **{"pyproject.toml": text})
    assert prepare(project) is None


def test_a_version_raised_by_hand_is_released_as_it_is(project: GitProject) -> None:
    project.tag("v0.0.9")
    project.commit("fix: small")
    assert release(project) == "0.1.0"


@pytest.mark.parametrize("target", ["auto", "patch", "minor", "major", "prerelease"])
def test_a_version_raised_by_hand_is_released_whatever_word_asks(
    project: GitProject, target: str
) -> None:
    project.tag("v0.0.9")
    raised = "1.0.0a0" if target == "prerelease" else "1.0.0"
    text = project.pyproject.read_text().replace("0.1.0", raised)
    project.commit("chore: raise", **{"pyproject.toml": text})
    assert release(project, target) == raised


def test_a_prerelease_of_a_version_still_to_come(project: GitProject) -> None:
    project.commit("feat: x")
    assert release(project, "prerelease", prerelease_type="rc") == "0.1.0rc0"


def test_only_reachable_tags_count(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.git("switch", "--quiet", "-c", "other")
    project.commit("feat: elsewhere")
    project.tag("v5.0.0")
    project.git("switch", "--quiet", "main")
    project.commit("fix: here")
    assert release(project) == "1.0.1"


def test_tags_of_another_shape_and_light_ones(project: GitProject) -> None:
    project.git("tag", "v1.0.0")
    project.git("tag", "nightly")
    project.git("tag", "9.9.9")
    project.commit("fix: a")
    assert release(project) == "1.0.1"


@pytest.mark.parametrize(("target", "expected"), [("major", "2.0.0"), ("3.1", "3.1")])
def test_a_level_or_a_version_can_be_asked_for(
    project: GitProject, target: str, expected: str
) -> None:
    project.tag("v1.2.3")
    assert release(project, target) == expected


def test_prereleases_go_on_and_the_final_version_tells_of_all(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.commit("feat: one")
    assert release(project, "prerelease", prerelease_type="beta") == "1.1.0b0"
    assert prepare(project, "prerelease", prerelease_type="beta") is None
    project.commit("fix: two")
    assert release(project, "prerelease", prerelease_type="beta") == "1.1.0b1"
    second = project.changelog.read_text()
    assert "one" not in second[: second.index("## [1.1.0b0]")]
    assert release(project, "prerelease", prerelease_type="rc") == "1.1.0rc0"
    assert release(project) == "1.1.0"
    final = project.changelog.read_text()
    final = final[: final.index("## [1.1.0rc0]")]
    assert "- one (" in final
    assert "- two (" in final


def test_a_breaking_commit_after_a_prerelease_moves_its_target(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.commit("fix: one")
    assert release(project, "prerelease") == "1.0.1a0"
    project.commit("feat!: two")
    assert release(project, "prerelease") == "2.0.0a0"


def test_a_version_below_the_one_that_is_written_is_refused(project: GitProject) -> None:
    project.commit("feat: x")
    with pytest.raises(errors.VersionNotNewer, match=r"0\.1\.0, which pyproject\.toml says"):
        prepare(project, "0.0.5")


@pytest.mark.parametrize("version", ["1.0.0", "0.9", "1.0.0rc1"])
def test_a_version_that_is_not_newer_is_refused(project: GitProject, version: str) -> None:
    project.tag("v1.0.0")
    project.commit("feat: x")
    with pytest.raises(errors.VersionNotNewer, match=r"v1\.0\.0"):
        prepare(project, version)


# What is written


def test_the_commit_holds_exactly_the_changed_files(project: GitProject) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    (project.root / "stray.txt").write_text("mine")
    release(project)
    changed = project.git("show", "--name-only", "--format=", "HEAD").split()
    assert sorted(changed) == ["CHANGELOG.md", "pyproject.toml"]
    assert project.git("status", "--porcelain") == "?? stray.txt"
    assert project.git("log", "-1", "--format=%s") == "chore(release): 0.2.0"


def test_the_tag_is_annotated_with_the_changelog(project: GitProject) -> None:
    project.commit("feat: begin")
    release(project)
    assert project.git("cat-file", "-t", "v0.1.0") == "tag"
    message = project.git("tag", "-l", "--format=%(contents)", "v0.1.0")
    assert message.startswith("v0.1.0\n\n## [0.1.0]")
    assert "### Added" in message


def test_windows_line_endings_stay(project: GitProject) -> None:
    project.git("config", "core.autocrlf", "false")
    project.tag("v0.1.0")
    crlf = project.pyproject.read_bytes().replace(b"\n", b"\r\n")
    project.pyproject.write_bytes(crlf)
    project.changelog.write_bytes(b"# C\r\n\r\n## [0.1.0]\r\n\r\n- x\r\n")
    project.commit("feat: x")
    release(project)
    assert project.pyproject.read_bytes() == crlf.replace(b"0.1.0", b"0.2.0")
    assert b"\n" not in project.changelog.read_bytes().replace(b"\r\n", b"")


def test_the_notes_for_a_forge_have_no_title_and_plain_line_ends(project: GitProject) -> None:
    project.git("config", "core.autocrlf", "false")
    text = b"# C\r\n\r\n## [0.1.0] - 2026-01-01\r\n\r\n### Fixed\r\n\r\n- a\r\n\r\n[0.1.0]: x\r\n"
    project.changelog.write_bytes(text)
    project.commit("docs: all is written")
    opened = prepare(project)
    assert opened is not None
    assert opened.plan.first.notes == "### Fixed\n\n- a"


def test_a_project_below_the_top_of_its_repository(project: GitProject) -> None:
    below = project.root / "packages" / "한 글"
    below.mkdir(parents=True)
    project.git("mv", "pyproject.toml", str(below))
    project.commit("feat: move")
    opened = open_release(below / "pyproject.toml", Settings(), Request("auto"))
    assert opened is not None
    opened.run(lambda step: None)
    assert (below / "CHANGELOG.md").is_file()
    assert project.git("status", "--porcelain") == ""


def test_a_worktree_is_a_repository_too(project: GitProject, tmp_path: Path) -> None:
    project.commit("feat: x")
    project.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    side = GitProject(tmp_path / "side")
    assert release(side) == "0.1.0"
    assert side.git("log", "-1", "--format=%s") == "chore(release): 0.1.0"


def test_settings_of_the_user_do_not_disturb(project: GitProject) -> None:
    project.git("config", "log.showSignature", "true")
    project.git("config", "color.ui", "always")
    project.git("config", "core.quotePath", "true")
    project.tag("v0.1.0")
    project.commit("fix(한글): 고침")
    assert release(project) == "0.1.1"
    assert "- **한글:** 고침 (" in project.changelog.read_text(encoding="utf-8")


def test_the_plan_as_json_has_what_it_promises(project: GitProject) -> None:
    sha = project.commit("feat(api): x")
    opened = prepare(project)
    assert opened is not None
    document = opened.plan.to_json(opened.steps)
    assert (document["current"], document["version"], document["tag"], document["bump"]) == (
        "0.1.0",
        "0.1.0",
        "v0.1.0",
        "minor",
    )
    assert document["commits"][0]["sha"] == sha  # type: ignore[index]
    assert "- **api:** x" in str(document["changelog"])
    assert [step["name"] for step in document["steps"]] == ["files", "commit", "tag"]  # type: ignore[attr-defined]


# What is refused, before anything is written


def test_no_repository(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.0"\n')
    with pytest.raises(errors.NoRepository):
        prepare(GitProject(tmp_path))


def test_no_commits(tmp_path: Path, project: GitProject) -> None:
    empty = GitProject(tmp_path / "empty")
    empty.root.mkdir()
    empty.git("init", "--quiet")
    empty.pyproject.write_text('[project]\nname = "x"\nversion = "1.0"\n')
    with pytest.raises(errors.NoCommits):
        prepare(empty)


@pytest.mark.parametrize("staged", [False, True])
def test_a_dirty_tree(project: GitProject, staged: bool) -> None:
    project.commit("feat: x", **{"demo_pkg/new.py": "x = 1\n"})
    (project.root / "demo_pkg" / "new.py").write_text("x = 2\n")
    if staged:
        project.git("add", ".")
    with pytest.raises(errors.DirtyTree, match=r"demo_pkg/new\.py"):
        prepare(project)


def test_a_detached_head(project: GitProject) -> None:
    project.commit("feat: x")
    project.git("checkout", "--quiet", "--detach")
    with pytest.raises(errors.DetachedHead):
        prepare(project)


def test_no_identity(project: GitProject, monkeypatch: pytest.MonkeyPatch) -> None:
    project.commit("feat: x")
    for name in ("NAME", "EMAIL"):
        monkeypatch.delenv(f"GIT_COMMITTER_{name}")
        monkeypatch.delenv(f"GIT_AUTHOR_{name}")
    project.git("config", "user.useConfigOnly", "true")
    with pytest.raises(errors.CommitRefused) as caught:
        prepare(project)
    assert "git config user.email" in caught.value.hint


def test_a_tag_that_another_branch_has(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.git("switch", "--quiet", "-c", "other")
    project.commit("fix: elsewhere")
    project.tag("v1.0.1")
    project.git("switch", "--quiet", "main")
    project.commit("fix: here")
    with pytest.raises(errors.TagExists, match=r"v1\.0\.1"):
        prepare(project)


def test_a_tag_that_only_the_remote_has(project: GitProject, tmp_path: Path) -> None:
    project.add_remote(tmp_path / "origin.git")
    project.tag("v0.1.0")
    project.git("push", "--quiet", "origin", "v0.1.0")
    project.git("tag", "-d", "v0.1.0")
    project.commit("feat: x")
    with pytest.raises(errors.TagExists, match="remote"):
        prepare(project, push=True)


def test_no_remote_to_push_to(project: GitProject) -> None:
    project.commit("feat: x")
    with pytest.raises(errors.NoUpstream, match="no remote"):
        prepare(project, push=True)


def test_a_remote_that_is_ahead(project: GitProject, tmp_path: Path) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    other = GitProject(tmp_path / "other")
    project.git("clone", "--quiet", str(bare.root), str(other.root))
    other.commit("feat: theirs")
    other.git("push", "--quiet")
    project.commit("feat: ours")
    before = project.state()
    with pytest.raises(errors.PushRejected) as caught:
        prepare(project, push=True)
    assert "git pull --rebase" in caught.value.hint
    assert project.state() == before


def test_a_shallow_clone(project: GitProject, tmp_path: Path) -> None:
    project.commit("feat: x")
    shallow = GitProject(tmp_path / "shallow")
    project.git("clone", "--quiet", "--depth=1", project.root.as_uri(), str(shallow.root))
    with pytest.raises(errors.GitError, match="shallow") as caught:
        prepare(shallow)
    assert "git fetch --unshallow --tags" in caught.value.hint


def test_a_branch_that_tracks_another(project: GitProject, tmp_path: Path) -> None:
    project.add_remote(tmp_path / "origin.git")
    project.git("switch", "--quiet", "-c", "hotfix", "--track", "origin/main")
    project.commit("fix: unreviewed")
    with pytest.raises(errors.NoUpstream, match="origin/main"):
        prepare(project, push=True)
    project.git("config", "push.default", "upstream")
    assert prepare(project, push=True) is not None


@pytest.mark.parametrize(
    ("template", "version"), [("v{semver}", "1.2.3.4"), ("{semver}", "1.0.post1")]
)
def test_a_tag_that_could_not_be_read_again(
    project: GitProject, template: str, version: str
) -> None:
    with pytest.raises(errors.SettingsError, match="cannot name"):
        prepare(project, version, settings=Settings(tag_format=template))


def test_braces_in_a_tag_format(project: GitProject) -> None:
    settings = Settings(tag_format="v{{x}}{version}", commit_message="R {semver} {version}")
    for expected in ("v{x}0.1.0", "v{x}0.2.0"):
        project.commit("feat: x")
        opened = prepare(project, settings=settings)
        assert opened is not None
        opened.run(lambda step: None)
        assert expected in project.tags()
    assert project.git("log", "-1", "--format=%s") == "R 0.2.0 0.2.0"


def test_a_dry_run_of_the_push_runs_no_hook(project: GitProject, tmp_path: Path) -> None:
    project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    hook = project.root / ".git" / "hooks" / "pre-push"
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path / 'ran'}'\n")
    hook.chmod(0o755)
    assert prepare(project, push=True) is not None
    assert not (tmp_path / "ran").exists()


def test_an_old_commit_of_odd_bytes(project: GitProject) -> None:
    project.git("-c", "i18n.commitEncoding=UTF-8", "commit", "--allow-empty", "-q", "-m", "fix: ok")
    tree = project.git("rev-parse", "HEAD^{tree}")
    raw = (
        f"tree {tree}\nparent {project.git('rev-parse', 'HEAD')}\n"
        "author A <a@example.com> 1700000000 +0000\ncommitter A <a@example.com> 1700000000 +0000\n"
        "\nfix: caf"
    ).encode() + b"\xe9\n"
    (project.root / ".git" / "raw").write_bytes(raw)
    sha = project.git("hash-object", "-t", "commit", "-w", str(project.root / ".git" / "raw"))
    project.git("reset", "--quiet", sha)
    assert release(project) == "0.1.0"


def test_a_changelog_outside_the_repository(project: GitProject) -> None:
    project.commit("feat: x")
    with pytest.raises(errors.SettingsError, match="leaves the repository"):
        prepare(project, settings=Settings(changelog="../CHANGELOG.md"))


def test_a_changelog_that_is_not_text(project: GitProject) -> None:
    project.changelog.write_bytes(b"\xff\xfe\x00")
    project.commit("feat: x")
    with pytest.raises(errors.ReleaseError, match="cannot be read"):
        prepare(project)


def test_git_that_is_not_there(project: GitProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(errors.GitMissing):
        prepare(project)


# Pushing


def test_branch_and_tag_are_pushed_together(project: GitProject, tmp_path: Path) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    release(project, push=True)
    assert bare.git("rev-parse", "main") == project.git("rev-parse", "HEAD")
    assert bare.tags() == ["v0.1.0"]


def test_a_branch_without_upstream_gets_one(project: GitProject, tmp_path: Path) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.git("switch", "--quiet", "--no-track", "-c", "next")
    project.commit("feat: x")
    release(project, push=True)
    assert bare.git("rev-parse", "next") == project.git("rev-parse", "HEAD")
    assert project.git("rev-parse", "--abbrev-ref", "next@{upstream}") == "origin/next"


def refuse_pushes(bare: GitProject, reason: str) -> None:
    hook = bare.root / "hooks" / "update"
    hook.write_text(f"#!/bin/sh\necho '{reason}' >&2\nexit 1\n")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)


def test_a_rejected_push_takes_everything_back(project: GitProject, tmp_path: Path) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    refuse_pushes(bare, "main is protected")
    before, theirs = project.state(), bare.git("for-each-ref")
    with pytest.raises(errors.PushRejected, match="main is protected"):
        release(project, push=True)
    assert project.state() == before
    assert bare.git("for-each-ref") == theirs


def test_a_push_whose_answer_was_lost_is_seen_on_the_remote(
    project: GitProject, tmp_path: Path
) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    opened = prepare(project, push=True)
    assert opened is not None
    # Everything arrives, and then the connection breaks: git fails after the remote has it all.
    hook = project.root / ".git" / "hooks" / "reference-transaction"
    hook.write_text('#!/bin/sh\ngrep -q refs/remotes/ && test "$1" = prepared && exit 1\nexit 0\n')
    hook.chmod(0o755)
    opened.run(lambda step: None)
    assert bare.tags() == project.tags() == ["v0.1.0"]


# Failures on the way


class StepFails(errors.AegisError):
    """Stands for whatever can go wrong in a step that the release is handed."""


def fail() -> None:
    raise StepFails("No.")


def test_a_failing_build_leaves_no_trace(project: GitProject) -> None:
    project.commit("feat: x")
    before = project.state()
    building = With([Build(fail, lambda: False, lambda: None)])
    opened = open_release(project.pyproject, Settings(), Request("auto"), building)
    assert opened is not None
    assert [step.name for step in opened.steps] == ["files", "build", "commit", "tag"]
    with pytest.raises(StepFails):
        opened.run(lambda step: None)
    assert project.state() == before


@pytest.mark.parametrize("arrived", [False, True])
def test_a_failing_publication(project: GitProject, arrived: bool) -> None:
    """With nothing uploaded the release is taken back; with a file out there it stands."""
    project.commit("feat: x")
    before = project.state()
    discarded: list[bool] = []
    step = Publish("corp", fail, lambda: arrived, list, lambda names: discarded.append(True))
    opened = open_release(project.pyproject, Settings(), Request("auto"), With(after=[step]))
    assert opened is not None
    with pytest.raises(StepFails):
        opened.run(lambda step: None)
    assert bool(discarded) is not arrived
    assert opened.is_unfinished() is arrived
    assert (project.state() == before) is not arrived
    assert project.tags() == (["v0.1.0"] if arrived else [])


def test_commits_that_came_after_the_plan_are_not_released_unmentioned(
    project: GitProject,
) -> None:
    project.commit("feat: x")
    opened = prepare(project)
    assert opened is not None
    project.commit("feat!: theirs", **{"demo_pkg/theirs.py": ""})
    before = project.state()
    with pytest.raises(errors.ReleaseError, match="has moved"):
        opened.run(lambda step: None)
    assert project.state() == before


def test_a_commit_of_somebody_else_is_never_undone(project: GitProject) -> None:
    project.commit("feat: x")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text(
        "#!/bin/sh\ngit update-ref HEAD "
        "$(git commit-tree -p HEAD -m 'fix: theirs' $(git rev-parse HEAD^{tree}))\n"
    )
    hook.chmod(0o755)
    with pytest.raises(errors.CommitRefused):
        release(project)
    assert project.git("log", "-1", "--format=%s") == "fix: theirs"
    assert project.git("status", "--porcelain") == ""


def test_what_a_hook_rewrites_is_released_and_the_tree_is_clean(project: GitProject) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text(
        "#!/bin/sh\nsed -i 's/^- /* /' CHANGELOG.md\n"
        "touch extra.txt\ngit add CHANGELOG.md extra.txt\n"
    )
    hook.chmod(0o755)
    release(project)
    assert project.git("status", "--porcelain") == ""
    assert "\n* x (" in project.git("show", "HEAD:CHANGELOG.md")


def test_what_a_hook_added_is_taken_back_with_the_commit(project: GitProject) -> None:
    project.commit("feat: x")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\ntouch extra.txt\ngit add extra.txt\n")
    hook.chmod(0o755)
    before = project.state()
    step = publication(fail)
    opened = open_release(project.pyproject, Settings(), Request("auto"), With(after=[step]))
    assert opened is not None
    with pytest.raises(StepFails):
        opened.run(lambda step: None)
    assert project.state() == before


def test_a_push_that_nobody_can_tell_about_stands(project: GitProject, tmp_path: Path) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    opened = prepare(project, push=True)
    assert opened is not None
    hook = bare.root / "hooks" / "post-receive"
    hook.write_text(f"#!/bin/sh\nmv '{bare.root}' '{tmp_path / 'gone.git'}'\nkill -9 $PPID\n")
    hook.chmod(0o755)
    with pytest.raises(errors.PushRejected, match="does not say"):
        opened.run(lambda step: None)
    assert opened.is_unfinished()
    assert project.tags() == GitProject(tmp_path / "gone.git").tags() == ["v0.1.0"]


def test_new_directories_are_taken_back_too(project: GitProject) -> None:
    project.commit("feat: x")
    opened = open_release(
        project.pyproject,
        Settings(changelog="docs/a/changes.md"),
        Request("auto"),
        With([Build(fail, lambda: False, lambda: None)]),
    )
    assert opened is not None
    with pytest.raises(StepFails):
        opened.run(lambda step: None)
    assert not (project.root / "docs").exists()


def test_one_release_at_a_time_in_all_work_trees(project: GitProject, tmp_path: Path) -> None:
    project.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    directories = {
        GitRepository.around(root).git_directory().resolve()
        for root in (project.root, tmp_path / "side")
    }
    assert directories == {project.root / ".git"}


def test_a_hook_that_refuses_the_commit_leaves_no_trace(project: GitProject) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho 'not on a Sunday' >&2\nexit 1\n")
    hook.chmod(0o755)
    before = project.state()
    with pytest.raises(errors.CommitRefused, match="not on a Sunday"):
        release(project)
    assert project.state() == before


@pytest.mark.parametrize("at", ["files", "commit", "tag"])
def test_ctrl_c_at_a_step_leaves_no_trace(project: GitProject, at: str) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    before = project.state()
    opened = prepare(project)
    assert opened is not None
    step = next(step for step in opened.steps if step.name == at)
    done = step.do

    def interrupted() -> None:
        done()
        raise KeyboardInterrupt

    step.do = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        opened.run(lambda step: None)
    assert project.state() == before


def test_a_second_project_is_made_fresh(tmp_path: Path, project: GitProject) -> None:
    other = make_project(tmp_path / "other", version="7.0.0")
    other.commit("feat: x")
    assert release(other) == "7.0.0"


# What looks odd and is allowed


def test_a_tag_with_the_name_of_the_branch(project: GitProject, tmp_path: Path) -> None:
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    project.git("tag", "main")
    release(project, push=True)
    heads = bare.git("for-each-ref", "--format=%(refname)", "refs/heads").split()
    assert heads == ["refs/heads/main"]
    assert bare.git("rev-parse", "refs/heads/main") == project.git("rev-parse", "HEAD")


def test_a_section_that_is_longer_than_a_command_line_may_be(project: GitProject) -> None:
    long = "\n".join(f"- entry {number} of very many" for number in range(8000))
    project.commit("feat: x", **{"CHANGELOG.md": f"# C\n\n## [Unreleased]\n\n{long}\n"})
    release(project)
    message = project.git("tag", "-l", "--format=%(contents)", "v0.1.0")
    assert len(message) > 200_000
    assert message.rstrip().count("- entry") == 8000


def test_a_token_in_the_address_of_a_remote_is_never_shown(project: GitProject) -> None:
    project.commit("feat: x")
    project.git("config", "branch.main.remote", "https://bot:s3cr3t@127.0.0.1:9/x.git")
    project.git("config", "branch.main.merge", "refs/heads/main")
    with pytest.raises(errors.PushRejected) as caught:
        prepare(project, push=True)
    assert "https://127.0.0.1:9/x.git" in str(caught.value)
    assert "s3cr3t" not in str(caught.value) + caught.value.hint


def test_the_place_that_is_pushed_to_is_asked_and_not_the_one_fetched_from(
    project: GitProject, tmp_path: Path
) -> None:
    fetched = project.add_remote(tmp_path / "origin.git")
    pushed = GitProject(tmp_path / "mirror.git")
    project.git("clone", "--quiet", "--bare", str(fetched.root), str(pushed.root))
    project.git("remote", "set-url", "--push", "origin", str(pushed.root))
    project.commit("feat: x")
    opened = open_release(
        project.pyproject, Settings(), Request("auto", push=True), With(after=[publication(fail)])
    )
    assert opened is not None
    with pytest.raises(StepFails):
        opened.run(lambda step: None)
    assert opened.is_seen()
    assert pushed.tags() == project.tags() == ["v0.1.0"]
    assert fetched.tags() == []


def test_what_a_commit_hook_rewrites_is_built_again(project: GitProject) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho '# formatted' >> pyproject.toml\ngit add pyproject.toml\n")
    hook.chmod(0o755)
    built: list[str] = []
    build = Build(
        lambda: built.append(project.pyproject.read_text()), lambda: bool(built), built.clear
    )
    opened = open_release(project.pyproject, Settings(), Request("auto"), With([build]))
    assert opened is not None
    opened.run(lambda step: None)
    assert built == [project.git("show", "v0.2.0:pyproject.toml") + "\n"]


def test_the_users_hooks_keep_the_users_characters(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    project.commit("feat: x")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\necho \"$LC_ALL/$LC_CTYPE\" > '{tmp_path / 'seen'}'\n")
    hook.chmod(0o755)
    release(project)
    assert (tmp_path / "seen").read_text().strip() == "/C.UTF-8"
