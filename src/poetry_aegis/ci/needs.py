"""What a pipeline needs beside its files: secrets, and rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.ci.rendering import tag_glob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.ci.project import PipelineProject
    from poetry_aegis.ci.rendering import Kind

    Needs = tuple[tuple[str, str], ...]

HEADLINES: dict[Kind, str] = {
    "github": "Secrets that it needs",
    "gitea": "Secrets that it needs",
    "gitlab": "Variables that it needs, masked where they can be",
    "jenkins": "Credentials that it needs, by their ids",
}


def needs(kind: Kind, project: PipelineProject) -> Needs:
    """Return the names of what a pipeline of *kind* needs, each with what it is for."""
    if kind == "make":
        return ()
    return tuple(_of_jenkins(project) if kind == "jenkins" else _of_others(kind, project))


def notes(kind: Kind, project: PipelineProject) -> tuple[str, ...]:
    """Return what else there is to know of what a pipeline of *kind* needs, in sentences."""
    if kind == "make":
        return ()
    return tuple(_notes(kind, project))


def _of_others(kind: Kind, project: PipelineProject) -> Iterator[tuple[str, str]]:
    yield from _of_index("PRIVATE_PYPI", project.repository)
    if project.needs_reader:
        yield "PRIVATE_PYPI_READ_TOKEN", "a token that may only read, for the tests; or:"
        yield "PRIVATE_PYPI_READ_USERNAME", "a user who may only read"
        yield "PRIVATE_PYPI_READ_PASSWORD", "that user's password"
    if project.test_branch:
        yield from _of_index("PRIVATE_TEST_PYPI", project.test_repository)
    if project.signs:
        yield "AEGIS_SIGNING_KEY", "the key that signs"
        yield "AEGIS_SIGNING_PASSPHRASE", "its passphrase"
    if kind == "gitlab":
        yield "GITLAB_TOKEN", "a token with api and write_repository"


def _of_index(prefix: str, repository: str) -> Iterator[tuple[str, str]]:
    yield f"{prefix}_URL", f"the address of {repository}"
    yield f"{prefix}_TOKEN", "a token of it, or instead of that:"
    yield f"{prefix}_USERNAME", "a user of it"
    yield f"{prefix}_PASSWORD", "the user's password"


def _of_jenkins(project: PipelineProject) -> Iterator[tuple[str, str]]:
    yield "PRIVATE_PYPI_URL", f"secret text: the address of {project.repository}"
    yield "PRIVATE_PYPI", "user with password; a token's user is __token__"
    if project.needs_reader:
        yield "PRIVATE_PYPI_READ", "user with password, who may only read: for the tests"
    if project.test_branch:
        yield "PRIVATE_TEST_PYPI_URL", f"secret text: that of {project.test_repository}"
        yield "PRIVATE_TEST_PYPI", "user with password"
    if project.signs:
        yield "AEGIS_SIGNING_KEY", "secret text: the key that signs"
        yield "AEGIS_SIGNING_PASSPHRASE", "secret text: its passphrase"
    yield "GIT", "user with password, who may push"


def _notes(kind: Kind, project: PipelineProject) -> Iterator[str]:
    yield "The user, once: poetry aegis server user add ci --role publisher"
    yield "To publish: poetry aegis server token create --user ci --allow read,upload"
    if project.needs_reader:
        yield "To read: poetry aegis server token create --user ci --allow read"
    if kind == "gitlab":
        yield from _of_protection(project)


def _of_protection(project: PipelineProject) -> Iterator[str]:
    """Yield which variables, branches and tags to protect: the first reach only the others."""
    if project.needs_reader:
        yield "Protect all but PRIVATE_PYPI_READ_*: merge requests' tests need those."
    else:
        yield "Protect all of them: merge requests need none."
    refs = filter(None, (project.branch, project.test_branch))
    tags = dict.fromkeys(map(tag_glob, project.tags))
    yield (
        f"Protect {', '.join(refs)} and the tags {', '.join(tags)}: their pipelines alone get "
        "what is protected."
    )
