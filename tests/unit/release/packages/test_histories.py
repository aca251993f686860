from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import UnconventionalCommit
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.packages.histories import (
    PackageHistories,
    read_package_histories,
    read_unreleased,
)
from tests.support.monorepo import Member, make_monorepo, packages_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject

ROOT = '[tool.poetry-aegis]\ndiscover = ["libs/**"]\n'
MEMBERS = (
    Member("libs/a", "a"),
    Member("libs/a/plugins/b", "b"),
    Member("libs/한국어 c", "c", extra='[tool.poetry-aegis]\nother_commits = "refuse"\n'),
)


@pytest.fixture
def repository(tmp_path: Path) -> GitProject:
    return make_monorepo(tmp_path / "repo", ROOT, *MEMBERS)


def histories_of(repository: GitProject) -> PackageHistories:
    return read_package_histories(GitRepository(repository.root), packages_in(repository))


def descriptions(repository: GitProject, name: str) -> list[str]:
    histories = histories_of(repository)
    package = next(item for item in packages_in(repository) if item.name == name)
    history = histories.read(package, histories.tags[name].last_final)
    return [change.description for change in history.changes]


def test_each_package_has_its_own_tags_and_its_own_commits(repository: GitProject) -> None:
    repository.tag("a-v1.0.0")
    repository.commit("fix: in b", **{"libs/a/plugins/b/x.py": "1"})
    repository.commit("feat: in both", **{"libs/a/y.py": "1", "libs/a/plugins/b/y.py": "1"})
    repository.tag("b-v1.1.0")
    repository.commit("feat: in c", **{"libs/한국어 c/z.py": "1"})
    repository.commit("fix: in none", **{"README.md": "1"})
    repository.commit("fix: in a", **{"libs/a/z.py": "1"})
    assert descriptions(repository, "a") == ["in a", "in both"]
    assert descriptions(repository, "b") == []
    assert descriptions(repository, "c") == ["in c", "start"]


def test_a_revert_is_seen_in_the_package_that_it_concerns(repository: GitProject) -> None:
    for tag in ("a-v1.0.0", "b-v1.0.0", "c-v1.0.0"):
        repository.tag(tag)
    repository.commit("feat!: in a", **{"libs/a/x.py": "1"})
    repository.commit("feat: in b", **{"libs/a/plugins/b/x.py": "1"})
    repository.git("revert", "--no-edit", "HEAD~1")
    assert descriptions(repository, "a") == []
    assert descriptions(repository, "b") == ["in b"]


def test_what_a_package_refuses_is_told_from_its_last_release_on(repository: GitProject) -> None:
    repository.commit("what a day", **{"libs/한국어 c/x.py": "1", "libs/a/x.py": "1"})
    repository.tag("c-v1.0.0")
    assert descriptions(repository, "c") == []
    repository.commit("what a night", **{"libs/한국어 c/x.py": "2", "libs/a/x.py": "2"})
    assert descriptions(repository, "a") == ["start"]
    with pytest.raises(UnconventionalCommit, match="what a night"):
        descriptions(repository, "c")


def test_what_is_unreleased_is_what_each_packages_own_release_lacks(repository: GitProject) -> None:
    repository.commit("feat: a", **{"libs/a/x.py": "1"})
    for name in "abc":
        repository.tag(f"{name}-v1.0.0")
    repository.commit("fix: a and b", **{"libs/a/x.py": "2", "libs/a/plugins/b/x.py": "2"})
    repository.tag("b-v1.1.0b1")
    repository.commit("nobody's", **{"README.md": "1"})
    repository.commit("whatever", **{"libs/한국어 c/x.py": "1"})

    def subjects(*names: str) -> list[str]:
        packages = [item for item in packages_in(repository) if item.name in names]
        found = read_unreleased(GitRepository(repository.root), packages)
        return [commit.subject for commit in found]

    assert subjects("a", "b", "c") == ["fix: a and b", "whatever"]
    assert subjects("b") == []


def test_one_log_is_enough_for_all_packages(
    repository: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = packages_in(repository)
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    histories = read_package_histories(GitRepository(repository.root), packages)
    for package in packages:
        histories.read(package, None)
    started = [line.partition("built-in: git ")[2] for line in trace.read_text().splitlines()]
    verbs = [command.split()[0] for command in started if command]
    assert verbs.count("log") == 1
    assert set(verbs) == {"log", "for-each-ref"}
