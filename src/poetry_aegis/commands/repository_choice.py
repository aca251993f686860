"""The repository that a command publishes to, reads or changes: which, by which rule, as whom."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from poetry_aegis import poetry_api
from poetry_aegis.commands.base import plain
from poetry_aegis.commands.progress import ConsoleReporter
from poetry_aegis.errors import GitError, UsageError
from poetry_aegis.publish.choice import choose as choose_by_rule
from poetry_aegis.publish.trusted import public_origins, trusted_credentials
from poetry_aegis.settings import Settings, load_settings

if TYPE_CHECKING:
    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.publish.choice import Choice
    from poetry_aegis.publish.repository import Repository


def choose(command: AegisCommand, project: Project, asked: str | None) -> Repository:
    """Return the repository to publish to, as `publish.choice` has it, and say by which rule.

    Raises `UsageError`, and what `find_repository` raises.
    """
    choice = choose_name(command, project, asked)
    if not asked:
        command.say(f"Repository: <info>{plain(choice.name)}</info>, {plain(choice.rule)}")
    return find_repository(command, choice.name)


def choose_name(command: AegisCommand, project: Project | None, asked: str | None) -> Choice:
    """Return the name of the repository, and the rule that chose it; without a *project*, too.

    Raises `UsageError` and `SettingsError`.
    """
    return choose_by_rule(
        asked,
        os.environ,
        Settings() if project is None else load_settings(project.pyproject),
        lambda: None if project is None else _branch(project),
        poetry_api.repository_names(command),
    )


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


def as_user(
    command: AegisCommand, repository: Repository, user: str, *, from_stdin: bool, hint: str
) -> Repository:
    """Return *repository* with *user* and a password that is asked for.

    Raises `UsageError` where there is none, with *hint*, a template for repository and user.
    """
    password = command.read_secret(
        f"Password of {user} on {repository.name}:", from_stdin=from_stdin
    )
    if not password:
        raise UsageError(
            f"There is no password for {user}.",
            hint=hint.format(repository=repository.name, user=user),
        )
    return replace(repository, username=user, password=password)


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
