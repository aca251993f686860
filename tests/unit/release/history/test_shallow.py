from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import IncompleteHistory
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history import shallow
from poetry_aegis.release.history.reading import read_history, read_tags
from poetry_aegis.release.history.shallow import (
    is_shallow,
    require_readable_history,
    require_whole_history,
)
from poetry_aegis.settings import Settings
from tests.support.git import GitProject, clone

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def origin(project: GitProject) -> GitProject:
    """Return a repository with 12 commits: v1.0.0 at the third, v1.1.0rc1 at the tenth."""
    for number in range(2, 13):
        kind = "feat!" if number == 6 else "fix"
        project.commit(f"{kind}: change {number}")
        if number in {3, 10}:
            project.tag("v1.0.0" if number == 3 else "v1.1.0rc1")
    project.git("config", "uploadpack.allowFilter", "true")
    return project


def ready(project: GitProject, *, fetch: bool = True, with_paths: bool = False) -> bool:
    return require_whole_history(
        GitRepository(project.root), fetch=fetch, remote="origin", with_paths=with_paths
    )


def unreleased(project: GitProject) -> list[str]:
    repository = GitRepository(project.root)
    tags = read_tags(repository, "v{version}")
    return [c.subject for c in read_history(repository, Settings(), tags.last_final).commits]


def test_a_whole_clone_needs_nothing(origin: GitProject, tmp_path: Path) -> None:
    whole = clone(origin, tmp_path / "whole")
    whole.git("remote", "set-url", "origin", "/nowhere")
    assert not ready(whole)
    assert not ready(whole, fetch=False)


def test_without_fetching_a_shallow_clone_is_refused(origin: GitProject, tmp_path: Path) -> None:
    cut = clone(origin, tmp_path / "cut", "--depth=1")
    with pytest.raises(IncompleteHistory, match="shallow") as caught:
        ready(cut, fetch=False)
    command = caught.value.hint.splitlines()[0].split(": ")[1].split()
    cut.git(*command[1:])
    assert not ready(cut, fetch=False)
    assert unreleased(cut) == unreleased(origin)


@pytest.mark.parametrize("options", [(), ("--no-tags",), ("--branch=main", "--single-branch")])
def test_a_shallow_clone_is_deepened_as_far_as_needed(
    origin: GitProject,
    tmp_path: Path,
    options: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shallow, "FIRST_STEP", 4)
    for number in range(20):
        origin.git("tag", f"other-{number}", "HEAD~11")  # none of them leads further down
    cut = clone(origin, tmp_path / "cut", "--depth=1", *options)
    for number in range(13, 24):
        origin.commit(f"fix: change {number}")
    assert ready(cut)
    assert (
        is_shallow(GitRepository(cut.root)) is False
        or int(cut.git("rev-list", "--count", "HEAD")) < 12
    )
    assert {"v1.0.0", "v1.1.0rc1"} <= set(cut.tags())
    assert unreleased(cut) == [
        f"{'feat!' if n == 6 else 'fix'}: change {n}" for n in range(12, 3, -1)
    ]


def test_no_more_is_fetched_than_the_last_release_needs(
    origin: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shallow, "FIRST_STEP", 2)
    origin.tag("v1.1.0")
    for number in range(3):
        origin.commit(f"fix: later {number}")
    cut = clone(origin, tmp_path / "cut", "--depth=1")
    assert ready(cut)
    assert is_shallow(GitRepository(cut.root))
    assert int(cut.git("rev-list", "--count", "--all")) < 12
    assert unreleased(cut) == unreleased(origin)
    assert ready(cut)
    assert cut.tags() == ["v1.1.0", "v1.1.0rc1"] or cut.tags() == ["v1.1.0"]


def test_without_any_release_all_of_history_is_fetched(origin: GitProject, tmp_path: Path) -> None:
    cut = clone(origin, tmp_path / "cut", "--depth=1", "--no-tags")
    repository = GitRepository(cut.root)
    assert require_whole_history(
        repository, fetch=True, remote="origin", tag_formats=["v{version}", "other-v{version}"]
    )
    assert not is_shallow(repository)
    assert int(cut.git("rev-list", "--count", "HEAD")) == 12


