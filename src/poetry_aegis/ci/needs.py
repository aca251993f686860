"""What a pipeline needs beside its files: secrets, and rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.ci.project import PipelineProject
    from poetry_aegis.ci.rendering import Kind

    Needs = tuple[tuple[str, str], ...]

HEADLINES: dict[Kind, str] = {
    "github": "Secrets that it needs",
    "gitea": "Secrets that it needs",
    "gitlab": "Variables that it needs, masked and protected",
    "jenkins": "Credentials that it needs, by their ids",
}


def needs(kind: Kind, project: PipelineProject) -> Needs:
    """Return the names of what a pipeline of *kind* needs, each with what it is for."""
    if kind == "make":
        return ()
    return tuple(_of_jenkins(project) if kind == "jenkins" else _of_others(kind, project))


def _of_others(kind: Kind, project: PipelineProject) -> Iterator[tuple[str, str]]:
    yield from _of_index("PRIVATE_PYPI", project.repository)
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
    if project.test_branch:
        yield "PRIVATE_TEST_PYPI_URL", f"secret text: that of {project.test_repository}"
        yield "PRIVATE_TEST_PYPI", "user with password"
    if project.signs:
        yield "AEGIS_SIGNING_KEY", "secret text: the key that signs"
        yield "AEGIS_SIGNING_PASSPHRASE", "secret text: its passphrase"
    yield "GIT", "user with password, who may push"
