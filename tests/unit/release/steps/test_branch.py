from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import ReleaseError
from poetry_aegis.release.steps import MakeBranch, ReturnToBranch

if TYPE_CHECKING:
    from tests.unit.release.steps.conftest import Bench


def make_branch(bench: Bench) -> MakeBranch:
    return MakeBranch(bench.repository, "release/1.0", "main", bench.repository.head())


def test_it_is_made_checked_out_and_deleted(bench: Bench) -> None:
    step = make_branch(bench)
    before = bench.project.state()
    step.do()
    step.do()
    assert step.is_done()
    assert bench.repository.branch() == "release/1.0"
    for _ in range(2):
        step.undo()
        assert bench.repository.branch() == "main"
        assert bench.project.state() == before


def test_one_that_was_made_and_not_checked_out(bench: Bench) -> None:
    bench.project.git("branch", "release/1.0")
    step = make_branch(bench)
    assert not step.is_done()
    step.do()
    assert bench.repository.branch() == "release/1.0"


def test_commits_on_it_are_not_thrown_away(bench: Bench) -> None:
    step = make_branch(bench)
    step.do()
    theirs = bench.project.commit("fix: theirs")
    with pytest.raises(ReleaseError, match="commits of its own") as caught:
        step.undo()
    assert "git log" in caught.value.hint
    assert bench.project.git("rev-parse", "release/1.0") == theirs
    assert bench.repository.branch() == "release/1.0"


def test_there_and_back(bench: Bench) -> None:
    make_branch(bench).do()
    step = ReturnToBranch(bench.repository, "release/1.0", "main")
    assert not step.is_done()
    step.do()
    assert step.is_done()
    assert bench.repository.branch() == "main"
    step.undo()
    assert bench.repository.branch() == "release/1.0"
