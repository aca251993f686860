from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.release.steps.index import OwnIndex

if TYPE_CHECKING:
    from tests.unit.release.steps.conftest import Bench


@pytest.fixture
def index(bench: Bench) -> OwnIndex:
    """Return an index beside that of a user who has staged something."""
    bench.project.commit("feat: x", one="one\n", two="two\n")
    (bench.root / "one").write_text("staged\n")
    bench.project.git("add", "one")
    index = OwnIndex(bench.repository, bench.record.directory, bench.repository.head())
    index.begin()
    return index


def test_it_begins_as_the_commit_before(bench: Bench, index: OwnIndex) -> None:
    assert index.staged() == frozenset()
    assert index.object_of("one") == bench.repository.object_of("HEAD:one")
    assert index.object_of("three") is None
    assert bench.project.git("diff", "--cached", "--name-only") == "one"


def test_what_is_staged_in_it_is_not_in_the_users(bench: Bench, index: OwnIndex) -> None:
    (bench.root / "two").write_text("ours\n")
    index.git("add", "two")
    assert index.staged() == {"two"}
    assert bench.project.git("diff", "--cached", "--name-only") == "one"


def test_the_users_entries_are_put_back(bench: Bench, index: OwnIndex) -> None:
    before = bench.project.git("ls-files", "--stage")
    (bench.root / "two").write_text("ours\n")
    (bench.root / "three").write_text("ours\n")
    bench.project.git("add", "--all")
    bench.project.git("rm", "--quiet", "--cached", "one")
    index.restore_theirs(["one", "two", "three"])
    assert bench.project.git("ls-files", "--stage") == before


def test_what_a_killed_one_left_is_thrown_away(bench: Bench, index: OwnIndex) -> None:
    index.path.write_bytes(b"{")
    (index.directory / "index.part.lock").write_bytes(b"{")
    index.begin()
    assert index.staged() == frozenset()
    assert sorted(path.name for path in index.directory.glob("index*")) == ["index", "index.before"]


def test_before_it_begins_nothing_is_known(bench: Bench) -> None:
    index = OwnIndex(bench.repository, bench.record.directory, bench.repository.head())
    before = bench.project.state()
    assert index.staged() == frozenset()
    index.restore_theirs(["pyproject.toml"])
    assert bench.project.state() == before
