"""Commits as ``git log`` tells of them, streamed: one process, however long the history."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import TYPE_CHECKING

from poetry_aegis.release.history.commits import Commit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.release.git import GitRepository

# Nothing can shift the fields, for git's own texts end at a NUL. The first one is empty, and the
# names of files, which follow the last one, never are: so each commit shows where it starts.
FORMAT = "%x00%H%x00%aN%x00%cI%x00%B%x00%P"
FIELDS = 6
# Children before their parents, whatever the clocks said.
OPTIONS = ("-z", "--date-order", f"--format={FORMAT}")
# Merges are told once for each parent in which they differ, the first one first.
PATH_OPTIONS = ("--name-only", "-m", "--root", "--no-renames", "--no-relative")


def read_commits(
    repository: GitRepository, *revisions: str, with_paths: bool = False
) -> Iterator[Commit]:
    """Yield the commits of *revisions* while git tells of them, children before their parents.

    *with_paths* costs git a comparison for each commit. Raises `GitError`.
    """
    options = (*OPTIONS, *PATH_OPTIONS) if with_paths else OPTIONS
    fields = repository.stream("log", *options, *revisions, "--")
    if with_paths:
        return _with_paths(fields)
    return (
        Commit(sha, author, date, message, tuple(parents.split()))
        for _, sha, author, date, message, parents in zip(*[fields] * FIELDS, strict=False)
    )


def _with_paths(fields: Iterator[str]) -> Iterator[Commit]:
    last = ""
    next(fields, None)
    while head := list(islice(fields, FIELDS - 1)):
        sha, author, date, message, parents = head
        # The empty field that ends the names starts the next commit.
        names = [name.removeprefix("\n") for name in takewhile(bool, fields)]
        if sha != last:
            yield Commit(sha, author, date, message, tuple(parents.split()), tuple(names))
        last = sha
