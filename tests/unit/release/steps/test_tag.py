from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import CommitRefused, TagExists
from poetry_aegis.release.steps import MakeTag

if TYPE_CHECKING:
    from tests.unit.release.steps.conftest import Bench


def make_tag(bench: Bench, name: str = "v1.0.0") -> MakeTag:
    message = f"{name}\n\n## [1.0.0]\n\n### Added\n"
    return MakeTag(bench.repository, name, message, bench.repository.head)


def test_it_is_annotated_and_taken_back(bench: Bench) -> None:
    step = make_tag(bench)
    before = bench.project.state()
    assert step.describe() == "tag v1.0.0"
    assert not step.is_done()
    step.do()
    made = bench.project.git("rev-parse", "v1.0.0")
    step.do()
    assert step.is_done()
    assert bench.project.git("rev-parse", "v1.0.0") == made != bench.repository.head()
    assert "### Added" in bench.project.git("tag", "--list", "--format=%(contents)", "v1.0.0")
    step.undo()
    step.undo()
    assert bench.project.state() == before


def test_the_tag_of_another_commit_is_left_alone(bench: Bench) -> None:
    bench.project.tag("v1.0.0")
    bench.project.commit("fix: x")
    step = make_tag(bench)
    with pytest.raises(TagExists, match="on another commit"):
        step.do()
    step.undo()
    assert bench.project.tags() == ["v1.0.0"]


def test_a_name_that_git_refuses(bench: Bench) -> None:
    with pytest.raises(CommitRefused, match="not a valid tag name"):
        make_tag(bench, "v1..0").do()
