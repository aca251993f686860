"""Running a release from a command: `release` does it, and `publish --bump` does too."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis import poetry_api
from poetry_aegis.commands.base import plain
from poetry_aegis.commands.publish_failure import tell_more
from poetry_aegis.commands.release import FINISH
from poetry_aegis.commands.release_additions import ReleaseAdditions
from poetry_aegis.commands.release_failure import LEFT_TO_DO, sign_first
from poetry_aegis.commands.release_preview import say_remarks, show_plan
from poetry_aegis.errors import AegisError
from poetry_aegis.release import journal
from poetry_aegis.release.choice import find_packages_for, last_releases
from poetry_aegis.release.engine import open_release, reopen
from poetry_aegis.release.finish import open_finish
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import unpushed_tags
from poetry_aegis.release.packages.workspace import find_scope, find_workspace
from poetry_aegis.release.plan import nothing_to_release
from poetry_aegis.release.record import WAYS_OUT
from poetry_aegis.release.steps import PublishOnForge
from poetry_aegis.settings import load_settings
from poetry_aegis.signals import stops_as_interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.release.choice import Request
    from poetry_aegis.release.engine import Release
    from poetry_aegis.release.git import Upstream
    from poetry_aegis.release.journal import Step
    from poetry_aegis.release.plan import Plan


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
    additions: ReleaseAdditions,
    *,
    dry_run: bool = False,
) -> ReleaseOutcome:
    """Make the release that *request* means and tell of it; with *dry_run* only lay it out."""
    settings = load_settings(project.pyproject)
    with contextlib.nullcontext() if dry_run else _alone(project):
        begin = open_finish if request.target == FINISH else open_release
        release = begin(project.pyproject, settings, request, additions)
        if release is None:
            return _nothing(command, project, request, dry_run=dry_run)
        if dry_run:
            show_plan(command, release)
        else:
            say_remarks(command, release)
            command.say(f"Releasing {_names(release)}")
            _carry_out(command, release, release.run, additions)
            _tell(command, release, additions)
    document = release.plan.to_json(release.steps) | {"dry_run": dry_run}
    return ReleaseOutcome(release.plan.version, document | _published(release, additions))


def resume_release(command: AegisCommand, project: Project) -> ReleaseOutcome:
    """Finish the release of the repository that broke off."""
    with _alone(project):
        release, additions = _reopen(command, project)
        command.say(f"Resuming {_names(release)}")
        _carry_out(command, release, release.resume, additions)
        _tell(command, release, additions)
    document = release.plan.to_json(release.steps) | {"dry_run": False}
    return ReleaseOutcome(release.plan.version, document | _published(release, additions))


def abort_release(command: AegisCommand, project: Project, *, forget: bool) -> ReleaseOutcome:
    """Take back the release of the repository that broke off, or only *forget* it."""
    with _alone(project):
        release = (
            # What is only forgotten needs no index to be asked, nor a credential for it.
            reopen(project.root, lambda _: ReleaseAdditions(command))
            if forget
            else _reopen(command, project)[0]
        )
        names = _names(release)
        if forget:
            release.forget()
            command.say(f"Forgot the release of {names}; everything is left as it is.")
        else:
            command.say(f"Taking back {names}")
            release.abort(lambda step: command.say(f"  - undone: {plain(step.describe())}"))
            command.say("The release was taken back; the repository is as it was.")
    document: dict[str, object] = {
        "version": release.plan.version,
        "tag": release.plan.tag,
        "taken_back": not forget,
    }
    return ReleaseOutcome(release.plan.version, document)


def _reopen(command: AegisCommand, project: Project) -> tuple[Release, ReleaseAdditions]:
    made: list[ReleaseAdditions] = []

    def additions(plan: Plan) -> ReleaseAdditions:
        made.append(ReleaseAdditions.of_plan(command, plan))
        return made[0]

    return reopen(project.root, additions), made[0]


@contextlib.contextmanager
def _alone(project: Project) -> Iterator[None]:
    git_directory = GitRepository.around(project.root).git_directory()
    with journal.exclusive(git_directory):
        yield


def _carry_out(
    command: AegisCommand,
    release: Release,
    run: Callable[[Callable[[Step], None]], None],
    additions: ReleaseAdditions,
) -> None:
    try:
        with stops_as_interrupts():
            run(lambda step: command.say(f"  - {plain(step.describe())}"))
    except AegisError as error:
        aftermath = _aftermath(error, release)
        hint, aftermath = sign_first(error.hint, aftermath, additions)
        error.hint = f"{hint}\n{aftermath}".strip()
        tell_more(error, lambda document: document | _published(release, additions))
        raise
    except BaseException as error:
        command.say_aside(plain(_aftermath(error, release)))
        raise
    poetry_api.reload_project(command)


def _aftermath(error: BaseException, release: Release) -> str:
    """Say how a release that failed with *error* has left the repository."""
    if not release.is_unfinished():
        return "The release was taken back; the repository is as it was."
    if getattr(error, "__notes__", None):
        return f"Not all of the release could be taken back.\n{WAYS_OUT}"
    if not release.is_seen():
        return f"The release is still unfinished.\n{WAYS_OUT}"
    return (
        f"{release.plan.version} {_is(release)} released all the same: others may have seen it. "
        f"{LEFT_TO_DO}: poetry aegis release --resume"
    )


def _tell(command: AegisCommand, release: Release, additions: ReleaseAdditions) -> None:
    plan = release.plan
    if plan.tagging:
        command.say(f"<success>Released {plain(plan.version)}</success>, tagged {plain(plan.tag)}.")
    for name, publishing in additions.publications.items():
        if publishing.publication:
            from poetry_aegis.commands.publishing import summary

            of = name if len(plan.packages) > 1 else ""
            command.say(summary(publishing.publication, of=of))
    for step in release.steps:
        if isinstance(step, PublishOnForge) and step.url:
            command.say(f"The release is at {plain(step.url)}")
    if plan.release_branch:
        _say_how_to_finish(command, release)
    elif plan.upstream is None:
        _say_how_to_push(command, release)


def _say_how_to_push(command: AegisCommand, release: Release) -> None:
    upstream = release.upstream(release.plan.remote)
    if upstream is not None:
        branch = f"--atomic {upstream.label} HEAD:refs/heads/{upstream.branch}"
        where = branch if release.plan.pushes_branch else upstream.label
        tags = " ".join(_tags_to_push(release, upstream))
        command.say(f"Push it with: git push {plain(f'{where} {tags}')}")


def _tags_to_push(release: Release, upstream: Upstream) -> list[str]:
    """Return the tags of the release, and before them those of earlier ones left behind here."""
    plan = release.plan
    tags: list[str] = []
    # The release is done: what cannot be found out for a hint is no error of it.
    with contextlib.suppress(AegisError):
        tags = _unpushed(release, upstream.remote) if plan.pushes_branch else []
    own = [package.tag for package in plan.packages]
    return [*(tag for tag in tags if tag not in own), *own]


def _unpushed(release: Release, remote: str) -> list[str]:
    repository = release.repository
    if remote not in repository.remotes():
        return []  # Of one that is only an address git remembers nothing.
    scopes = (find_scope(item.pyproject, repository.root) for item in release.plan.packages)
    formats = [scope.settings.tag_format for scope in scopes]
    return [tag for each in formats for tag in unpushed_tags(repository, remote, each)]


def _say_how_to_finish(command: AegisCommand, release: Release) -> None:
    plan = release.plan
    branch = plain(plan.release_branch or "")
    where = f"{_is(release)} on the branch {branch}"
    command.say(f"<success>{plain(plan.version)} {where}</success>, not tagged.")
    if plan.upstream is None:
        command.say(f"Push it with: git push {plain(plan.remote)} {branch}")
    packages = "" if plan.graph is None else " --all"
    command.say(
        f"Once it is merged into {plain(plan.branch or 'the main branch')}: "
        f"git pull && poetry aegis release finish{packages} --push-tag"
    )


def _nothing(
    command: AegisCommand, project: Project, request: Request, *, dry_run: bool
) -> ReleaseOutcome:
    repository = GitRepository.around(project.root)
    settings = load_settings(project.pyproject)
    packages = find_packages_for(repository, project.pyproject, settings, request)
    versions = {package.name: package.version.text for package in packages}
    if request.target != FINISH:  # That is about what pyproject.toml says, and no tag does yet.
        versions = last_releases(repository, packages)
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    only = versions[packages[0].name] if len(packages) == 1 else named
    current = plain(only if request.packages is None else named)
    if request.target == FINISH:
        command.say(
            f"Nothing to finish: no release commit on this branch waits for its tag "
            f"(pyproject.toml says {current}). Is the pull request merged, and pulled?"
        )
    else:
        command.say(f"Nothing to release: no change since {current} asks for a new version.")
    document = nothing_to_release(only, dry_run=dry_run)
    if find_workspace(project.pyproject, repository.root):
        document["packages"] = {}  # As a release of several has it.
    return ReleaseOutcome(None, document)


def _published(release: Release, additions: ReleaseAdditions) -> dict[str, object]:
    """Return what was published, as JSON: of one package alone, or by the packages' names.

    Of a publication that has failed, what has become of its files.
    """
    told = {name: publishing.to_json() for name, publishing in additions.publications.items()}
    documents = {name: document for name, document in told.items() if document}
    if not documents:
        return {}
    if release.plan.graph is None:
        return {"publication": next(iter(documents.values()))}
    return {"publications": documents}


def _is(release: Release) -> str:
    return "is" if len(release.plan.packages) == 1 else "are"


def _names(release: Release) -> str:
    return ", ".join(
        f"<c1>{plain(package.name)}</c1> <c2>{package.version}</c2>"
        for package in release.plan.packages
    )
