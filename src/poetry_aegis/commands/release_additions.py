"""What a command adds to a release: building with Poetry, publishing, and a voice."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poetry_aegis import poetry_api
from poetry_aegis.commands.base import plain
from poetry_aegis.errors import AegisError, BuildFailed, FileConflict, UsageError
from poetry_aegis.publish.named_index import INDEX_VARIABLE, address_in
from poetry_aegis.release.sequence import Additions
from poetry_aegis.release.steps import Build, Publish
from poetry_aegis.release.version.numbers import parse_version
from poetry_aegis.release.version.vacancy import nothing_occupied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from poetry.core.constraints.version import Version

    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.commands.publishing import Publishing, PublishOptions
    from poetry_aegis.publish.repository import Repository
    from poetry_aegis.release.journal import Step
    from poetry_aegis.release.packages.workspace import Package
    from poetry_aegis.release.plan import PackagePlan, Plan


class ReleaseAdditions(Additions):
    """Builds and publishes to *repository* by *options*, or nothing where they are ``None``.

    With *next_free* versions that the index has are passed over. *resumed* tells that another
    process has begun the release. What was published is in *publications*, by the packages' names.
    """

    def __init__(
        self,
        command: AegisCommand,
        repository: Repository | None = None,
        options: PublishOptions | None = None,
        *,
        next_free: bool = False,
        resumed: bool = False,
    ) -> None:
        self._command = command
        self._repository = repository
        self._options = options
        self._next_free = next_free
        self._resumed = resumed
        self.publications: dict[str, Publishing] = {}
        self.content_hash = poetry_api.content_hash

    @classmethod
    def of_plan(cls, command: AegisCommand, plan: Plan) -> ReleaseAdditions:
        """Return those that a release which broke off was begun with.

        The password of a user who was named then is asked for again. Raises `UsageError` where
        nobody can be asked, and `PublishError`.
        """
        publish = plan.choices.get("publish")
        if not publish:
            _require_no_password(command, None)
            return cls(command, resumed=True)
        from poetry_aegis.commands.publishing import PublishOptions, find_repository
        from poetry_aegis.commands.repository_choice import relocate

        options = PublishOptions(**publish["options"])
        _require_no_password(command, options.user)
        index = publish.get("index")
        _require_same_index(index)
        find = relocate if index else find_repository
        repository = find(command, publish["repository"])
        if options.user:
            repository = _as_before(command, repository, options.user)
        return cls(command, repository, options, resumed=True)

    @property
    def choices(self) -> Mapping[str, Any]:  # type: ignore[override]
        """What `of_plan` reads."""
        if self._repository is None or self._options is None:
            return {}
        publish = {
            "repository": self._repository.name,
            "options": asdict(self._options),
            "index": address_in(os.environ),
        }
        return {"publish": publish}

    def say(self, line: str) -> None:
        """Print *line* among the steps."""
        self._command.say(f"    {plain(line)}")

    def occupied(self, package: Package) -> Callable[[Version], str | None]:
        """Return what tells whether the index has a version, where another one would do.

        Otherwise `check` says it.
        """
        repository = self._repository
        if repository is None or not self._next_free:
            return nothing_occupied
        publishing = self._publishing(package.distribution, package.pyproject, Path())

        def reason(version: Version) -> str | None:
            try:
                publishing.check(version.text)
            except FileConflict:
                return f"the index {repository.name} has it"
            return None

        return reason

    def check(self, plan: Plan) -> None:
        """Raise what would keep the packages from being published."""
        for package in plan.packages if self._repository else ():
            publishing = self._publishing_of(package, package.root / "dist")
            if publishing.options.skip_build:
                _require_built(publishing, package.version)
            publishing.check(package.version)

    def building(self, plan: Plan, package: PackagePlan, directory: Path) -> list[Step]:
        """Return the step that builds *package* into *directory*."""
        if self._repository is None:
            return []
        publishing = self._publishing_of(package, directory)
        if publishing.options.skip_build:
            return []
        several = len(plan.packages) > 1
        return [
            Build(
                partial(self._build, plan, package, publishing),
                partial(_is_built, publishing, package.version),
                partial(_discard, directory),
                of=package.name if several else "",
                name=plan.step_name("build", package),
            )
        ]

    def publishing(self, plan: Plan, package: PackagePlan, directory: Path) -> list[Step]:
        """Return the step that publishes what lies in *directory*, or in ``dist/``."""
        if self._repository is None:
            return []
        skips_build = self._options is not None and self._options.skip_build
        publishing = self._publishing_of(
            package, package.root / "dist" if skips_build else directory
        )
        self.publications[package.name] = publishing
        several = len(plan.packages) > 1
        return [
            Publish(
                self._repository.name,
                lambda: publishing.publish(publishing.find(package.version)),
                lambda: self._has_arrived(publishing, package.version),
                new=lambda: publishing.not_in_dist(publishing.find(package.version)),
                discard=publishing.discard,
                of=package.name if several else "",
                name=plan.step_name("publish", package),
            )
        ]

    def _build(self, plan: Plan, package: PackagePlan, publishing: Publishing) -> None:
        """Build beside the directory and rename: what is there is whole."""
        from poetry_aegis.commands.publishing import fit_to_publish

        unfinished = publishing.directory.with_name(f"{publishing.directory.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        versions = {name: parse_version(text) for name, text in plan.versions.items()}
        with fit_to_publish(publishing.project, versions) as project:
            poetry_api.build(
                self._command,
                project,
                unfinished,
                self._command.messages,
                formats=publishing.options.formats,
            )
        built = self._publishing_of(package, unfinished)
        built.check_metadata(built.find(package.version))
        _discard(publishing.directory)
        unfinished.rename(publishing.directory)

    def _has_arrived(self, publishing: Publishing, version: str) -> bool:
        return publishing.has_begun() or (self._resumed and publishing.is_on_index(version))

    def _publishing_of(self, package: PackagePlan, directory: Path) -> Publishing:
        return self._publishing(package.distribution, package.pyproject, directory)

    def _publishing(self, distribution: str, pyproject: Path, directory: Path) -> Publishing:
        from poetry_aegis.commands.publishing import Publishing

        if self._repository is None or self._options is None:
            raise UsageError("There is no repository to publish to.")
        project = poetry_api.Project(distribution, pyproject)
        return Publishing(self._command, project, self._repository, self._options, directory)


def _as_before(command: AegisCommand, repository: Repository, user: str) -> Repository:
    """Return *repository* with *user*, whom the release was begun as, and the password."""
    from poetry_aegis.commands.repository_choice import as_user

    from_stdin = command.option("password-stdin")
    if not from_stdin and repository.username == user and repository.password:
        return repository  # Poetry has been given it meanwhile.
    way = "--abort" if command.option("abort") else "--resume"
    hint = (
        "The release was begun as {user}. Give the password with: "
        f"poetry aegis release {way} --password-stdin\n"
        "Or let Poetry keep it: poetry config http-basic.{repository} {user}"
    )
    return as_user(command, repository, user, from_stdin=from_stdin, hint=hint)


def _require_same_index(begun: str | None) -> None:
    """Raise `UsageError` where the environment names another index than when it was *begun*."""
    if address_in(os.environ) == begun:
        return
    if begun is None:
        raise UsageError(
            f"The release was begun without {INDEX_VARIABLE}, and goes on without it.",
            hint=f"Run first: unset {INDEX_VARIABLE}",
        )
    raise UsageError(
        f"The release was begun with {INDEX_VARIABLE} as {begun}, and goes on there.",
        hint=f"Set it so again, with the user and password that it had: {INDEX_VARIABLE}={begun}",
    )


def _require_no_password(command: AegisCommand, user: str | None) -> None:
    """Raise `UsageError` where a password is given and the release was begun with no *user*."""
    if command.option("password-stdin") and not user:
        raise UsageError(
            "The release was begun with no user named, so it has no use for a password.",
            hint="Leave out --password-stdin.",
        )


def _discard(directory: Path) -> None:
    """Remove *directory*, whose files are there all together or not at all."""
    old = directory.with_name(f"{directory.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if directory.exists():
        directory.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def _is_built(publishing: Publishing, version: str) -> bool:
    try:
        publishing.find(version)
    except BuildFailed:
        return False
    return True


def _require_built(publishing: Publishing, version: str) -> None:
    try:
        publishing.check_metadata(publishing.find(version))
    except AegisError as error:
        raise UsageError(
            f"--skip-build wants {version} in dist/ before it is released: {error}",
            hint="Leave out --skip-build, or leave out --bump.",
        ) from error
