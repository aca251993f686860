"""Commits put with the releases that they belong to, while git still tells of them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poetry_aegis.release.history.commits import Commit
    from poetry_aegis.release.history.reading import Tag

UNRELEASED = -1


class Sorter:
    """Takes commits, children before their parents, and gives them back release by release.

    A release is known by its place among *tags*, the highest version first, and what is unreleased
    by -1: of several releases that contain a commit, the greatest place is the lowest version.
    With *gather* a commit first released in a pre-release goes with the lowest final version, too.
    """

    def __init__(self, tags: Sequence[Tag], *, gather: bool) -> None:
        self._tags = tags
        self._gather = gather
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, tag in enumerate(tags):
            self._places[tag.commit].append(place)
        self._commits: dict[int, list[Commit]] = defaultdict(list)
        # What their children say of commits still to come: the release, and the final release.
        self._coming: dict[str, tuple[int, int]] = {}
        # How many commits still to come are known to be of a release, its own one included.
        self._awaited = [1] * (len(tags) + 1)
        self._next = UNRELEASED
        self._awaited[UNRELEASED] = 0

    def take(self, commit: Commit) -> None:
        """Put *commit* where it belongs."""
        known = self._coming.pop(commit.sha, None)
        places = self._places.pop(commit.sha, [])
        release, final = self._place(known or (UNRELEASED, UNRELEASED), places)
        for place in _both(release, final):
            self._commits[place].append(commit)
        for parent in commit.parents:
            self._await(parent, release, final)
        for place in (*places, *(_both(*known) if known else ())):
            self._awaited[place] -= 1

    def whole(self) -> Iterator[tuple[Tag | None, list[Commit]]]:
        """Yield the next releases that no commit to come belongs to, each with its commits."""
        while self._next < len(self._tags) and not self._awaited[self._next]:
            yield self._give()

    def rest(self) -> Iterator[tuple[Tag | None, list[Commit]]]:
        """Yield the releases that are left when there are no more commits."""
        while self._next < len(self._tags):
            yield self._give()

    def _place(self, known: tuple[int, int], places: Sequence[int]) -> tuple[int, int]:
        """Return the release and the final release of a commit with tags at *places*."""
        if not places:
            return known
        finals = [place for place in places if not self._tags[place].version.is_unstable()]
        return max(known[0], *places), max([known[1], *finals]) if self._gather else UNRELEASED

    def _await(self, sha: str, release: int, final: int) -> None:
        """Note that the commit *sha*, still to come, is contained in *release* and *final*."""
        known = self._coming.get(sha)
        if known:
            release, final = max(known[0], release), max(known[1], final)
            for place in _both(*known):
                self._awaited[place] -= 1
        self._coming[sha] = release, final
        for place in _both(release, final):
            self._awaited[place] += 1

    def _give(self) -> tuple[Tag | None, list[Commit]]:
        place = self._next
        self._next += 1
        return None if place == UNRELEASED else self._tags[place], self._commits.pop(place, [])


def _both(release: int, final: int) -> tuple[int, ...]:
    """Return the places that are told of a commit: one, where the releases are the same."""
    return (release,) if final in (release, UNRELEASED) else (release, final)
