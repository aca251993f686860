"""Commit messages: what is wrong with them, and what the sentence about it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import IncompleteHistory, NoCommits, UsageError
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.commits import Commit
from poetry_aegis.release.lint import Finding, lint_messages, report
from poetry_aegis.release.lint_input import (
    SCISSORS,
    clean,
    read_message_file,
    read_range,
    read_unreleased,
)
from poetry_aegis.settings import Settings
from tests.support.git import GitProject, clone

if TYPE_CHECKING:
    from pathlib import Path

SHA = "0123456789abcdef"


def lint(message: str, settings: Settings | None = None) -> list[Finding]:
    return lint_messages([Commit(SHA, "", "", message)], settings or Settings())


@pytest.mark.parametrize(
    "message",
    [
        "feat: x",
        "fix(api)!: x",
        "Docs: any case",
        "security: of the settings",
        "refactor(a/b): x\n\nA body.\nfeat: not a header\n\nRefs: 1\nBREAKING CHANGE: y",
        "feat: x\n\nBREAKING-CHANGE: y",
        "feat: x\n\nSigned-off-by: Ada <ada@example.com>\nCo-authored-by: B <b@example.com>",
        "feat: x\r\n\r\nBody.\r\n\r\nRefs: 7\r\n",
        "feat: x\n\nNote: prose may look like a footer.\n\nMore prose.",
        "feat: x\n\nThis is not a\nbreakingly new change",
        "chore: x\n\nRelease-As: 2.0.0",
        "fixup! feat: x",
        "squash! whatever",
        "amend! whatever",
        'Revert "feat: x"\n\nThis reverts commit 0123456789.',
        'Reapply "feat: x"',
        "Merge branch 'main' into feature",
        "Merge remote-tracking branch 'origin/main'",
        "Merge pull request #7 from ada/feature\n\nfeat: x",
        "Merge 0123456789abcdef into fedcba9876543210",
        "Merged in feature (pull request #7)",
        "Merged PR 12: Title",
    ],
)
def test_nothing_is_wrong_with(message: str) -> None:
    assert lint(message) == []


@pytest.mark.parametrize(
    ("message", "problem", "remedy"),
    [
        ("feat:x", "there is no space after the colon", "write: feat: x"),
        ("feat :x", "there is a space before the colon", "write: feat: x"),
        ("feat(api) : x", "there is a space before the colon", "write: feat(api): x"),
        ("feat (api): x", "there is a space before the scope", "write: feat(api): x"),
        ("feat!(api): x", "the ! stands before the scope", "write: feat(api)!: x"),
        ("feat(): x", "the scope is empty", "write: feat: x"),
        ("feat(api: x", "the scope is not closed", "write: feat(SCOPE): DESCRIPTION"),
        ("Feat x", "there is no colon after the type", "write: feat: x"),
        ("fix", "there is no colon after the type", "write: fix: DESCRIPTION"),
        ("fix:", "the description is missing", "write: fix: DESCRIPTION"),
        ("fix(api)!:  ", "the description is missing", "write: fix(api)!: DESCRIPTION"),
        ("feat\uff1a 새로", "the colon is not the ASCII one", "write: feat: 새로"),
        ("feature: x", "the type 'feature' is unknown", "did you mean 'feat'?"),
        ("bugfix: x", "the type 'bugfix' is unknown", "did you mean 'fix'?"),
        ("doc(api): x", "the type 'doc' is unknown", "did you mean 'docs'?"),
        (
            "feat: x\nmore",
            "the body stands right below the header",
            "leave a line empty between them",
        ),
        (
            "feat: x\n\nBreaking change: y",
            "'Breaking change: y' is not read as a breaking change",
            "write: BREAKING CHANGE: what breaks",
        ),
        (
            "fix: x\n\nBREAKING: y",
            "'BREAKING: y' is not read as a breaking change",
            "write: BREAKING CHANGE: what breaks",
        ),
        (
            "feat: x\n\n**BREAKING CHANGES**: y",
            "'**BREAKING CHANGES**: y' is not read as a breaking change",
            "write: BREAKING CHANGE: what breaks",
        ),
        (
            "feat: x\n\nSome prose, then\nBREAKING CHANGE: y",
            "'BREAKING CHANGE' is not read as a footer where it stands",
            "put it into the last paragraph, after an empty line",
        ),
        (
            "feat: x\n\nRefs: 12\n\nAnd prose below.",
            "'Refs' is not read as a footer where it stands",
            "put it into the last paragraph, after an empty line",
        ),
        (
            "feat: x\n\nprose\nReviewed-by: B <b@example.com>",
            "'Reviewed-by' is not read as a footer where it stands",
            "put it into the last paragraph, after an empty line",
        ),
        (
            "chore: x\n\nRelease-As: next",
            "'next' is not a version",
            "write: Release-As: 1.4.0",
        ),
    ],
)
def test_what_is_wrong_is_said_with_how_it_should_look(
    message: str, problem: str, remedy: str
) -> None:
    assert [(found.problem, found.remedy) for found in lint(message)] == [(problem, remedy)]


@pytest.mark.parametrize(
    "message", ["Update the readme", "1.2.3", "Words with: a colon", "Merge sort is faster now"]
)
def test_a_header_without_a_type_is_shown_one_and_all_others(message: str) -> None:
    (found,) = lint(message)
    assert found.problem == "there is no type"
    assert found.remedy.startswith(f"write: fix: {message}, or another type: build, chore, ci, ")


@pytest.mark.parametrize("message", ["", "\n\n", "  \n"])
def test_an_empty_message_is_one(message: str) -> None:
    assert [found.problem for found in lint(message)] == ["the message is empty"]


def test_a_type_that_resembles_none_is_shown_them_all() -> None:
    (found,) = lint("zzz: x")
    assert found.remedy.startswith("choose one of: build, chore, ci, deprecate, docs, feat, fix, ")


def test_all_that_is_wrong_is_told_once() -> None:
    twice = "Breaking Change: y\n\nBreaking Change: y\n\n"
    found = lint(f"feature: x\nbody\n\n{twice}Release-As: soon")
    assert [finding.problem for finding in found] == [
        "the type 'feature' is unknown",
        "the body stands right below the header",
        "'Breaking Change: y' is not read as a breaking change",
        "'soon' is not a version",
    ]


def test_the_types_of_the_settings_are_known() -> None:
    settings = Settings(bumps={"ui": "minor"}, sections={"wip": ""})
    assert lint("ui: x", settings) == lint("wip: x", settings) == []
    assert lint("ui: x")[0].problem == "the type 'ui' is unknown"


@pytest.mark.parametrize(
    ("template", "subject"),
    [
        ("Release {version}", "Release 1.2.0"),
        ("{name} {semver} [skip ci]\n\nBody {version}", "demo 1.2.0-rc.1 [skip ci]"),
    ],
)
def test_the_release_commit_of_the_project_is_in_order(template: str, subject: str) -> None:
    settings = Settings(commit_message=template)
    assert lint(f"{subject}\n\nwhatever", settings) == []
    assert lint(f"{subject} and more", settings) != []


def test_a_merge_is_known_by_its_parents() -> None:
    merge = Commit(SHA, "", "", "Bring it together", parents=("a", "b"))
    assert lint_messages([merge], Settings()) == []


@pytest.mark.parametrize("other", ["ignore", "patch", "refuse"])
def test_what_a_release_makes_of_other_commits_does_not_matter(other: str) -> None:
    settings = Settings(other_commits=other)  # type: ignore[arg-type]
    assert [found.problem for found in lint("Whatever", settings)] == ["there is no type"]


def test_squashed_bodies_count_where_the_settings_read_them() -> None:
    message = "A title (#7)\n\n* feat: x\n\n* fix: y\n\nBREAKING CHANGE: z"
    assert lint(message, Settings(squash_bodies=True)) == []
    assert lint(message) != []


def test_findings_are_told_below_the_subject_of_their_commit() -> None:
    one, other = Commit(SHA, "", "", "feat:x"), Commit(SHA[::-1], "", "", "feature: y\nbody")
    assert list(report(lint_messages([one, other], Settings()), 80)) == [
        "0123456  feat:x",
        "  there is no space after the colon",
        "  write: feat: x",
        "fedcba9  feature: y body",
        "  the type 'feature' is unknown",
        "  did you mean 'feat'?",
        "  the body stands right below the header",
        "  leave a line empty between them",
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_of_a_report_is_wider_than_the_terminal(width: int) -> None:
    lines = list(report(lint("Wipe the screen " + "x" * 100_000), width))
    assert max(map(len, lines)) <= width
    assert lines[0].endswith("…")
    assert lines[1:3] == ["  there is no type", lines[2]]
    assert lines[2].startswith("  write: fix: Wipe the")
    assert all(line.startswith("    ") for line in lines[3:])
    assert " ".join(lines).endswith("security, style, test")


def test_a_message_that_is_no_commit_yet_is_told_without_a_sha() -> None:
    drafts = [Commit("", "", "", "feat:x"), Commit("", "", "", "")]
    first, _, _, second, *_ = report(lint_messages(drafts, Settings()), 80)
    assert (first, second) == ("feat:x", "(empty)")


def test_what_steers_a_terminal_is_not_printed() -> None:
    (found,) = lint("Wipe \x1b[2J the screen")
    assert found.to_json()["sha"] == SHA
    assert next(report([found], 80)) == f"{SHA[:7]}  Wipe \ufffd[2J the screen"


@pytest.mark.parametrize(
    "message",
    [
        "x" * 1_000_000,
        "feat" + " " * 1_000_000,
        "feat(" * 200_000,
        "feat" + "!" * 1_000_000 + ":",
        "feat: x\n\n" + "Refs: 1\n" * 100_000 + "\nprose",
        "feat: x\n\n" + "*" * 1_000_000,
    ],
)
def test_a_megabyte_is_judged_like_any_other(message: str) -> None:
    assert isinstance(lint(message), list)


@given(st.text())
def test_any_text_is_judged(message: str) -> None:
    for line in report(lint(message), 80):
        assert line.isprintable()


# Where the messages come from


def test_a_range_and_what_is_unreleased_are_read(project: GitProject) -> None:
    project.tag("v0.1.0")
    first = project.commit("feat: one\n\nBody.")
    second = project.commit("two")
    project.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    third = project.commit("three")
    repository = GitRepository(project.root)
    commits = read_unreleased(repository, Settings())
    assert [(commit.sha, commit.message.strip()) for commit in commits] == [
        (third, "three"),
        (first, "feat: one\n\nBody."),
    ]
    assert [commit.sha for commit in read_range(repository, "main..side")] == [third]
    assert [commit.sha for commit in read_range(repository, "side..main")] == [second]
    project.git("merge", "--quiet", "--no-edit", "main")
    assert read_range(repository, "HEAD~1..")[0].parents == (third, second)


def test_without_a_release_everything_is_unreleased(project: GitProject) -> None:
    project.commit("feat: one")
    commits = read_unreleased(GitRepository(project.root), Settings())
    assert [commit.subject for commit in commits] == ["feat: one", "chore: start"]


@pytest.mark.parametrize("depth", [1, 2])
def test_a_shallow_clone_is_not_taken_for_all_of_a_range(
    project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: int
) -> None:
    for number in range(4):
        project.commit(f"feat: {number}")
    project.git("branch", "base", "HEAD~3")
    cut = clone(project, tmp_path / "cut", f"--depth={depth}", "--no-single-branch")
    repository = GitRepository(cut.root)
    with pytest.raises(IncompleteHistory, match="shallow"):
        read_unreleased(repository, Settings())
    with pytest.raises(IncompleteHistory, match=r"'origin/base\.\.HEAD'"):
        read_range(repository, "origin/base..HEAD")
    assert len(read_range(repository, "HEAD^!")) == 1
    monkeypatch.setenv("CI", "true")
    assert len(read_unreleased(repository, Settings())) == 5


def test_without_a_commit_there_is_nothing_to_lint(tmp_path: Path) -> None:
    empty = GitProject(tmp_path)
    empty.git("init", "--quiet")
    with pytest.raises(NoCommits, match="no commit"):
        read_unreleased(GitRepository(tmp_path), Settings())


@pytest.mark.parametrize("span", ["--output=evil", "-n1", "gone..HEAD", "HEAD --output=evil", ""])
def test_what_is_no_range_is_refused(project: GitProject, span: str) -> None:
    with pytest.raises(UsageError):
        read_range(GitRepository(project.root), span)
    assert not (project.root / "evil").exists()


def test_a_message_file_is_read_as_git_will(project: GitProject) -> None:
    file = project.root / ".git" / "COMMIT_EDITMSG"
    file.write_text(f"\n# hello\nfeat: x\n\nbody\n; no comment\n# {SCISSORS}\ndiff --git a b\n")
    repository = GitRepository(project.root)
    assert read_message_file(str(file), repository).message == "feat: x\n\nbody\n; no comment"
    project.git("config", "core.commentChar", ";")
    assert read_message_file(str(file), repository).message.endswith("diff --git a b")
    with pytest.raises(UsageError, match="cannot be read"):
        read_message_file(str(project.root / "gone"), repository)


def test_a_message_file_needs_no_repository(tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_bytes(b"feat: caf\xe9\r\n# gone\r\n")
    assert read_message_file(str(file), GitRepository(tmp_path)).message == "feat: caf\ufffd"


def test_git_agrees_on_what_is_left_of_a_message(project: GitProject, tmp_path: Path) -> None:
    edited = "feat: x\n\nbody\n#gone\n # stays\n"
    (tmp_path / "edited").write_text(edited)
    project.git("commit", "--allow-empty", "--cleanup=strip", "-F", str(tmp_path / "edited"))
    assert clean(edited) == project.git("log", "-1", "--format=%B")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#12 is fixed\n\n; Please enter\n; the message", "#12 is fixed"),
        ("fix: x\n# Please enter\n", "fix: x"),
        ("fix: x\n\n#12 in the body", "fix: x"),
        ("fix: x", "fix: x"),
        ("", ""),
    ],
)
def test_an_automatic_comment_character_is_told_by_the_end(text: str, expected: str) -> None:
    assert clean(text, "auto") == expected
