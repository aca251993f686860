"""Versions that are still to be had: no tag has them, on any branch, and no index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import ReleaseError, TagExists
from poetry_aegis.release.version.numbers import bump, next_prerelease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.history.reading import Tag
    from poetry_aegis.settings import Level

NEXT_FREE = "--next-free"


def nothing_occupied(_version: Version) -> None:
    """Return that nothing beside the tags is in the way of a version."""


def vacant(
    version: Version,
    tags: Iterable[Tag],
    occupied: Callable[[Version], str | None],
    *,
    next_free: bool,
    next_free_by: str = NEXT_FREE,
) -> Version:
    """Return *version* if it is to be had, or, with *next_free*, the next one that is.

    A pre-release is not to be had either once the final version it leads to is out. The version
    that follows a taken one goes up by the same step: nobody here knows what is in the other.
    *occupied* says what beside *tags* is in the way of a version, *next_free_by* what to write for
    *next_free*.

    Raises `TagExists`, and `ReleaseError` for what *occupied* says.
    """
    tagged = {tag.version: tag for tag in tags}
    while True:
        obstacle = _find_obstacle(version, tagged, occupied)
        if obstacle is None:
            return version
        if not next_free:
            raise obstacle.to_error(version, next_free_by)
        version = _successor(version, obstacle.version)


@dataclass(frozen=True)
class _Obstacle:
    """A *version* that is out already, by a tag or for another *reason*."""

    version: Version
    tag: Tag | None
    reason: str | None

    def to_error(self, wanted: Version, next_free_by: str) -> ReleaseError:
        """Return the error that tells of it."""
        subject = f"{wanted} is not free"
        if self.version != wanted:
            subject = f"{wanted} would come too late, as {self.version} is out"
        way_out = f"take the next free version: {next_free_by}"
        if self.tag is None:
            hint = f"Name a higher version, or {way_out}"
            return ReleaseError(f"{subject}: {self.reason}.", hint=hint)
        name, commit = self.tag.name, self.tag.commit[:7]
        return TagExists(
            f"{subject}: the tag {name} is on {commit}, which is not part of this branch.",
            hint=f"Merge what it marks (git merge {name}), delete it if it is a mistake "
            f"(git tag -d {name}), or {way_out}",
        )


def _find_obstacle(
    version: Version, tagged: Mapping[Version, Tag], occupied: Callable[[Version], str | None]
) -> _Obstacle | None:
    for wanted in (version.stable, version) if version.is_unstable() else (version,):
        tag = tagged.get(wanted)
        reason = None if tag else occupied(wanted)
        if tag or reason:
            return _Obstacle(wanted, tag, reason)
    return None


def _successor(version: Version, taken: Version) -> Version:
    """Return what comes after *version*, of which *taken*, it or its final version, is out."""
    if not version.is_unstable():
        return bump(version, _level_of_last_step(version))
    if taken == version:
        return next_prerelease(version, version.stable, None)
    return next_prerelease(version, bump(taken, _level_of_last_step(taken)), None)


def _level_of_last_step(version: Version) -> Level:
    """Return the level that led to *version*: 1.3.0 came of a minor step, 1.3.1 of a patch."""
    if version.patch or version.is_postrelease() or version.is_local():
        return "patch"
    return "minor" if version.minor else "major"
