"""The steps of a plan, in their order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from poetry_aegis.release.hooks import ReleaseFacts
from poetry_aegis.release.steps import (
    Build,
    MakeBranch,
    MakeCommit,
    MakeTag,
    PublishOnForge,
    Push,
    ReturnToBranch,
    RunHooks,
    WriteFiles,
)
from poetry_aegis.release.steps.contents import KeptCopies
from poetry_aegis.release.version.vacancy import nothing_occupied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.hooks import HookName
    from poetry_aegis.release.journal import Step
    from poetry_aegis.release.packages.workspace import Package
    from poetry_aegis.release.plan import PackagePlan, Plan
    from poetry_aegis.release.record import Record


class Additions:
    """What a release gets from its caller, who knows Poetry and the index: nothing, here.

    *choices* are kept in the journal and handed back when the release is resumed.
    """

    choices: Mapping[str, Any] = {}
    content_hash: Callable[[Path, bytes], str] | None = None

    def say(self, line: str) -> None:
        """Tell the user what a hook or a step has to say."""

    def occupied(
        self,
        package: Package,  # noqa: ARG002 - what it says depends on the package, where it says any
    ) -> Callable[[Version], str | None]:
        """Return what tells whether something beside the tags is in the way of a version."""
        return nothing_occupied

    def check(self, plan: Plan) -> None:
        """Raise where something stands against *plan*, before anything is written."""

    def building(self, plan: Plan, package: PackagePlan, directory: Path) -> list[Step]:  # noqa: ARG002 - as above
        """Return the steps that build *package* into *directory*, between files and commit."""
        return []

    def publishing(self, plan: Plan, package: PackagePlan, directory: Path) -> list[Step]:  # noqa: ARG002 - as above
        """Return the steps that publish what lies in *directory*, after the push."""
        return []


def make_steps(
    repository: GitRepository, plan: Plan, record: Record, additions: Additions
) -> tuple[Step, ...]:
    """Return the steps that carry *plan* out: from the same plan always the same ones."""
    return tuple(_Sequence(repository, plan, record, additions))


class _Sequence:
    def __init__(
        self, repository: GitRepository, plan: Plan, record: Record, additions: Additions
    ) -> None:
        self._repository = repository
        self._plan = plan
        self._record = record
        self._additions = additions
        self._hooks: list[RunHooks] = []
        self._builds: list[Build] = []
        kept = record.directory.with_name(f"{record.directory.name}.kept")
        self._copies = KeptCopies(kept, plan.root, additions.say)
        self._commit = self._make_commit() if plan.files else None

    def __iter__(self) -> Iterator[Step]:
        plan = self._plan
        if plan.release_branch:
            yield MakeBranch(self._repository, plan.release_branch, plan.branch or "", plan.head)
        if self._commit:
            yield from self._run("pre_bump")
            yield self._commit.files
            yield from self._run("pre_commit")
        for package in plan.packages:
            steps = self._additions.building(plan, package, self._directory(package))
            self._builds += [step for step in steps if isinstance(step, Build)]
            yield from steps
        if self._commit:
            yield self._commit
        if plan.tagging:
            yield from self._run("pre_tag")
            yield from map(self._make_tag, plan.packages)
        yield from self._seen_by_others()
        if plan.tagging:
            yield from self._run("post_release")
        if plan.release_branch:
            yield ReturnToBranch(self._repository, plan.release_branch, plan.branch or "")

    def _seen_by_others(self) -> Iterator[Step]:
        plan = self._plan
        if plan.upstream:
            tags = tuple(package.tag for package in plan.packages) if plan.tagging else ()
            yield Push(
                self._repository, plan.upstream, tags, self._target, branch=plan.pushes_branch
            )
        for package in plan.packages:
            yield from self._additions.publishing(plan, package, self._directory(package))
        if plan.forge:
            yield from map(self._publish_on_forge, plan.packages)

    def _target(self) -> str:
        """Return the commit that the release is: its own, or the one it was planned on."""
        return self._commit.require().sha if self._commit else self._plan.head

    def _make_commit(self) -> MakeCommit:
        plan = self._plan
        files = WriteFiles(
            plan.root,
            plan.files,
            self._copies,
            directories=plan.directories,
        )
        return MakeCommit(
            self._repository,
            files,
            plan.head,
            plan.message,
            workspace=self._record.directory,
            sign=plan.sign,
            dirty=plan.dirty,
            also=lambda: [path for hook in self._hooks for path in hook.changed],
            settle=self._settle,
            rebuild=self._rebuild,
            ref=f"refs/heads/{plan.release_branch}" if plan.release_branch else "HEAD",
        )

    def _settle(self) -> None:
        """Let the steps take note that the release's own hooks may have changed their files."""
        for hook in self._hooks:
            hook.accept()
        if self._commit:
            self._commit.files.accept()

    def _rebuild(self) -> None:
        for step in self._builds:
            step.again()

    def _make_tag(self, package: PackagePlan) -> MakeTag:
        message = f"{package.tag}\n\n{package.section}"
        return MakeTag(
            self._repository,
            package.tag,
            message,
            self._target,
            sign=self._plan.sign,
            name=self._plan.step_name("tag", package),
        )

    def _run(self, hook: HookName) -> Iterator[RunHooks]:
        plan = self._plan
        for package in plan.packages:
            lines = tuple(package.hooks.get(hook, ()))
            if not lines:
                continue
            step = RunHooks(
                self._repository,
                hook,
                lines,
                _facts(plan, package),
                package.root,
                plan.checked_out or plan.head,
                plan.paths,
                self._copies,
                self._settle,
                self._additions.say,
                name=self._plan.step_name(hook, package),
            )
            if hook in {"pre_bump", "pre_commit"}:
                self._hooks.append(step)
            yield step

    def _publish_on_forge(self, package: PackagePlan) -> PublishOnForge:
        from poetry_aegis.forge.releases import Forge, ForgeRelease, find_forge
        from poetry_aegis.release.changelog.writer import links_of
        from poetry_aegis.release.packages.workspace import find_scope

        settings = find_scope(package.pyproject, self._repository.root).settings
        links = links_of(self._repository, settings)
        directory = self._directory(package)

        def release() -> ForgeRelease:
            files = tuple(sorted(directory.glob("*"))) if directory.is_dir() else ()
            return ForgeRelease(
                package.tag, package.tag, package.notes, prerelease=package.prerelease, files=files
            )

        def find() -> Forge:
            return find_forge(links, os.environ)

        return PublishOnForge(
            find,
            links.web if links else "its forge",
            release,
            package.tag,
            self._additions.say,
            name=self._plan.step_name("forge", package),
        )

    def _directory(self, package: PackagePlan) -> Path:
        return self._record.distributions / package.name


def _facts(plan: Plan, package: PackagePlan) -> ReleaseFacts:
    return ReleaseFacts(
        project=package.name,
        previous_version=package.current,
        version=package.version,
        tag=package.tag,
        bump=package.bump,
        branch=plan.release_branch or plan.branch,
        changelog=package.changelog,
    )
