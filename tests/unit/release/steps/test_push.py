from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import PushRejected
from poetry_aegis.release.git import Upstream
from poetry_aegis.release.steps import Push
from tests.support.git import GitProject

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.release.steps.conftest import Bench


@pytest.fixture
def bare(bench: Bench, tmp_path: Path) -> GitProject:
    """Return the remote, one commit and a tag behind."""
    bare = bench.project.add_remote(tmp_path / "origin.git")
    bench.project.commit("feat: x")
    bench.project.tag("v1.0.0")
    return bare


def push(bench: Bench, *tags: str, branch: bool = True) -> Push:
    upstream = Upstream("origin", "main", tracked=True)
    return Push(bench.repository, upstream, tags, bench.repository.head, branch=branch)


def test_branch_and_tag_arrive_together(bench: Bench, bare: GitProject) -> None:
    step = push(bench, "v1.0.0")
    assert step.describe() == "push main and v1.0.0 to origin, atomically"
    assert not step.is_final()
    step.do()
    assert step.is_final()
    assert bare.git("rev-parse", "main") == bench.repository.head()
    assert bare.tags() == ["v1.0.0"]
    # Another process asks the remote, and may push again.
    assert push(bench, "v1.0.0").is_final()
    push(bench, "v1.0.0").do()
    assert bare.tags() == ["v1.0.0"]


@pytest.mark.parametrize("login", ["", "token@", "me:pa55@", "me:p@55@"])
def test_an_address_is_shown_without_its_login(login: str) -> None:
    upstream = Upstream(f"https://{login}git.example.com/demo.git", "main", tracked=False)
    assert upstream.label == "https://git.example.com/demo.git"


def test_only_the_tag(bench: Bench, bare: GitProject) -> None:
    before = bare.git("rev-parse", "main")
    push(bench, "v1.0.0", branch=False).do()
    assert bare.git("rev-parse", "main") == before
    assert bare.tags() == ["v1.0.0"]


def test_only_the_branch(bench: Bench, bare: GitProject) -> None:
    step = push(bench)
    assert not step.is_final()
    step.do()
    assert push(bench).is_final()
    assert bare.tags() == []


def test_one_that_is_refused_leaves_neither(bench: Bench, bare: GitProject) -> None:
    bare.git("tag", "v1.0.0", "main")
    before = bare.git("for-each-ref")
    step = push(bench, "v1.0.0")
    with pytest.raises(PushRejected):
        step.do()
    assert not step.is_final()
    assert bare.git("for-each-ref") == before


def test_what_came_on_top_meanwhile_does_not_make_it_fail(
    bench: Bench, bare: GitProject, tmp_path: Path
) -> None:
    push(bench, "v1.0.0").do()
    other = GitProject(tmp_path / "other")
    bare.git("clone", "--quiet", str(bare.root), str(other.root))
    theirs = other.commit("fix: theirs")
    other.git("push", "--quiet")
    again = push(bench, "v1.0.0")
    again.do()
    assert again.is_final()
    assert bare.git("rev-parse", "main") == theirs


def test_a_remote_that_does_not_answer(bench: Bench, bare: GitProject) -> None:
    bare.root.rename(bare.root.with_name("gone"))
    step = push(bench, "v1.0.0")
    with pytest.raises(PushRejected, match="does not say whether it arrived") as caught:
        step.do()
    assert "--resume" in caught.value.hint
    assert step.is_final()
