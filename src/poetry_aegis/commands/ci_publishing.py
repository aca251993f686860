"""Publishing in a pipeline, whose files have the version already, and where to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.ci.project import TABLE, TEST_REPOSITORY
from poetry_aegis.commands.base import plain
from poetry_aegis.commands.publishing import PublishOptions, choose, publishing, summary
from poetry_aegis.errors import PublishError
from poetry_aegis.release.packages.workspace import find_workspace, repository_root
from poetry_aegis.settings import load_settings

if TYPE_CHECKING:
    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.publish.publication import Publication
    from poetry_aegis.publish.repository import Repository


def publish_project(
    command: AegisCommand, project: Project, repository: Repository, version: str
) -> Publication:
    """Build *project*, publish it as *version*, and tell of it. Raises `PublishError`."""
    with publishing(command, project, repository, PublishOptions()) as target:
        target.preflight(version)
        target.build(version)
        command.say(
            f"Publishing <c1>{plain(project.name)}</c1> <c2>{plain(version)}</c2> "
            f"to <info>{plain(repository.name)}</info> ({plain(repository.upload_url)})"
        )
        target.publish(target.find(version))
        if target.publication is None:
            raise PublishError(f"{version} was not published.")
        command.say(summary(target.publication))
        return target.publication


def choose_test_repository(
    command: AegisCommand, project: Project, asked: str | None
) -> Repository:
    """Return the repository *asked* for, else the test repository of the settings, and no other.

    Raises `UnknownRepository` where Poetry does not know it, and what `choose` raises.
    """
    if asked:
        return choose(command, project, asked)
    # The pipeline is that of all packages, and so are its settings.
    workspace = find_workspace(project.pyproject, repository_root(project.pyproject))
    settings = load_settings(workspace.root if workspace else project.pyproject)
    named = settings.ci.test_repository
    name = named or TEST_REPOSITORY
    where = f"test_repository in {TABLE}" if named else f"{TABLE} names no other test_repository"
    command.say(f"Repository: <info>{plain(name)}</info>, {plain(where)}")
    return choose(command, project, name)
