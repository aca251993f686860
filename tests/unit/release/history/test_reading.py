from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING, cast

import pytest

from poetry_aegis.errors import GitError, UnconventionalCommit
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.log import read_commits
from poetry_aegis.release.history.reading import (
    read_history,
    read_since_oldest,
    read_stretches,
    read_tags,
)
from poetry_aegis.settings import Settings
from tests.support.git import GitProject, make_project

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from poetry_aegis.release.history.commits import Commit
    from poetry_aegis.release.history.reading import History, Tags

FORMAT = "v{version}"
SETTINGS = Settings()


def tags_of(project: GitProject, tag_format: str = FORMAT) -> Tags:
    return read_tags(GitRepository(project.root), tag_format)


def told(history: History) -> list[str]:
    return [change.description for change in history.changes]


def since_last(project: GitProject, settings: Settings = SETTINGS) -> History:
    return read_history(GitRepository(project.root), settings, tags_of(project).last)


# Tags


def test_tags_of_every_kind_and_spelling_are_read(project: GitProject) -> None:
    first = project.git("rev-parse", "HEAD")
    project.tag("v1.0.0")
    project.git("tag", "v1.1.0-rc.1")
    project.git("tag", "v1.1.0rc2")
    project.git("tag", "-a", "-m", "a tag of a tag", "v1.1.0", "v1.0.0")
    for other in ("latest", "1.2.0", "vx", "v1.2.0/more", "demo-v3.0.0", "v\u20281.0"):
        project.git("tag", other)
    tags = tags_of(project)
    assert [tag.name for tag in tags.all] == ["v1.1.0", "v1.1.0rc2", "v1.1.0-rc.1", "v1.0.0"]
    assert tuple(tags.reachable) == tags.all
    assert {tag.commit for tag in tags.all} == {first}
    assert [tag.version.text for tag in tags_of(project, "demo-v{version}").all] == ["3.0.0"]


