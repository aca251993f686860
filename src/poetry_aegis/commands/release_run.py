"""Running a release from a command: `release` does it, and `publish --bump` does too."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis import poetry_api
from poetry_aegis.commands.base import plain
from poetry_aegis.commands.publishing import summary
from poetry_aegis.errors import AegisError, UsageError
from poetry_aegis.release import journal
from poetry_aegis.release.engine import current_version, open_release
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.plan import nothing_to_release
from poetry_aegis.release.steps import Build, Publish
from poetry_aegis.settings import load_settings
from poetry_aegis.signals import stops_as_interrupts

if TYPE_CHECKING:
    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.commands.publishing import Publishing
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.release.engine import Release, Request
    from poetry_aegis.release.journal import Step


@dataclass(frozen=True)
class ReleaseOutcome:
    """What came of a release. *version* is ``None`` where there was nothing to release.

    *document* is what ``--json`` prints of it.
    """

    version: str | None
    document: dict[str, object]


def run_release(
    command: AegisCommand,
    project: Project,
    request: Request,
    *,
    publishing: Publishing | None = None,
    dry_run: bool = False,
) -> ReleaseOutcome:
    """Make the release that *request* means and tell of it; with *dry_run* only lay it out."""
    settings = load_settings(project.pyproject)
    with contextlib.ExitStack() as stack:
        if not dry_run:
            git_directory = GitRepository.around(project.root).git_directory()
            stack.enter_context(journal.exclusive(git_directory))
        build, publish = _publishing_steps(publishing) if publishing else ([], [])
        release = open_release(
            project.pyproject, settings, request, building=build, publishing=publish
        )
        if release is None:
            return _nothing(command, project, dry_run=dry_run)
        if publishing:
            _require_publishable(publishing, release.plan.version)
        if dry_run:
            _show_plan(command, release)
        else:
            _carry_out(command, project, release, publishing)
            if not request.push:
                _say_how_to_push(command, release, settings.remote)
    document = release.plan.to_json(release.steps) | {"dry_run": dry_run}
    if publishing and publishing.publication:
        document["publication"] = publishing.publication.to_json()
    return ReleaseOutcome(release.plan.version, document)


def _publishing_steps(publishing: Publishing) -> tuple[list[Step], list[Step]]:
    """Return the steps to run before the commit and after everything else."""
    pyproject = publishing.project.pyproject

    def build() -> None:
        publishing.build(current_version(pyproject))

    def publish() -> None:
        publishing.publish(publishing.find(current_version(pyproject)))

    building = [] if publishing.options.skip_build else [Build(build)]
    uploading = Publish(
        publishing.repository.name, publish, publishing.has_begun, publishing.discard
    )
    return [*building], [uploading]


def _require_publishable(publishing: Publishing, version: str) -> None:
    """Raise what would keep *version* from being published, before it is released."""
    if publishing.options.skip_build:
        try:
            publishing.find(version)
        except AegisError as error:
            raise UsageError(
                f"--skip-build wants {version} in dist/ before it is released: {error}",
                hint="Leave out --skip-build, or leave out --bump.",
            ) from error
    publishing.check(version)


def _carry_out(
    command: AegisCommand, project: Project, release: Release, publishing: Publishing | None
) -> None:
    plan = release.plan
    command.say(f"Releasing <c1>{plain(project.name)}</c1> <c2>{plan.version}</c2>")
    try:
        with stops_as_interrupts():
            release.run(lambda step: command.say(f"  - {plain(step.describe())}"))
    except AegisError as error:
        error.hint = f"{error.hint}\n{_aftermath(error, release, publishing)}".strip()
        raise
    except BaseException as error:
        command.io.write_error_line(plain(_aftermath(error, release, publishing)))
        raise
    poetry_api.reload_project(command)
    command.say(f"<success>Released {plan.version}</success>, tagged {plain(plan.tag)}.")
    if publishing and publishing.publication:
        command.say(summary(publishing.publication))


def _aftermath(error: BaseException, release: Release, publishing: Publishing | None) -> str:
    """Say how a release that failed with *error* has left the repository."""
    if getattr(error, "__notes__", None):
        return "Not all of the release could be taken back; look at: git status && git log -2"
    if not release.stands():
        return "The release was taken back; the repository is as it was."
    version, tag = release.plan.version, release.plan.tag
    if publishing is None:
        return f"The commit and the tag {tag} of {version} were kept."
    return (
        f"{version} is released all the same. "
        f"Finish with: poetry aegis publish -r {publishing.repository.name}"
    )


def _say_how_to_push(command: AegisCommand, release: Release, remote: str) -> None:
    upstream = release.upstream(remote)
    if upstream is not None:
        command.say(
            f"Push it with: git push --atomic {plain(upstream.remote)} "
            f"HEAD:refs/heads/{plain(upstream.branch)} {plain(release.plan.tag)}"
        )


def _show_plan(command: AegisCommand, release: Release) -> None:
    plan = release.plan
    decision = plan.decision
    if plan.version == decision.current.text:
        command.say(f"<c2>{plan.version}</c2>, as pyproject.toml says, {plan.tag}")
    else:
        command.say(f"<c2>{decision.current} -> {plan.version}</c2> ({decision.bump}), {plan.tag}")
    command.say(f"\n{plain(plan.section)}")
    command.say("Would, in this order:")
    for step in release.steps:
        command.say(f"  - {plain(step.describe())}")
    command.say("Nothing was changed.")


def _nothing(command: AegisCommand, project: Project, *, dry_run: bool) -> ReleaseOutcome:
    current = current_version(project.pyproject)
    command.say(f"Nothing to release: no change since {current} asks for a new version.")
    return ReleaseOutcome(None, nothing_to_release(current, dry_run=dry_run))
