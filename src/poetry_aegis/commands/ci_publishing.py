"""Publishing in a pipeline, whose files have the version already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.commands.base import plain
from poetry_aegis.commands.publishing import PublishOptions, publishing, summary
from poetry_aegis.errors import PublishError

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
