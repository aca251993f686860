"""Pain 9: other tools become slow with the length of the history: a process per commit or per tag.

Counted here, not timed: git itself writes down each process.
"""

from __future__ import annotations

import subprocess
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import read_history, read_stretches, read_tags
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.git import GitProject

COMMITS = 3_000
TAGS = 150


@pytest.fixture
def started(project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which git notes each process; the project has a long history."""
    stream = []
    for number in range(1, COMMITS + 1):
        text = f"feat: change {number}\n\nWith a body.\n"
        stream.append(
            f"commit refs/heads/long\ncommitter A <a@b> {1_600_000_000 + number} +0000\n"
            f"data {len(text)}\n{text}\n"
        )
        if number % (COMMITS // TAGS) == 0:
            stream.append(f"reset refs/tags/v1.{number}.0\nfrom refs/heads/long\n\n")
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        cwd=project.root,
        input="".join(stream).encode(),
        check=True,
    )
    project.git("symbolic-ref", "HEAD", "refs/heads/long")
    GitRepository(project.root).head()  # what runs git once in each process is not meant
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    return tmp_path / "trace"


def verbs(trace: Path) -> list[str]:
    lines = trace.read_text(encoding="utf-8").splitlines()
    words = [line.partition("built-in: git ")[2].split() for line in lines]
    return [word[0] for word in words if word]


def test_the_next_version_takes_three_processes(project: GitProject, started: Path) -> None:
    repository = GitRepository(project.root)
    last = read_tags(repository, "v{version}").last
    assert last is not None
    assert last.name == f"v1.{COMMITS}.0"
    assert read_history(repository, Settings(), last).commits == ()
    assert verbs(started) == ["for-each-ref", "for-each-ref", "log"]


def test_the_whole_history_takes_one_log(project: GitProject, started: Path) -> None:
    repository = GitRepository(project.root)
    tags = read_tags(repository, "v{version}")
    stretches = list(read_stretches(repository, Settings(), tags))
    assert len(stretches) == TAGS + 1
    assert sum(len(stretch.changes) for stretch in stretches) == COMMITS
    # The log runs beside the others, so that any of them may be noted first.
    assert sorted(verbs(started)) == ["for-each-ref"] * 3 + ["log"]


def test_a_long_history_is_not_held_in_memory(project: GitProject, started: Path) -> None:
    repository = GitRepository(project.root)
    tags = read_tags(repository, "v{version}")
    # The first time around, what lives as long as the process is loaded.
    assert sum(len(stretch.changes) for stretch in read_stretches(repository, Settings(), tags))
    streamed = most_memory(lambda: sum(1 for _ in read_stretches(repository, Settings(), tags)))
    held = most_memory(lambda: len(list(read_stretches(repository, Settings(), tags))))
    assert streamed * 4 < held


def most_memory(work: Callable[[], int]) -> int:
    """Return how many bytes *work* had in use at a time, at most."""
    tracemalloc.start()
    try:
        assert work() == TAGS + 1
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