def test_a_tag_elsewhere_is_known_and_starts_nothing(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.git("switch", "--quiet", "--create", "side")
    project.commit("feat: aside")
    project.tag("v1.1.0")
    project.git("switch", "--quiet", "main")
    project.commit("fix: mend")
    tags = tags_of(project)
    assert [tag.name for tag in tags.all] == ["v1.1.0", "v1.0.0"]
    assert tags.last == tags.last_final == tags.all[1]
    assert told(since_last(project)) == ["mend"]


def test_a_first_release_has_no_tag(project: GitProject) -> None:
    project.commit("feat: x")
    tags = tags_of(project)
    assert (tags.last, tags.last_final, len(tags.reachable)) == (None, None, 0)
    assert told(since_last(project)) == ["x", "start"]


def test_the_last_final_one_is_found_behind_many_pre_releases(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.commit("feat: x")
    for number in range(12):
        project.git("tag", f"v1.1.0rc{number}")
    tags = tags_of(project)
    assert tags.last_final is not None
    assert tags.last_final.name == "v1.0.0"
    assert tags.last is not None
    assert tags.last.name == "v1.1.0rc11"
    assert [tag.name for tag in tags.reachable[:2]] == ["v1.1.0rc11", "v1.1.0rc10"]
    assert len(tags.reachable) == 13


# The log


def test_nothing_in_a_commit_shifts_what_is_read(project: GitProject) -> None:
    """Control characters, other encodings and broken text stay where they were put."""
    message = "fix: a \x1f b \x1e\n\nbody \x01 with \x1b[31m colour\n\u2028 and more"
    latin = "feat: größer".encode("latin-1")
    commits = [
        ("Ada \x1f Lovelace", message.encode(), b""),
        ("Bob", latin, b"encoding ISO-8859-1\n"),
        ("Carl", latin, b""),
        ("Dora", b"", b""),
    ]
    for name, text, header in commits:
        tree, parent = project.git("rev-parse", "HEAD^{tree}"), project.git("rev-parse", "HEAD")
        who = f"{name} <a@example.com> 1700000000 +0000"
        head = f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n".encode()
        sha = subprocess.run(
            ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
            cwd=project.root,
            input=head + header + b"\n" + text,
            capture_output=True,
            check=True,
        ).stdout.decode()
        project.git("reset", "--quiet", "--hard", sha.strip())
    for with_paths in (False, True):
        repository = GitRepository(project.root)
        read = list(read_commits(repository, "HEAD", with_paths=with_paths))
        assert [commit.author for commit in read] == [
            "Dora",
            "Carl",
            "Bob",
            "Ada \x1f Lovelace",
            "Ada Lovelace",
        ]
        assert [commit.message.strip() for commit in read[:4]] == [
            "",
            "feat: gr\ufffd\ufffder",
            "feat: größer",
            message,
        ]
        assert [commit.parents for commit in read] == [
            *((commit.sha,) for commit in read[1:]),
            (),
        ]


def test_the_users_own_settings_of_git_change_nothing(project: GitProject) -> None:
    project.commit("feat: x", **{"a b.txt": "x"})
    plain = list(read_commits(GitRepository(project.root), "HEAD", with_paths=True))
    for key, value in {
        "log.showSignature": "true",
        "log.decorate": "full",
        "log.showRoot": "false",
        "log.follow": "true",
        "diff.relative": "true",
        "diff.renames": "copies",
        "i18n.logOutputEncoding": "UTF-16",
        "format.pretty": "oneline",
        "core.quotePath": "true",
        "color.ui": "always",
        "notes.displayRef": "*",
    }.items():
        project.git("config", key, value)
    project.git("notes", "add", "-m", "a note")
    assert list(read_commits(GitRepository(project.root), "HEAD", with_paths=True)) == plain
    assert plain[0].paths == ("a b.txt",)
    assert "pyproject.toml" in plain[1].paths


def test_paths_of_any_name_and_of_merges_are_read(project: GitProject) -> None:
    odd = "caf\u00e9 \x1f.txt"
    project.git("switch", "--quiet", "--create", "side")
    project.commit("feat: aside", **{odd: "x"})
    project.git("switch", "--quiet", "main")
    project.commit("feat: main", **{"main.txt": "x"})
    project.git("merge", "--quiet", "--no-ff", "-m", "feat: merged", "side")
    project.commit("chore: nothing")
    read = {
        commit.message.strip(): commit.paths
        for commit in read_commits(GitRepository(project.root), "HEAD", with_paths=True)
    }
    assert len(read) == 5
    assert read["chore: nothing"] == ()
    assert read["feat: merged"] == read["feat: aside"] == (odd,)
    assert read["feat: main"] == ("main.txt",)


def test_a_stream_ends_its_git_and_says_what_git_said(project: GitProject) -> None:
    repository = GitRepository(project.root)
    with pytest.raises(GitError, match=r"git log failed: .*nowhere"):
        list(read_commits(repository, "nowhere"))
    project.commit("feat: x")
    commits = cast("Generator[Commit, None, None]", read_commits(repository, "HEAD"))
    assert next(commits).subject == "feat: x"
    commits.close()
    assert next(commits, None) is None


# Histories


def test_a_history_tells_changes_and_others(project: GitProject) -> None:
    project.tag("v1.0.0")
    for message in ("Tidy up", "fixup! feat: x", "feat: x"):
        project.commit(message, **{"a.txt": message})
    project.git("revert", "--no-edit", "HEAD")
    project.commit("fix: y")
    history = since_last(project)
    assert told(history) == ["y"]
    assert [commit.subject for commit in history.others] == ["Tidy up"]
    assert len(history.commits) == 5
    assert len(since_last(project, Settings(other_commits="patch")).others) == 1
    with pytest.raises(UnconventionalCommit):
        since_last(project, Settings(other_commits="refuse"))


def test_worktrees_and_submodules_are_repositories(project: GitProject, tmp_path: Path) -> None:
    project.tag("v1.0.0")
    project.commit("feat: x")
    tree = GitProject(tmp_path / "tree")
    project.git("worktree", "add", "--quiet", "-b", "other", str(tree.root), "v1.0.0")
    tree.commit("fix: in the tree")
    assert GitRepository.around(tree.root / "demo_pkg").root == tree.root
    assert told(since_last(tree)) == ["in the tree"]
    assert told(since_last(project)) == ["x"]

    outer = make_project(tmp_path / "outer")
    outer.git(
        *("-c", "protocol.file.allow=always", "submodule", "--quiet", "add"),
        *(str(project.root), "inner"),
    )
    inner = GitProject(outer.root / "inner")
    assert GitRepository.around(inner.root).root == inner.root
    assert told(since_last(inner)) == ["x"]
    outer.commit("feat: take it in")
    (changed,) = [
        commit.paths
        for commit in read_commits(GitRepository(outer.root), "HEAD~1..", with_paths=True)
    ]
    assert "inner" in changed


def test_one_log_serves_packages_of_different_ages(project: GitProject) -> None:
    project.tag("a-v1.0.0")
    project.commit("feat: one", **{"a.txt": "1"})
    project.tag("b-v1.0.0")
    project.git("switch", "--quiet", "--create", "side", "HEAD~1")
    project.commit("fix: aside", **{"b.txt": "1"})
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    project.commit("Whatever", **{"ab.txt": "2"})
    repository = GitRepository(project.root)
    (a,), (b,) = (tags_of(project, f"{name}-v{{version}}").all for name in "ab")
    whole = read_since_oldest(repository, Settings(other_commits="refuse"), [a, b])
    assert set(told(whole)) == {"aside", "one"}
    assert set(told(whole.after(a, SETTINGS))) == {"aside", "one"}
    assert told(whole.after(b, SETTINGS)) == ["aside"]
    assert {c.subject: c.paths for c in whole.commits}["Whatever"] == ("ab.txt",)
    assert whole.after(b, SETTINGS).since == b
    with pytest.raises(UnconventionalCommit):
        whole.after(b, Settings(other_commits="refuse"))
    never = read_since_oldest(repository, SETTINGS, [a, None])
    assert "start" in told(never)
    assert set(told(never.after(a, SETTINGS))) == {"aside", "one"}


def test_what_was_reverted_after_a_release_is_told_after_it(project: GitProject) -> None:
    project.commit("feat: x", **{"a.txt": "x"})
    project.tag("v1.0.0")
    project.git("revert", "--no-edit", "HEAD")
    repository = GitRepository(project.root)
    whole = read_history(repository, SETTINGS, None)
    assert told(whole) == ["start"]
    assert told(whole.after(tags_of(project).last, SETTINGS)) == ["x"]


# Stretches


def stretches(project: GitProject, *, gather: bool = True) -> dict[str, list[str]]:
    read = read_stretches(
        GitRepository(project.root),
        Settings(other_commits="refuse"),
        tags_of(project),
        gather=gather,
    )
    return {
        stretch.tag.name if stretch.tag else "": [
            change.description for change in stretch.changes if change.type != "chore"
        ]
        for stretch in read
    }


def test_each_release_tells_of_its_own(project: GitProject) -> None:
    for step in ("one", "v1.0.0", "two", "v1.1.0rc1", "three", "v1.1.0", "Tidy up", "four"):
        if step.startswith("v"):
            project.tag(step)
        else:
            project.commit(step if step == "Tidy up" else f"feat: {step}")
    project.git("tag", "v1.1.1", "v1.1.0")
    assert list(stretches(project, gather=False).items()) == [
        ("", ["four"]),
        ("v1.1.1", []),
        ("v1.1.0", ["three"]),
        ("v1.1.0rc1", ["two"]),
        ("v1.0.0", ["one"]),
    ]
    assert stretches(project) == stretches(project, gather=False) | {"v1.1.0": ["three", "two"]}


def test_a_branch_belongs_to_the_lowest_version_that_contains_it(project: GitProject) -> None:
    project.tag("v1.0.0")
    project.git("switch", "--quiet", "--create", "1.x")
    project.commit("fix: old")
    project.tag("v1.0.1")
    project.git("switch", "--quiet", "main")
    project.commit("feat: new")
    project.tag("v2.0.0")
    project.git("merge", "--quiet", "--no-ff", "-m", "Merge 1.x", "1.x")
    project.git("switch", "--quiet", "--create", "away")
    project.commit("feat: away")
    project.tag("v9.0.0")
    project.git("switch", "--quiet", "main")
    project.commit("feat: last")
    assert list(stretches(project).items()) == [
        ("", ["last"]),
        ("v2.0.0", ["new"]),
        ("v1.0.1", ["old"]),
        ("v1.0.0", []),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_any_history_is_sorted_as_git_sees_it(
    project: GitProject, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Branches, merges and clocks at random, compared with what ``git rev-list`` contains."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    lines, tips = [], [0]
    for number in range(1, 61):
        parents = chance.sample(tips[-6:], k=min(len(tips[-6:]), chance.choice([1, 1, 1, 2])))
        when = 1_700_000_000 + chance.choice([number * 60, -number * 1000])
        text = f"feat: {number}\n"
        lines.append(
            f"commit refs/heads/random\nmark :{number}\ncommitter A <a@b> {when} +0000\n"
            f"data {len(text)}\n{text}"
        )
        known = [parent for parent in parents if parent]
        lines += [f"{'merge' if at else 'from'} :{parent}" for at, parent in enumerate(known)]
        tips.append(number)
        if number % 8 == 0:
            suffix = chance.choice(["", "rc1"])
            lines.append(f"\nreset refs/tags/v{chance.randint(1, 99)}.{number}{suffix}")
            lines.append(f"from :{number}\n")
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"],
        cwd=project.root,
        input=("\n".join(lines) + "\n").encode(),
        check=True,
    )
    project.git("symbolic-ref", "HEAD", "refs/heads/random")
    tags = tags_of(project)
    lowest_first = tuple(tags.reachable)[::-1]
    expected: dict[str, set[str]] = {}
    seen: set[str] = set()
    for name in [*(f"refs/tags/{tag.name}" for tag in lowest_first), "HEAD"]:
        contained = set(project.git("log", "--format=%s", name).replace("feat: ", "").split("\n"))
        expected[name.removeprefix("refs/tags/").replace("HEAD", "")] = contained - seen
        seen |= contained
    found = stretches(project, gather=False)
    assert {name: set(told) for name, told in found.items()} == expected
    assert list(found) == ["", *(tag.name for tag in tags.reachable)]
    finals = [tag for tag in lowest_first if not tag.version.is_unstable()]
    gathered: set[str] = set()
    for tag in finals:
        inside = set(project.git("log", "--format=%s", f"refs/tags/{tag.name}").split("\n"))
        own = {text.removeprefix("feat: ") for text in inside} - gathered
        assert set(stretches(project)[tag.name]) == own
        gathered |= own
