"""Which version a release gets, and which commits it tells of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast, get_args

from poetry_aegis.errors import InvalidVersion, UsageError, VersionNotNewer
from poetry_aegis.release.version.channels import require_channel, require_in_range
from poetry_aegis.release.version.numbers import (
    UNRELEASED,
    bump,
    is_later_kind,
    kind_of,
    level_of,
    next_prerelease,
    parse_version,
)
from poetry_aegis.release.version.vacancy import NEXT_FREE, nothing_occupied, vacant

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.history.commits import Change
    from poetry_aegis.release.history.reading import History, Tag, Tags
    from poetry_aegis.release.version.numbers import PrereleaseType
    from poetry_aegis.settings import Channel, Level, Settings

Keyword = Literal["auto", "major", "minor", "patch", "prerelease", "final"]
KEYWORDS: tuple[Keyword, ...] = get_args(Keyword)


@dataclass(frozen=True)
class Wish:
    """What the user asks for: *target* is one of `KEYWORDS`, or a version.

    *prerelease_type* goes with ``prerelease``. With *next_free* a version that is taken is passed
    over for the next one that is not; *next_free_by* is what to write for that, for a way out.
    """

    target: str
    prerelease_type: PrereleaseType | None = None
    next_free: bool = False
    next_free_by: str = NEXT_FREE


@dataclass(frozen=True)
class Decision:
    """What to release: *version* follows *current* and tells of *history*.

    *bump* is how it was found: a level, ``prerelease``, ``final`` for a pre-release that only loses
    its suffix, or ``explicit`` for a version that somebody gave by its number: on the command line,
    in pyproject.toml or in a ``Release-As:`` footer.
    """

    current: Version
    version: Version
    bump: str
    history: History


def decide(  # noqa: PLR0913 - the past, the present, the rules, the wish, the place
    tags: Tags,
    read: Callable[[Tag | None], History],
    settings: Settings,
    current: Version,
    wish: Wish,
    *,
    branch: str | None = None,
    occupied: Callable[[Version], str | None] = nothing_occupied,
) -> Decision | None:
    """Return what a release by *wish* would be, ``None`` where there is nothing to release.

    *read* returns what HEAD has and a tag has not. *current* is what ``pyproject.toml`` says; where
    that is ahead of the tags it is a version still to be released, and it is released unless the
    commits, or the level asked for, lead to a higher one. *occupied* says what is in the way of a
    version beside the tags of this repository: "the index corp has it".

    Raises `TagExists`, `VersionNotNewer`, `InvalidVersion`, `UsageError`, `ReleaseError` for what
    *branch* does not release, and what *read* and *occupied* raise.
    """
    channel = require_channel(branch, settings)
    past = _look_back(tags, read, settings, current)
    decision = _choose(past, wish, channel)
    if decision is None:
        return None
    # Before anything else: what leaves a maintenance branch need not be free.
    require_in_range(decision.version, branch, past.released)
    version = vacant(
        decision.version,
        tags.all,
        occupied,
        next_free=wish.next_free,
        next_free_by=wish.next_free_by,
    )
    require_in_range(version, branch, past.released)
    return replace(decision, current=current, version=version)


@dataclass(frozen=True)
class _Past:
    """What is known before anything is decided.

    *current* is the version in pyproject.toml without its local label, *level* what all changes
    since the last final version ask for, *news* what those since the last release of any kind do.
    """

    current: Version
    last: Tag | None
    base: Version
    since_final: History
    since_last: History
    level: Level
    news: Level

    @property
    def released(self) -> Version:
        """The version of the last release of any kind."""
        return self.last.version if self.last else UNRELEASED

    @property
    def is_raised(self) -> bool:
        """Whether somebody wrote a version into pyproject.toml that is still to be released."""
        return self.current > self.released

    def final(self, level: Level) -> Version:
        """Return the final version that is *level* after the last one, and behind nothing."""
        # Of equal ones the first is taken: 2.0 stays as pyproject.toml spells it.
        return max(self.current.stable, self.released.stable, bump(self.base, level))


def _look_back(
    tags: Tags, read: Callable[[Tag | None], History], settings: Settings, current: Version
) -> _Past:
    last, last_final = tags.last, tags.last_final
    base = last_final.version if last_final else UNRELEASED
    since_final = read(last_final)
    since_last = since_final if last == last_final else since_final.after(last, settings)
    return _Past(
        current=current.without_local(),
        last=last,
        base=base,
        since_final=since_final,
        since_last=since_last,
        level=level_of(since_final.changes, base, settings),
        news=level_of(since_last.changes, base, settings),
    )


def _choose(past: _Past, wish: Wish, channel: Channel) -> Decision | None:
    kind = None if channel in {"stable", "none"} else cast("PrereleaseType", channel)
    if wish.target == "auto":
        return _auto_prerelease(past, kind) if kind else _auto(past)
    if wish.target == "prerelease":
        return _next_prerelease(past, wish.prerelease_type or kind)
    if wish.target == "final":
        return _final(past)
    if wish.target in {"major", "minor", "patch"}:
        version = max(past.current.stable, bump(past.released, cast("Level", wish.target)))
        return Decision(past.current, version, wish.target, past.since_final)
    return _explicit(past, parse_version(wish.target))


def _auto(past: _Past) -> Decision | None:
    """Return the next final version, or the one that a commit names."""
    named = _release_as(past)
    if named:
        return _explicit(past, named)
    running = past.released.is_unstable()
    raised = past.is_raised and not past.current.is_unstable()
    if past.level == "none" and not running and not raised:
        return None
    found: str = past.level
    if past.level == "none":
        found = "explicit" if raised else "final"
    return Decision(past.current, past.final(past.level), found, past.since_final)


def _auto_prerelease(past: _Past, kind: PrereleaseType) -> Decision | None:
    """Return the next version of a branch that makes pre-releases of *kind*."""
    named = _release_as(past)
    if named and named.is_unstable():
        return _explicit(past, named)
    raised = past.is_raised and kind_of(past.current) in {None, kind}
    called_for = past.news != "none" or (named and _asks_by_name(past.since_last))
    if called_for or raised or is_later_kind(kind, kind_of(past.released)):
        return _prerelease(past, kind, named)
    return None


def _next_prerelease(past: _Past, kind: PrereleaseType | None) -> Decision | None:
    """Return the pre-release that was asked for: any commit, or a later kind, is reason enough."""
    decision = _prerelease(past, kind, None)
    leads_on = is_later_kind(kind_of(decision.version), kind_of(past.released))
    if past.since_last.commits or past.last is None or past.is_raised or leads_on:
        return decision
    return None


def _prerelease(past: _Past, kind: PrereleaseType | None, target: Version | None) -> Decision:
    target = target or past.final("patch" if past.level == "none" else past.level)
    if target.is_postrelease():  # PEP 440 has no alpha, beta or rc of a post-release.
        target = bump(target, "patch")
    previous = past.released
    version = None
    if past.is_raised and past.current.is_unstable():
        previous = past.current
        if previous.stable == target and kind in {None, kind_of(previous)}:
            version = previous  # Written by hand, and still to be released.
    version = version or next_prerelease(previous, target, kind)
    return Decision(past.current, version, "prerelease", past.since_last)


def _final(past: _Past) -> Decision:
    written = past.is_raised and past.current.is_unstable()
    if not (written or past.released.is_unstable()):
        last = f"the last release is {past.released}" if past.last else "nothing is released yet"
        raise UsageError(
            f"There is no pre-release to make final: {last}.",
            hint="Let the commits decide: poetry aegis release auto",
        )
    return Decision(past.current, past.final(past.level), "final", past.since_final)


def _explicit(past: _Past, version: Version) -> Decision:
    if past.last and version <= past.released:
        raise _not_newer(version, f"{past.released}, which is tagged {past.last.name}")
    if version < past.current:
        raise _not_newer(version, f"{past.current}, which pyproject.toml says")
    history = past.since_last if version.is_unstable() else past.since_final
    return Decision(past.current, version, "explicit", history)


def _not_newer(version: Version, than: str) -> VersionNotNewer:
    return VersionNotNewer(
        f"{version} is not newer than {than}.",
        hint="Name a higher version, or let the commits decide: poetry aegis release auto",
    )


# Release-As


def _release_as(past: _Past) -> Version | None:
    """Return the version that the newest ``Release-As:`` footer names, unless it was followed.

    Raises `InvalidVersion` and, for one that was never followed and cannot be, `VersionNotNewer`.
    """
    change = _asks_by_name(past.since_final)
    if change is None:
        return None
    commit, text = change.commit, change.release_as or ""
    way_out = "Name the version yourself, by its number or as patch, minor or major."
    try:
        version = parse_version(text)
    except InvalidVersion as error:
        raise InvalidVersion(
            f"The commit {commit.short_sha} says Release-As, but {error}", hint=way_out
        ) from None
    if version > past.released and version >= past.current:
        return version
    if _asks_by_name(past.since_last) is None:
        return None
    raise VersionNotNewer(
        f"The commit {commit.short_sha} says Release-As: {version}, "
        f"which is not newer than {max(past.released, past.current)}.",
        hint=way_out,
    )


def _asks_by_name(history: History) -> Change | None:
    """Return the newest change of *history* that names the version to be released."""
    return next((change for change in history.changes if change.release_as), None)
