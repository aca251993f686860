"""Which packages are released, and as what: all that ``--print`` needs, and little is imported."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from poetry_aegis.errors import ReleaseError, UsageError
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.pipelines import branch_from_pipeline
from poetry_aegis.release.history.reading import read_all_tags, read_history, read_tags
from poetry_aegis.release.history.shallow import require_whole_history
from poetry_aegis.release.packages.release import PackageRelease
from poetry_aegis.release.packages.workspace import alone, find_workspace, single_project
from poetry_aegis.release.version.decision import Wish, decide
from poetry_aegis.release.version.vacancy import NEXT_FREE, nothing_occupied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.packages.wave import Wave
    from poetry_aegis.release.packages.workspace import Package, Workspace
    from poetry_aegis.release.version.decision import Decision
    from poetry_aegis.release.version.numbers import PrereleaseType
    from poetry_aegis.settings import Settings

    Occupied = Callable[[Package], Callable[[Version], str | None]]


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    *target* and what follows it are as in `decision.Wish`. *branch* is a template for the branch of
    a pull request, *packages* are names in a repository of several, ``None`` for the one that the
    command is run in and ``()`` for all. *extendable* tells whether the command that asks has the
    options for the rest of it: a way out may name only what can be written.
    """

    target: str
    prerelease_type: PrereleaseType | None = None
    next_free: bool = False
    push: bool = False
    branch: str | None = None
    allow_dirty: bool = False
    sign: bool = False
    fetch: bool = False
    forge: bool = False
    packages: tuple[str, ...] | None = None
    extendable: bool = True

    def wants_forge_release(self, settings: Settings) -> bool:
        """Return whether a release on the forge is made, by an option or by *settings*."""
        tags_are_pushed = self.push and self.branch is None
        return tags_are_pushed and (self.forge or settings.forge_release)

    @property
    def wish(self) -> Wish:
        """The part of it that decides the version."""
        by = NEXT_FREE
        if not self.extendable:
            target = f" {shlex.quote(self.target)}"
            by = f"poetry aegis release{target} --next-free"
        return Wish(self.target, self.prerelease_type, self.next_free, by)


def find_branch(repository: GitRepository, environ: Mapping[str, str]) -> str | None:
    """Return the branch to release from, ``None`` where neither git nor a pipeline knows one.

    A pipeline checks out a commit, and says in its environment for which branch.
    """
    return repository.branch() or branch_from_pipeline(environ)


def next_versions(pyproject: Path, settings: Settings, request: Request) -> dict[str, str]:
    """Return the versions that *request* would release, by the packages' names; nothing else.

    What would keep them from being released now, uncommitted changes for one, is not looked at.
    Raises `ProjectError`, `GitError` and `ReleaseError`.
    """
    repository = GitRepository.around(pyproject.parent)
    branch = find_branch(repository, os.environ)
    chosen = choose(repository, pyproject, settings, request, branch)
    return {item.package.name: item.decision.version.text for item in chosen.releases}


@dataclass(frozen=True)
class Choice:
    """What is released. *wave* is ``None`` where the repository holds one project."""

    releases: tuple[PackageRelease, ...]
    wave: Wave | None = None


def find_packages_for(
    repository: GitRepository, pyproject: Path, settings: Settings, request: Request
) -> Sequence[Package]:
    """Return the packages that *request* is about. Raises `ProjectError` and `UsageError`."""
    workspace = find_workspace(pyproject, repository.root)
    return _selected(workspace, request) if workspace else [_alone(pyproject, settings, request)]


def last_releases(repository: GitRepository, packages: Sequence[Package]) -> dict[str, str]:
    """Return the last version that HEAD has of each of *packages*, by their names.

    That is what the tags say; of one that has none it is what its ``pyproject.toml`` does. Raises
    `GitError`.
    """
    formats = [package.settings.tag_format for package in packages]
    # Of one, only the last tags are looked for, however many there are.
    one = len(packages) == 1
    found = [read_tags(repository, formats[0])] if one else read_all_tags(repository, formats)
    return {
        package.name: (tags.last.version if tags.last else package.version).text
        for package, tags in zip(packages, found, strict=True)
    }


