"""A release from end to end: looked at, laid out, checked, run; resumed or taken back."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poetry_aegis.errors import DetachedHead, DirtyTree, NoUpstream, ReleaseError, UsageError
from poetry_aegis.release import journal, preflight
from poetry_aegis.release.choice import choose, find_branch
from poetry_aegis.release.git import GitRepository, Upstream
from poetry_aegis.release.hooks import require_hooks
from poetry_aegis.release.plan import Plan
from poetry_aegis.release.planning import lay_out, message_of
from poetry_aegis.release.pyproject import read_version
from poetry_aegis.release.record import Record
from poetry_aegis.release.sequence import Additions, make_steps
from poetry_aegis.release.steps import PublishOnForge
from poetry_aegis.release.version.numbers import LEVELS, format_tag, parse_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from poetry_aegis.release.choice import Request
    from poetry_aegis.release.journal import Step
    from poetry_aegis.release.packages.release import PackageRelease
    from poetry_aegis.release.packages.wave import Wave
    from poetry_aegis.release.packages.workspace import Package
    from poetry_aegis.settings import Settings


@dataclass(frozen=True)
class Release:
    """A release that can be run: its plan, and the steps that carry it out."""

    repository: GitRepository
    plan: Plan
    steps: tuple[Step, ...]
    record: Record

    def run(self, started: Callable[[Step], None]) -> None:
        """Run all steps or none, calling *started* before each. Raises what a step raises."""
        self.record.open(self.plan.to_record())
        journal.run(self.steps, self.record, started)

    def resume(self, started: Callable[[Step], None]) -> None:
        """Run what is left of a release that broke off. Raises as `run` does."""
        self._require_place()
        journal.resume(self.steps, self.record, started)

    def abort(self, undone: Callable[[Step], None]) -> None:
        """Take back a release that broke off, calling *undone* after each step.

        Raises `ReleaseError` where others may have seen it, or where that would lose something.
        """
        self._require_place()
        journal.take_back(self.steps, self.record, undone)

    def forget(self) -> None:
        """Leave everything as it is and forget that something was to be done."""
        self.record.close()

    def is_unfinished(self) -> bool:
        """Return whether something is left to be done or to be taken back."""
        return self.record.exists

    def is_seen(self) -> bool:
        """Return whether others may have seen the release: a push or an upload has arrived."""
        begun = (step for step in self.steps if self.record.has_begun(step.name))
        return any(step.is_final() for step in begun)

    def upstream(self, remote: str) -> Upstream | None:
        """Return where the release can be pushed, *remote* being the one to prefer."""
        branch = self.repository.branch()
        try:
            return preflight.find_upstream(self.repository, branch, remote) if branch else None
        except NoUpstream:
            return None

    def _require_place(self) -> None:
        """Raise `ReleaseError` where another branch or work tree is looked at than was then."""
        if self.plan.root != self.repository.root:
            raise ReleaseError(
                f"The unfinished release was begun in another work tree: {self.plan.root}.",
                hint="Go on there.",
            )
        places = self._places()
        if self.repository.branch() not in places:
            there = places[0]
            raise ReleaseError(
                f"The unfinished release was begun on {there or 'a detached HEAD'}.",
                hint=f"Go back there first: git switch {there or f'--detach {self.plan.head}'}",
            )
        preflight.require_unlocked(self.repository, self.plan.branches)

    def _places(self) -> list[str | None]:
        """Return the branches on which it can go on, ``None`` for a detached HEAD."""
        branch = self.plan.release_branch
        made = self.repository.object_of(f"refs/heads/{branch}") if branch else None
        if branch and made not in {None, self.plan.head} and not self.record.has_begun("return"):
            return [branch]
        return [self.plan.branch, branch] if branch else [self.plan.branch]


def current_version(pyproject: Path) -> str:
    """Return the version of the project as PEP 440 spells it. Raises `ProjectError`."""
    return parse_version(read_version(pyproject)).text


def open_release(
    pyproject: Path, settings: Settings, request: Request, additions: Additions | None = None
) -> Release | None:
    """Return the release that *request* means, checked; ``None`` for nothing to release.

    Nothing is written, but where commits are missing and ``fetch`` is asked for they are fetched.
    Raises `ProjectError`, `GitError`, `ReleaseError`, `ForgeError`, and what *additions* raise.
    """
    additions = additions or Additions()
    repository = GitRepository.around(pyproject.parent)
    record = Record.of(repository.git_directory())
    record.require_none()
    head = repository.head()  # Before the history is read: what comes later is not in the plan.
    preflight.require_quiet(repository)
    branch = preflight.require_branch(find_branch(repository, os.environ), os.environ)
    dirty = preflight.find_edits(
        repository,
        allowed=request.allow_dirty,
        # What is built, or goes to a branch of its own, would take them along.
        allowable=request.extendable and not additions.choices and request.branch is None,
    )
    repository.require_identity()
    chosen = choose(repository, pyproject, settings, request, branch, additions.occupied)
    if not chosen.releases:
        return None
    # From here on as the package has them, which may come from the root of several.
    settings = chosen.releases[0].package.settings
    preflight.require_signing(repository, sign=request.sign or settings.sign)
    layout = lay_out(
        repository, chosen.releases, wave=chosen.wave, content_hash=additions.content_hash
    )
    plan = Plan(
        root=repository.root,
        head=head,
        branch=repository.branch(),
        packages=layout.packages,
        message=message_of(settings, layout.packages),
        files=layout.draft.changes,
        directories=layout.draft.directories,
        sign=request.sign or settings.sign,
        forge=request.wants_forge_release(settings),
        remote=settings.remote,
        dirty=dirty,
        versions=_versions_of(chosen.wave),
        choices=additions.choices,
        remarks=(*_remarks(request, chosen.releases), *layout.remarks),
        graph=chosen.wave.to_json() if chosen.wave else None,
        drawing=chosen.wave.render() if chosen.wave else "",
    )
    plan = _with_places(repository, plan, request, branch, settings)
    packages = [release.package for release in chosen.releases]
    return check(repository, plan, record, additions, packages)


def reopen(directory: Path, additions: Callable[[Plan], Additions]) -> Release:
    """Return the release of the repository around *directory* that broke off.

    *additions* makes them of its plan. Raises `NoUnfinishedRelease`, `ReleaseError`, `GitError`.
    """
    repository = GitRepository.around(directory)
    record = Record.of(repository.git_directory())
    plan = Plan.from_record(record.load())
    steps = make_steps(repository, plan, record, additions(plan))
    return Release(repository, plan, steps, record)


def _remarks(request: Request, releases: Sequence[PackageRelease]) -> list[str]:
    """Return why a first release is not the level that was asked for."""
    return [
        f"{decision.version} is what pyproject.toml says and no tag does yet, so it is released "
        f"first, and the next {request.target} version after it."
        for decision in (release.decision for release in releases)
        if request.target in LEVELS and decision.version == decision.current
    ]


def _versions_of(wave: Wave | None) -> dict[str, str]:
    return {name: version.text for name, version in wave.versions.items()} if wave else {}


# Where it goes


def _with_places(
    repository: GitRepository, plan: Plan, request: Request, branch: str, settings: Settings
) -> Plan:
    """Return *plan* with the branch to commit to and the remote to push to."""
    if request.branch is None:
        upstream = (
            preflight.find_upstream(repository, branch, settings.remote) if request.push else None
        )
        return replace(plan, upstream=upstream)
    if plan.branch is None:
        raise DetachedHead(
            "A branch for a pull request is made from one that is checked out, and none is.",
            hint=f"Check it out: git switch {branch}",
        )
    if plan.dirty:
        raise DirtyTree(
            "Uncommitted changes would go along to the branch for the pull request.",
            hint="Commit them, or put them aside with: git stash",
        )
    if not plan.files:
        raise ReleaseError(
            f"{plan.version} changes no file, so there is nothing for a pull request.",
            hint="Release it without --branch.",
        )
    name = _branch_name(request.branch, plan)
    preflight.require_free_branch(repository, name)
    upstream = None
    if request.push:
        origin = preflight.find_upstream(repository, branch, settings.remote)
        upstream = Upstream(origin.remote, name, tracked=False)
        preflight.require_free_branch_on(repository, upstream)
    return replace(plan, release_branch=name, tagging=False, upstream=upstream)


def _branch_name(template: str, plan: Plan) -> str:
    try:
        return format_tag(template, parse_version(plan.packages[-1].version))
    except (KeyError, IndexError, ValueError):
        raise UsageError(
            f"{template!r} is no template for the name of a branch.",
            hint="Only {version} may stand in braces: --branch release/{version}",
        ) from None


def check(
    repository: GitRepository,
    plan: Plan,
    record: Record,
    additions: Additions,
    packages: Sequence[Package],
) -> Release:
    """Return the release of *plan*, once nothing that can be known stands against it."""
    preflight.require_unlocked(repository, plan.branches)
    preflight.require_unedited(plan)
    for package in packages:
        require_hooks(package.settings, package.root)
    tags = [package.tag for package in plan.packages] if plan.tagging else []
    preflight.require_free_tags(repository, tags)
    if plan.upstream:
        preflight.require_pushable(repository, plan.upstream, tags, branch=plan.pushes_branch)
    steps = make_steps(repository, plan, record, additions)
    for step in steps:
        if isinstance(step, PublishOnForge):
            step.check()
    additions.check(plan)
    return Release(repository, plan, steps, record)
