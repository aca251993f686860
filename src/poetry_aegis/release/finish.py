"""The end of a release that went through a pull request: its tag, its push, its publication."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

from poetry_aegis.errors import NoUpstream, ReleaseError, UnknownVersion
from poetry_aegis.release import preflight
from poetry_aegis.release.changelog.file import Changelog
from poetry_aegis.release.changelog.text import changelog_path, read_text_file, text_file
from poetry_aegis.release.choice import Request, find_branch, find_packages_for
from poetry_aegis.release.engine import Release, check
from poetry_aegis.release.git import GitRepository, Upstream
from poetry_aegis.release.history.reading import read_tags
from poetry_aegis.release.plan import PackagePlan, Plan
from poetry_aegis.release.planning import tag_of
from poetry_aegis.release.pyproject import version_in
from poetry_aegis.release.record import Record
from poetry_aegis.release.sequence import Additions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.release.packages.workspace import Package
    from poetry_aegis.settings import Settings


def open_finish(
    pyproject: Path, settings: Settings, request: Request, additions: Additions | None = None
) -> Release | None:
    """Return the release that tags what a merged release branch has brought; ``None`` for nothing.

    What is released is the version that ``pyproject.toml`` and the changelog name and no tag does.
    The tag goes on the commit that brought it, so that what was merged later is not taken for a
    part of it. Raises as `engine.open_release` does.
    """
    additions = additions or Additions()
    repository = GitRepository.around(pyproject.parent)
    record = Record.of(repository.git_directory())
    record.require_none()
    repository.head()
    repository.require_identity()
    if additions.choices:  # What is built has to be what is tagged.
        preflight.find_edits(repository, allowed=False)
    packages = find_packages_for(repository, pyproject, settings, request)
    waiting = [package for package in packages if _is_waiting(repository, package)]
    if not waiting:
        return None
    settings = waiting[0].settings
    preflight.require_signing(repository, sign=request.sign or settings.sign)
    commits = {_commit_of(repository, package) for package in waiting}
    if len(commits) > 1:
        raise ReleaseError(
            "The packages were released by different commits.",
            hint="Finish them one by one: poetry aegis release finish --package NAME",
        )
    (commit,) = commits
    if additions.choices and commit != repository.head():
        raise ReleaseError(
            f"There are commits after the release commit {commit[:7]}, which would be built, too.",
            hint=f"Publish just the release: git switch --detach {commit[:7]}, then again.",
        )
    _require_merged(repository, commit, settings.remote)
    upstream = _upstream(repository, settings.remote) if request.push else None
    plan = Plan(
        root=repository.root,
        head=commit,
        branch=repository.branch(),
        packages=tuple(_plan_of(repository, package) for package in waiting),
        message="",
        upstream=upstream,
        finishing=True,
        checked_out=repository.head(),
        sign=request.sign or settings.sign,
        forge=request.wants_forge_release(settings),
        remote=settings.remote,
        choices=additions.choices,
        graph={} if len(packages) > 1 else None,
    )
    return check(repository, plan, record, additions, waiting)


def _upstream(repository: GitRepository, remote: str) -> Upstream:
    """Return where the tags go. No branch is pushed, so none need be checked out."""
    branch = find_branch(repository, os.environ)
    if branch is not None:
        return preflight.find_upstream(repository, branch, remote)
    if remote not in repository.remotes():
        raise NoUpstream(
            f"There is no remote {remote!r} to push the tag to.",
            hint=f"Add it with: git remote add {remote} URL",
        )
    return Upstream(remote, "HEAD", tracked=True)


def _require_merged(repository: GitRepository, commit: str, remote: str) -> None:
    """Raise `ReleaseError` on a branch that has not been merged into the remote's main one.

    A tag there would be off the main branch for ever, once the pull request is squashed.
    """
    branch, name = repository.branch(), _main_branch(repository, remote)
    main = f"refs/remotes/{remote}/{name}"
    if branch in {None, name} or repository.object_of(main) is None:
        return
    if repository.try_run("merge-base", "--is-ancestor", commit, main).status:
        raise ReleaseError(
            f"The release commit {commit[:7]} on {branch} is not in {remote}/{name} yet.",
            hint=f"Merge the pull request, then: git switch {name} && git pull",
        )


def _main_branch(repository: GitRepository, remote: str) -> str:
    """Return the branch that *remote* calls its main one, nothing where nobody says."""
    noted = repository.try_run("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD").output
    if noted:
        return noted.strip().removeprefix(f"refs/remotes/{remote}/")
    if remote not in repository.remotes():
        return ""
    # Only a clone notes it; a remote that was added later has to be asked.
    told = repository.try_run("ls-remote", "--symref", remote, "HEAD").output
    head = next((line for line in told.splitlines() if line.startswith("ref: refs/heads/")), "")
    return head.partition("\t")[0].removeprefix("ref: refs/heads/")


def _is_waiting(repository: GitRepository, package: Package) -> bool:
    """Return whether the version of *package* has its section and no tag, on any branch."""
    tags = read_tags(repository, package.settings.tag_format)
    if package.version in {tag.version for tag in tags.all}:
        return False
    return _section_of(repository, package) is not None


def _section_of(repository: GitRepository, package: Package) -> str | None:
    path = changelog_path(repository, package.pyproject, package.settings)
    return Changelog(read_text_file(path).text).section(package.version.text)


def _plan_of(repository: GitRepository, package: Package) -> PackagePlan:
    return PackagePlan(
        name=package.name,
        distribution=package.distribution,
        pyproject=package.pyproject,
        changelog=changelog_path(repository, package.pyproject, package.settings),
        current=package.version.text,
        version=package.version.text,
        bump="finish",
        tag=tag_of(package.version, package.settings),
        section=_section_of(repository, package) or "",
        prerelease=package.version.is_unstable(),
        hooks=asdict(package.settings.hooks),
    )


def _commit_of(repository: GitRepository, package: Package) -> str:
    """Return the commit of the main line with which both section and version were there.

    A merge brings what is on its branch. Raises `UnknownVersion` where nothing is committed.
    """

    def has_section(content: bytes) -> bool:
        text = text_file(content).text
        return Changelog(text).section(package.version.text) is not None

    def has_version(content: bytes) -> bool:
        return version_in(content) == package.version.text

    changelog = changelog_path(repository, package.pyproject, package.settings)
    section = _brought(repository, changelog, has_section)
    version = _brought(repository, package.pyproject, has_version)
    if section is None or version is None:
        raise UnknownVersion(
            f"The section of {package.version} in {changelog.name} is not committed.",
            hint="Check out the branch that the release was merged into.",
        )
    later = repository.try_run("merge-base", "--is-ancestor", section, version).status == 0
    return version if later else section


def _brought(
    repository: GitRepository, path: Path, is_there: Callable[[bytes], bool]
) -> str | None:
    """Return the first of the last commits in all of which *is_there* holds for the file *path*."""
    found = None
    name = path.resolve().relative_to(repository.root.resolve()).as_posix()
    for commit, content in repository.versions_of(name):
        if not is_there(content):
            break
        found = commit
    return found
