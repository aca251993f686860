"""Reverts: what was taken back before anybody saw it is not told of."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING

from poetry_aegis.release.history.ancestry import ancestors
from poetry_aegis.release.history.commits import REVERTING, parse, quoted_by, read_changes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poetry_aegis.release.history.ancestry import Parents
    from poetry_aegis.release.history.commits import Change, Commit
    from poetry_aegis.settings import Settings

# As `git revert` words it; of a merge it says, too, to which of its parents it went back.
REVERTED = re.compile(
    r"^This reverts commit (?P<sha>[0-9a-f]{7,64})\b"
    r"(?:, reversing\s+changes made to (?P<mainline>[0-9a-f]{7,64}))?",
    re.MULTILINE,
)
# As GitHub and GitLab word it, where they know the pull request and not the commit.
REVERTED_PULL = re.compile(
    r"^(?:Reverts [^\s#]*#|This reverts merge request [^\s!]*!)(?P<number>\d+)", re.MULTILINE
)
# The pull request that a commit came from: in its subject, or at the end of GitLab's merges.
PULL = re.compile(
    r"(?:\A[^\n]*\(#|\AMerge pull request #|^See merge request [^\s!]*!)(?P<number>\d+)",
    re.MULTILINE,
)
SHA = re.compile(r"\b[0-9a-f]{7,64}\b")


def net_changes(commits: Sequence[Commit], settings: Settings) -> tuple[Change, ...]:
    """Return what *commits*, newest first and none of them released, change in the end.

    A commit and its revert both vanish; a revert of a revert lets the commit stand. A revert of
    what is not among *commits* was released, and is a change of its own.
    Raises `UnconventionalCommit` as `read_changes` does.
    """
    standing = without_reverted(commits, {commit.sha: commit.parents for commit in commits})
    return tuple(change for commit in standing for change in read_changes(commit, settings))


def without_reverted(commits: Sequence[Commit], parents: Parents) -> Sequence[Commit]:
    """Return *commits*, newest first, without those that were reverted and their reverts.

    *parents* tells what a reverted merge had brought in.
    """
    reverting = [commit for commit in commits if "evert" in commit.message]
    if not reverting:
        return commits
    known = _Known(commits, parents)
    gone: set[str] = set()
    for commit in reverting:
        if commit.sha in gone:
            continue  # A revert that was reverted takes nothing back.
        found = [known.contents(target, mainline) for target, mainline in known.targets(commit)]
        gone.update(*found)
        if found and all(found) and _does_nothing_else(commit):
            gone.add(commit.sha)
    return [commit for commit in commits if commit.sha not in gone]


def _does_nothing_else(commit: Commit) -> bool:
    """Return whether *commit* is a revert as such, not one among other things squashed into it."""
    if quoted_by(commit.subject):
        return True
    change = parse(commit)
    body = commit.message.partition("\n")[2].lstrip()
    return (change is not None and change.type == "revert") or body.startswith(REVERTING)


class _Known:
    """The commits that may be reverted, found by what a revert says of them."""

    def __init__(self, commits: Sequence[Commit], parents: Parents) -> None:
        self._commits = commits
        self._parents = parents
        self._by_sha = {commit.sha: commit for commit in commits}

    def targets(self, commit: Commit) -> Iterator[tuple[Commit | None, str | None]]:
        """Yield each commit that *commit* says it reverts, ``None`` for one that is not known.

        With it comes the parent that a reverted merge went back to, where that is said.
        """
        said = list(REVERTED.finditer(commit.message))
        for match in said:
            yield self._find(match["sha"]), match["mainline"]
        if said:
            return
        change = parse(commit)
        if change and change.type == "revert":
            for token, value in change.footers:
                if token.lower() == "refs":
                    yield from ((self._find(sha), None) for sha in SHA.findall(value))
        for match in REVERTED_PULL.finditer(commit.message):
            yield self._pulled(match["number"], commit), None

    def contents(self, commit: Commit | None, mainline: str | None) -> set[str]:
        """Return the ids of what a revert of *commit* takes back, empty where it is not known.

        Of a merge that is all it brought in, as seen from its parent *mainline*.
        """
        if commit is None:
            return set()
        if not commit.is_merge:
            return {commit.sha}
        base = next((sha for sha in commit.parents if mainline and sha.startswith(mainline)), None)
        kept = ancestors([base or commit.parents[0]], self._parents)
        return ancestors([commit.sha], self._parents) - kept

    def _find(self, sha: str) -> Commit | None:
        """Return the commit whose id is or starts with *sha*, ``None`` for none or several."""
        start = bisect_left(self._shas, sha)
        matching = [found for found in self._shas[start : start + 2] if found.startswith(sha)]
        return self._by_sha[matching[0]] if len(matching) == 1 else None

    def _pulled(self, number: str, revert: Commit) -> Commit | None:
        """Return what the pull request *number* came to, if *revert* quotes its title."""
        commit = self._pulls.get(number)
        quoted = quoted_by(revert.subject)
        return commit if commit and quoted and quoted[0] in commit.message else None

    @cached_property
    def _shas(self) -> list[str]:
        return sorted(self._by_sha)

    @cached_property
    def _pulls(self) -> dict[str, Commit]:
        matches = ((PULL.search(commit.message), commit) for commit in reversed(self._commits))
        return {match["number"]: commit for match, commit in matches if match}
