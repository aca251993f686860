"""Which files the retention rules let go: a plan, made of a project's listing alone.

Versions are of three kinds (PEP 440): releases with their post-releases, pre-releases, and
development releases. A rule speaks of a kind when it has a number for it. A version goes where
every rule that matches the project and speaks of its kind lets it go; so a rule can protect what
another one gives up, and their order says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from poetry_aegis.registry.names import matches_any
from poetry_aegis.registry.times import parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from packaging.version import Version

    from poetry_aegis.registry.options import RetentionRule
    from poetry_aegis.registry.store.listing import ListedFile, Listing

Kind = Literal["release", "pre-release", "development release"]


@dataclass(frozen=True)
class Removal:
    """A file that may go, and why."""

    file_name: str
    version: str
    size: int
    reason: str


@dataclass(frozen=True)
class _Release:
    """The files of one version."""

    version: Version
    kind: Kind
    files: tuple[ListedFile, ...]

    @property
    def is_yanked(self) -> bool:
        return all(file.yanked is not None for file in self.files)

    def is_older_than(self, days: int, now: datetime) -> bool:
        """Tell whether the youngest file is older; a time that cannot be read is now."""
        uploads = (parse_moment(file.upload_time) or now for file in self.files)
        return now - max(uploads) >= timedelta(days=days)


def plan(listing: Listing, rules: Iterable[RetentionRule], now: datetime) -> tuple[Removal, ...]:
    """Return the files of *listing* that *rules* let go at *now*, the newest version first.

    Of each kind a rule keeps the newest so many versions that are not yanked, and every version
    newer than the last of these; a version goes as a whole. So the newest version of each kind
    stays, as does the newest that can be installed, and a plan that was carried out leaves
    nothing to plan. Nothing goes of a quarantined project, whose files are evidence.
    """
    if listing.status == "quarantined":
        return ()
    matching = [rule for rule in rules if matches_any(listing.project, rule.projects)]
    removals: list[Removal] = []
    newer: dict[Kind, int] = {}
    for release in _releases(listing.files):
        count = newer.get(release.kind, 0)
        if kept := _let_go(release, count, matching, now):
            removals.extend(_removals(release, kept))
        newer[release.kind] = count + (not release.is_yanked)
    return tuple(removals)


def _let_go(
    release: _Release, newer: int, rules: Sequence[RetentionRule], now: datetime
) -> int | None:
    """Return how many newer versions are kept in the place of *release*, ``None`` if it stays."""
    speaking = [rule for rule in rules if _kept(rule, release.kind)]
    if speaking and all(
        newer >= _kept(rule, release.kind) and release.is_older_than(rule.older_than, now)
        for rule in speaking
    ):
        return max(_kept(rule, release.kind) for rule in speaking)
    return None


def _removals(release: _Release, kept: int) -> list[Removal]:
    newer = f"{kept} newer {release.kind}s are" if kept > 1 else f"1 newer {release.kind} is"
    return [
        Removal(file.file_name, str(release.version), file.size, f"{newer} kept")
        for file in release.files
    ]


def _kept(rule: RetentionRule, kind: Kind) -> int:
    return {
        "release": rule.keep_releases,
        "pre-release": rule.keep_pre_releases,
        "development release": rule.keep_dev_releases,
    }[kind]


def _releases(files: Iterable[ListedFile]) -> list[_Release]:
    """Return the versions of *files*, newest first, whatever their spelling."""
    from packaging.version import Version

    by_version: dict[Version, list[ListedFile]] = {}
    for file in files:
        by_version.setdefault(Version(file.version), []).append(file)
    return [
        _Release(version, _kind(version), tuple(by_version[version]))
        for version in sorted(by_version, reverse=True)
    ]


def _kind(version: Version) -> Kind:
    if version.is_devrelease:
        return "development release"
    return "pre-release" if version.is_prerelease else "release"
