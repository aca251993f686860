"""Development versions of a branch: which ones, and the files while they are published."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poetry_aegis import atomic, poetry_api
from poetry_aegis.release import preflight
from poetry_aegis.release.choice import Request, choose, find_branch, last_releases
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.pipelines import is_pipeline
from poetry_aegis.release.packages.constraints import follow, with_edits
from poetry_aegis.release.packages.workspace import alone, find_workspace
from poetry_aegis.release.pyproject import with_version
from poetry_aegis.release.record import Record
from poetry_aegis.release.version.bumping import Bump
from poetry_aegis.release.version.numbers import parse_version
from poetry_aegis.release.version_files import VersionFileChange, version_file_changes
from poetry_aegis.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from poetry.core.constraints.version import Version

    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.release.packages.release import PackageRelease
    from poetry_aegis.release.version.decision import Decision

_DEVELOPMENT = re.compile(r"\.dev[0-9]+$")


@dataclass(frozen=True)
class Snapshot:
    """A *project* to be published as *version*, which *bump* writes into its files."""

    project: Project
    version: str
    bump: Bump


def plan_snapshots(project: Project) -> dict[str, Snapshot]:
    """Return what is to be published, by the packages' names: nothing where nothing is released.

    Raises `ProjectError`, `GitError` and `ReleaseError`.
    """
    repository = GitRepository.around(project.root)
    Record.of(repository.git_directory()).require_none()
    repository.head()  # Of no commit at all, this tells better.
    preflight.find_edits(repository, allowed=False)  # A version has to tell what it is made of.
    several = find_workspace(project.pyproject, repository.root) is not None
    request = Request(
        "auto",
        next_free=True,
        fetch=is_pipeline(os.environ),
        packages=() if several else None,
        extendable=False,
    )
    branch = find_branch(repository, os.environ)
    settings = load_settings(project.pyproject)
    chosen = choose(repository, project.pyproject, settings, request, branch)
    versions: dict[str, Version] = {
        item.package.distribution: _development_version(repository, item.decision)
        for item in chosen.releases
    }
    return {item.package.name: _snapshot(repository, item, versions) for item in chosen.releases}


def last_release(project: Project) -> str:
    """Return the last version of *project*, an empty one at the root of several that is none.

    Raises `ProjectError` and `GitError`.
    """
    repository = GitRepository.around(project.root)
    workspace = find_workspace(project.pyproject, repository.root)
    if workspace is None:
        package = alone(project.pyproject, load_settings(project.pyproject))
    elif workspace.here is None:
        return ""
    else:
        package = workspace.here
    return last_releases(repository, [package])[package.name]


def _development_version(repository: GitRepository, decision: Decision) -> Version:
    """Return a version before that of *decision*, which a later commit makes a higher one."""
    since = decision.history.since
    span = f"{since.commit}..HEAD" if since else "HEAD"
    count = repository.run("rev-list", "--count", span).strip()
    base = _DEVELOPMENT.sub("", decision.version.text)
    return parse_version(f"{base}.dev{count}")


def _snapshot(
    repository: GitRepository, release: PackageRelease, versions: Mapping[str, Version]
) -> Snapshot:
    package = release.package
    version = versions[package.distribution]
    others = version_file_changes(
        package.root,
        package.settings.version_files,
        package.version.text,
        version.text,
        within=repository.root,
    )
    # What had to follow a release has to admit its development version, which comes before it.
    edits = [
        replace(edit, after=follow(edit.before, versions[edit.distribution]))
        for edit in release.edits
        if edit.distribution in versions
    ]
    pyproject = package.pyproject
    after = with_edits(with_version(pyproject, version.text), edits)
    own = VersionFileChange(pyproject, pyproject.read_bytes(), after)
    bump = Bump(package.version, version, own, tuple(others))
    return Snapshot(poetry_api.Project(package.distribution, pyproject), version.text, bump)


@contextlib.contextmanager
def written(command: AegisCommand, snapshots: Iterable[Snapshot]) -> Iterator[None]:
    """Have the versions of *snapshots* in their files; afterwards these are as they were."""
    with contextlib.ExitStack() as stack:
        for snapshot in snapshots:
            stack.callback(_put_back, snapshot.bump)
            snapshot.bump.write()
        poetry_api.reload_project(command)
        yield
    poetry_api.reload_project(command)


def _put_back(bump: Bump) -> None:
    for change in (bump.pyproject, *bump.others):
        if change.path.read_bytes() == change.after:
            atomic.write_bytes(change.path, change.before)
