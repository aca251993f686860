"""What a branch may release: the channel it belongs to, and the versions it is kept for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from poetry_aegis.errors import ReleaseError
from poetry_aegis.release.version.numbers import bump

if TYPE_CHECKING:
    from poetry.core.constraints.version import Version

    from poetry_aegis.settings import Channel, Level, Settings

# 1.x, v1.2.x, release/1.x, maintenance/1.2.x, 1.x.x
MAINTENANCE = re.compile(
    r"(?:(?:releases?|maintenance|support|stable)/)?v?(?P<major>[0-9]+)"
    r"(?:\.(?P<minor>[0-9]+)|\.[xX])?\.[xX]"
)


@dataclass(frozen=True)
class MaintenanceRange:
    """The versions that a maintenance branch is kept for: 1.x or, with *minor*, 1.2.x."""

    major: int
    minor: int | None = None

    def __str__(self) -> str:
        return f"{self.major}.x" if self.minor is None else f"{self.major}.{self.minor}.x"

    def __contains__(self, version: Version) -> bool:
        return version.major == self.major and self.minor in {None, version.minor or 0}

    @property
    def highest_level(self) -> Level:
        """The most that a version may move without leaving the range."""
        return "minor" if self.minor is None else "patch"


def channel_of(branch: str | None, settings: Settings) -> Channel:
    """Return the channel that *branch* releases on.

    The settings name branches, or patterns of them as a shell would read them; an exact name goes
    before a pattern, and of the patterns the first counts. What no line names is ``stable``.
    """
    if branch is None:
        return "stable"
    if branch in settings.channels:
        return settings.channels[branch]
    matching = (
        channel for pattern, channel in settings.channels.items() if fnmatchcase(branch, pattern)
    )
    return next(matching, "stable")


def maintenance_range(branch: str | None) -> MaintenanceRange | None:
    """Return the versions that *branch* is kept for, ``None`` where it is no maintenance branch.

    ``1.x``, ``v1.2.x`` and the like are, below ``release/``, ``maintenance/`` or nothing.
    """
    match = MAINTENANCE.fullmatch(branch or "")
    if match is None:
        return None
    return MaintenanceRange(int(match["major"]), int(match["minor"]) if match["minor"] else None)


def require_channel(branch: str | None, settings: Settings) -> Channel:
    """Return the channel of *branch*. Raises `ReleaseError` where it makes no releases."""
    channel = channel_of(branch, settings)
    if channel == "none":
        raise ReleaseError(
            f"The branch {branch} makes no releases.",
            hint="Switch to one that does, or change [tool.poetry-aegis.channels].",
        )
    return channel


def require_in_range(version: Version, branch: str | None, base: Version) -> None:
    """Raise `ReleaseError` where *branch* is a maintenance branch that *version* would leave.

    *base* is the last release, from which a smaller step may stay in the range.
    """
    kept_for = maintenance_range(branch)
    if kept_for is None or version in kept_for:
        return
    hint = f"Release it from another branch, or name a version of {kept_for}."
    if bump(base, kept_for.highest_level) in kept_for:
        hint = (
            "Release it from another branch; or, where nothing changes for those who stay on "
            f"{kept_for}: poetry aegis release {kept_for.highest_level}"
        )
    raise ReleaseError(
        f"{version} would leave {kept_for}, which the branch {branch} is for.", hint=hint
    )