def choose(  # noqa: PLR0913, PLR0917 - all of what is known before the decision
    repository: GitRepository,
    pyproject: Path,
    settings: Settings,
    request: Request,
    branch: str | None,
    occupied: Occupied | None = None,
) -> Choice:
    """Return what *request* releases from *branch*: nothing, one package, or a wave of several.

    *occupied* is as in `Additions`. Raises `ProjectError`, `GitError` and `ReleaseError`.
    """
    occupied = occupied or _by_nothing
    workspace = find_workspace(pyproject, repository.root)
    if workspace is None:
        package = _alone(pyproject, settings, request)
        _require_history(repository, [package], request, with_paths=False)
        tags = read_tags(repository, package.settings.tag_format)
        decision = decide(
            tags,
            partial(read_history, repository, package.settings),
            package.settings,
            package.version,
            request.wish,
            branch=branch,
            occupied=occupied(package),
        )
        return Choice((PackageRelease(package, decision),) if decision else ())
    _require_history(repository, workspace.packages, request, with_paths=True)
    wave = _decide_wave(repository, workspace, request, branch, occupied)
    return Choice(wave.releases, wave)


def _by_nothing(_package: Package) -> Callable[[Version], str | None]:
    return nothing_occupied


def _decide_wave(
    repository: GitRepository,
    workspace: Workspace,
    request: Request,
    branch: str | None,
    occupied: Occupied,
) -> Wave:
    from poetry_aegis.release.packages.graph import read_graph
    from poetry_aegis.release.packages.histories import read_package_histories
    from poetry_aegis.release.packages.wave import release_order

    histories = read_package_histories(repository, workspace.packages)

    def decide_one(package: Package, wish: Wish) -> Decision | None:
        return decide(
            histories.tags[package.name],
            partial(histories.read, package),
            package.settings,
            package.version,
            wish,
            branch=branch,
            occupied=occupied(package),
        )

    follow = replace(request.wish, prerelease_type=None)

    def follow_up(package: Package, target: str) -> Decision:
        # What is unreleased in it may ask for more than to follow.
        own = decide_one(package, replace(follow, target="auto"))
        if own and target == "patch" and not own.version.is_unstable():
            return own
        decision = decide_one(package, replace(follow, target=target))
        if decision is None:
            raise ReleaseError(f"{package.name} has to follow its dependencies and cannot.")
        return decision

    decisions = {
        package.name: decide_one(package, request.wish) for package in _selected(workspace, request)
    }
    released = {
        name: tags.last.version if tags.last else None for name, tags in histories.tags.items()
    }
    graph = read_graph(workspace.packages).as_published(released)
    return release_order(graph, decisions, follow_up)


def _alone(pyproject: Path, settings: Settings, request: Request) -> Package:
    if request.packages is not None:
        raise single_project()
    return alone(pyproject, settings)


def _selected(workspace: Workspace, request: Request) -> Sequence[Package]:
    if request.packages == ():
        return workspace.packages
    if request.packages is not None:
        return [workspace.find(name) for name in request.packages]
    if workspace.here is None:
        raise UsageError(
            "Which of the packages is to be released?",
            hint="All that changed: --all. One: --package NAME, NAME being one of "
            f"{workspace.names}.",
        )
    return [workspace.here]


def _require_history(
    repository: GitRepository, packages: Sequence[Package], request: Request, *, with_paths: bool
) -> None:
    require_whole_history(
        repository,
        fetch=request.fetch,
        remote=packages[0].settings.remote,
        tag_formats=[package.settings.tag_format for package in packages],
        with_paths=with_paths,
        fetchable=request.extendable,
    )
