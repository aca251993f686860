"""What happened since the last release: one ``git for-each-ref`` and one ``git log``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.release.commits import Change, Commit, parse
from poetry_aegis.release.version import version_of_tag

if TYPE_CHECKING:
    from poetry.core.constraints.version import Version

    from poetry_aegis.release.git import GitRepository

LOG_FORMAT = "%H%x1f%an%x1f%cI%x1f%B"


@dataclass(frozen=True)
class Tag:
    """A tag that names a version. *date* is the day it was made, ISO 8601."""

    name: str
    version: Version
    date: str


@dataclass(frozen=True)
class History:
    """The commits after *since*, newest first, *since* being ``None`` where all of them are meant.

    *changes* are the conventional ones among them.
    """

    since: Tag | None
    commits: tuple[Commit, ...]
    changes: tuple[Change, ...]


def read_tags(repository: GitRepository, tag_format: str) -> list[Tag]:
    """Return the version tags that HEAD can reach, the highest version first."""
    listing = repository.run(
        "for-each-ref",
        "--merged=HEAD",
        "--format=%(refname:strip=2)%00%(creatordate:short)",
        "refs/tags",
    )
    tags = []
    for line in listing.splitlines():
        name, _, date = line.partition("\0")
        version = version_of_tag(tag_format, name)
        if version is not None:
            tags.append(Tag(name, version, date))
    return sorted(tags, key=lambda tag: tag.version, reverse=True)


def read_history(repository: GitRepository, since: Tag | None, until: str = "HEAD") -> History:
    """Return what is reachable from *until* and not from *since*."""
    span = f"refs/tags/{since.name}..{until}" if since else until
    log = repository.run("log", "-z", f"--format={LOG_FORMAT}", span, "--")
    commits = tuple(Commit(*entry.split("\x1f", 3)) for entry in log.split("\0") if entry)
    changes = (parse(commit) for commit in commits)
    return History(since, commits, tuple(change for change in changes if change))
