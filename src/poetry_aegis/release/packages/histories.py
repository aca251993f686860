"""The histories of all packages of a repository, out of one ``git log``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from poetry_aegis.release.history.reading import History, Tags, read_all_tags, read_since_oldest
from poetry_aegis.release.history.shallow import require_readable_history
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.history.commits import Commit
    from poetry_aegis.release.history.reading import Tag
    from poetry_aegis.release.packages.workspace import Package


@dataclass(frozen=True)
class PackageHistories:
    """What happened to each package: its *tags*, and its *since_final*, by the packages' names."""

    tags: Mapping[str, Tags]
    since_final: Mapping[str, History]

    def read(self, package: Package, since: Tag | None) -> History:
        """Return the changes of *package* that *since* does not contain; git is not asked.

        *since* is the package's last final version, a later one, or what the former is: ``None``
        where there is none. Raises `UnconventionalCommit`.
        """
        history = self.since_final[package.name]
        return history.after(since, package.settings)


def read_package_histories(
    repository: GitRepository, packages: Sequence[Package]
) -> PackageHistories:
    """Return the tags of *packages* and the commits since their last final versions.

    A commit belongs to every package that owns one of the paths it changes. Raises `GitError`.
    """
    tags = {
        package.name: found
        for package, found in zip(
            packages,
            read_all_tags(repository, [item.settings.tag_format for item in packages]),
            strict=True,
        )
    }
    finals = [item.last_final for item in tags.values()]
    whole = read_since_oldest(repository, Settings(), finals)
    parents = {commit.sha: commit.parents for commit in whole.commits}
    owned = _by_package(whole.commits, packages)
    histories = {}
    for package in packages:
        # What is refused is for `read` to say: some of it was released long ago.
        lenient = replace(package.settings, other_commits="ignore")
        histories[package.name] = History.of(None, owned[package.name], lenient, parents)
    return PackageHistories(tags, histories)


def _by_package(commits: Sequence[Commit], packages: Sequence[Package]) -> dict[str, list[Commit]]:
    """Return the commits of each package, by its name; each path is looked at once."""

    @cache
    def owners(path: str) -> tuple[str, ...]:
        return tuple(package.name for package in packages if package.owns(path))

    owned: dict[str, list[Commit]] = {package.name: [] for package in packages}
    for commit in commits:
        for name in {name for path in commit.paths for name in owners(path)}:
            owned[name].append(commit)
    return owned


def read_unreleased(repository: GitRepository, packages: Sequence[Package]) -> tuple[Commit, ...]:
    """Return the commits that no release of a package they belong to contains.

    They come newest first, package by package, each once. Raises `GitError`, and
    `IncompleteHistory` as `require_readable_history` does.
    """
    for package in packages:
        require_readable_history(repository, package.settings, with_paths=True)
    lenient = [
        replace(item, settings=replace(item.settings, other_commits="ignore")) for item in packages
    ]
    histories = read_package_histories(repository, lenient)
    found: dict[str, Commit] = {}
    for package in lenient:
        history = histories.read(package, histories.tags[package.name].last)
        found |= {commit.sha: commit for commit in history.commits}
    return tuple(found.values())
