"""Which version a release gets, and which commits it tells of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from poetry_aegis.errors import VersionNotNewer
from poetry_aegis.release.history import History, Tag, read_history, read_tags
from poetry_aegis.release.version import (
    LEVELS,
    UNRELEASED,
    bump,
    level_of,
    next_prerelease,
    parse_version,
)

if TYPE_CHECKING:
    from poetry.core.constraints.version import Version

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.version import PrereleaseType
    from poetry_aegis.settings import Level, Settings

Keyword = Literal["auto", "major", "minor", "patch", "prerelease"]
KEYWORDS: tuple[Keyword, ...] = get_args(Keyword)


@dataclass(frozen=True)
class Decision:
    """What to release: *version* follows *current* and tells of *history*.

    *bump* is how it was found: a level, ``prerelease``, or ``explicit`` for a version that was
    asked for by its number.
    """

    current: Version
    version: Version
    bump: str
    history: History


@dataclass(frozen=True)
class Past:
    """What the tags say: the last release of any kind, and the last final one."""

    last: Tag | None
    last_final: Tag | None

    @classmethod
    def of(cls, tags: list[Tag]) -> Past:
        """Read *tags*, the highest version first."""
        finals = [tag for tag in tags if not tag.version.is_unstable()]
        return cls(next(iter(tags), None), next(iter(finals), None))


def decide(
    repository: GitRepository,
    settings: Settings,
    current: Version,
    target: str,
    kind: PrereleaseType | None = None,
) -> Decision | None:
    """Return what a release of *target* would be, ``None`` where there is nothing to release.

    *target* is ``auto``, a level, ``prerelease`` (of *kind*) or a version. *current* is what
    ``pyproject.toml`` says; where that is ahead of the tags it is a version still to be released,
    and it is released unless the commits, or the level asked for, lead to a higher one.

    Raises `InvalidVersion`, `VersionNotNewer` and `GitError`.
    """
    past = Past.of(read_tags(repository, settings.tag_format))
    since_final = read_history(repository, past.last_final)
    if target == "prerelease":
        return _prerelease(repository, settings, current, past, since_final, kind)
    if target == "auto":
        return _auto(settings, current, since_final)
    if target in LEVELS and target != "none":
        level: Level = target
        base = past.last.version if past.last else UNRELEASED
        return Decision(current, max(bump(base, level), current.stable), target, since_final)
    return _explicit(repository, current, past, since_final, parse_version(target))


def _auto(settings: Settings, current: Version, since_final: History) -> Decision | None:
    base = since_final.since.version if since_final.since else UNRELEASED
    level = level_of(since_final.changes, base, settings)
    raised_by_hand = current > base and not current.is_unstable()
    if level == "none" and not raised_by_hand:
        return None
    return Decision(current, max(bump(base, level), current.stable), level, since_final)


def _prerelease(  # noqa: PLR0913, PLR0917 - all that is known about the past decides the next step
    repository: GitRepository,
    settings: Settings,
    current: Version,
    past: Past,
    since_final: History,
    kind: PrereleaseType | None,
) -> Decision | None:
    base = past.last_final.version if past.last_final else UNRELEASED
    level = level_of(since_final.changes, base, settings)
    target = max(bump(base, "patch" if level == "none" else level), current.stable)
    if target == base:
        target = bump(base, "patch")
    previous = past.last.version if past.last else UNRELEASED
    version = next_prerelease(previous, target, kind)
    if version < current and current.is_unstable():  # Written by hand, and still to be released.
        goes_on = kind is None or version == next_prerelease(current, target, kind)
        version = current if goes_on else next_prerelease(current, target, kind)
    history = since_final if past.last == past.last_final else read_history(repository, past.last)
    if past.last and not history.commits:
        goes_on = version == next_prerelease(previous, target, None)
        if goes_on or not past.last.version.is_unstable():
            return None
    return Decision(current, version, "prerelease", history)


def _explicit(
    repository: GitRepository, current: Version, past: Past, since_final: History, version: Version
) -> Decision:
    if past.last and version <= past.last.version:
        raise _not_newer(version, f"{past.last.version}, which is tagged {past.last.name}")
    if version < current:
        raise _not_newer(version, f"{current}, which pyproject.toml says")
    history = read_history(repository, past.last) if version.is_unstable() else since_final
    return Decision(current, version, "explicit", history)


def _not_newer(version: Version, than: str) -> VersionNotNewer:
    return VersionNotNewer(
        f"{version} is not newer than {than}.",
        hint="Name a higher version, or let the commits decide: poetry aegis release auto",
    )