def test_a_local_tag_of_the_same_name_is_not_moved(origin: GitProject, tmp_path: Path) -> None:
    cut = clone(origin, tmp_path / "cut", "--depth=1", "--no-tags")
    cut.git("tag", "v1.0.0")
    assert ready(cut)
    assert cut.git("rev-parse", "v1.0.0") == cut.git("rev-parse", "HEAD")


def test_a_remote_that_does_not_answer_is_said(origin: GitProject, tmp_path: Path) -> None:
    cut = clone(origin, tmp_path / "cut", "--depth=1")
    cut.git("remote", "set-url", "origin", str(tmp_path / "gone"))
    with pytest.raises(IncompleteHistory, match=r"origin cannot be read: .*gone") as caught:
        ready(cut)
    assert "--fetch" not in caught.value.hint


@pytest.mark.parametrize(("whole", "commits"), [(False, 11), (True, 12)])
def test_what_only_reads_fetches_in_a_pipeline(
    origin: GitProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    whole: bool,
    commits: int,
) -> None:
    monkeypatch.setattr(shallow, "FIRST_STEP", 10)
    monkeypatch.setenv("CI", "true")
    cut = clone(origin, tmp_path / "cut", "--depth=1", "--no-tags")
    require_readable_history(GitRepository(cut.root), Settings(), whole=whole)
    assert int(cut.git("rev-list", "--count", "HEAD")) == commits
    assert cut.tags() == ["v1.0.0", "v1.1.0rc1"]
    assert unreleased(cut) == unreleased(origin)


@pytest.mark.parametrize("whole", [False, True])
def test_a_remote_that_is_shallow_itself_is_no_help(
    origin: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, whole: bool
) -> None:
    monkeypatch.setenv("CI", "true")
    between = clone(origin, tmp_path / "between", "--depth=3")
    cut = clone(between, tmp_path / "cut", "--depth=1")
    with pytest.raises(IncompleteHistory, match="and so is origin"):
        require_readable_history(GitRepository(cut.root), Settings(), whole=whole)


def test_what_only_reads_is_refused_elsewhere(
    origin: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = clone(origin, tmp_path / "cut", "--depth=1")
    with pytest.raises(IncompleteHistory, match="shallow") as caught:
        require_readable_history(GitRepository(cut.root), Settings())
    assert caught.value.hint.endswith("git fetch --unshallow --tags")
    require_readable_history(GitRepository(origin.root), Settings(), whole=True)


def test_a_clone_without_files_is_whole_one_without_trees_is_not(
    origin: GitProject, tmp_path: Path
) -> None:
    no_files = clone(origin, tmp_path / "no-files", "--filter=blob:none", "--no-checkout")
    no_trees = clone(origin, tmp_path / "no-trees", "--filter=tree:0", "--no-checkout")
    assert not ready(no_files, with_paths=True)
    no_files.git("remote", "set-url", "origin", "/nowhere")
    whole = read_history(GitRepository(no_files.root), Settings(), None, owns=lambda path: True)
    assert "pyproject.toml" in whole.commits[-1].paths
    assert not ready(no_trees)
    assert unreleased(no_trees) == unreleased(origin)
    with pytest.raises(IncompleteHistory, match="trees") as caught:
        ready(no_trees, with_paths=True)
    assert "--filter=blob:none origin" in caught.value.hint


def test_a_clone_without_tags_gets_them_where_fetching_is_wanted(
    origin: GitProject, tmp_path: Path
) -> None:
    whole = clone(origin, tmp_path / "whole", "--no-tags")
    assert not ready(whole, fetch=False)
    assert whole.tags() == []
    assert ready(whole)
    assert whole.tags() == ["v1.0.0", "v1.1.0rc1"]
    assert not ready(whole)


def test_a_clone_without_tags_is_not_called_shallow(origin: GitProject, tmp_path: Path) -> None:
    whole = clone(origin, tmp_path / "whole", "--no-tags")
    whole.git("remote", "set-url", "origin", str(tmp_path / "gone"))
    with pytest.raises(IncompleteHistory, match="This clone has no tags, and git fetch") as caught:
        ready(whole)
    assert "shallow" not in caught.value.hint
