"""The repository that a command publishes to: which one, by which rule, and as whom."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from poetry_aegis import poetry_api
from poetry_aegis.commands.base import plain
from poetry_aegis.commands.progress import ConsoleReporter
from poetry_aegis.errors import GitError
from poetry_aegis.publish.choice import choose as choose_by_rule
from poetry_aegis.publish.trusted import public_origins, trusted_credentials
from poetry_aegis.settings import load_settings

if TYPE_CHECKING:
    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.publish.repository import Repository


def choose(command: AegisCommand, project: Project, asked: str | None) -> Repository:
    """Return the repository to publish to, as `publish.choice` has it, and say by which rule.

    Raises `UsageError`, and what `find_repository` raises.
    """
    choice = choose_by_rule(
        asked,
        os.environ,
        load_settings(project.pyproject),
        lambda: _branch(project),
        poetry_api.repository_names(command),
    )
    if not asked:
        command.say(f"Repository: <info>{plain(choice.name)}</info>, {plain(choice.rule)}")
    return find_repository(command, choice.name)


def find_repository(command: AegisCommand, name: str) -> Repository:
    """Return the repository *name*, with a token of the public index's for a pipeline it trusts.

    Raises `UnknownRepository`, `SettingsError` and `PublishError`.
    """
    repository = poetry_api.find_repository(command, name)
    with ConsoleReporter(command.messages) as reporter:
        trusted = trusted_credentials(
            repository, os.environ, reporter, origins=public_origins(poetry_api.pypi_urls()[1])
        )
    return trusted or repository


def is_public(repository: Repository) -> bool:
    """Return whether *repository* is the public index, or its test."""
    parts = urlsplit(repository.upload_url)
    origins = public_origins(poetry_api.pypi_urls()[1])
    return f"{parts.scheme}://{parts.netloc.lower()}" in origins


def _branch(project: Project) -> str | None:
    """Return the branch that is checked out, or that a pipeline says it runs for."""
    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.history.pipelines import branch_from_pipeline

    try:
        current = GitRepository.around(project.root).branch()
    except GitError:
        current = None
    return current or branch_from_pipeline(os.environ)
