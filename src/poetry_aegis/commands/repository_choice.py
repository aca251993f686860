"""The repository that a command publishes to, reads or changes: which, by which rule, as whom."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from poetry_aegis import poetry_api
from poetry_aegis.commands.base import plain
from poetry_aegis.commands.progress import ConsoleReporter
from poetry_aegis.errors import GitError, PublishError, SettingsError, UnknownRepository, UsageError
from poetry_aegis.publish.choice import Choice
from poetry_aegis.publish.choice import choose as choose_by_rule
from poetry_aegis.publish.named_index import INDEX_VARIABLE, index_in, shares_origin
from poetry_aegis.publish.trusted import public_origins, trusted_credentials
from poetry_aegis.settings import Settings, load_settings

if TYPE_CHECKING:
    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.publish.named_index import NamedIndex
    from poetry_aegis.publish.repository import Repository


def choose(command: AegisCommand, project: Project, asked: str | None) -> Repository:
    """Return the repository to publish to, as `publish.choice` has it, and say by which rule.

    `PYPI_INDEX_URL` has its say about the address, as `locate` tells. Raises `UsageError`, and what
    `find_repository` raises.
    """
    found = locate(command, project, asked, uploads=True, publishes=True)
    if found.choice is not None and not asked:
        name, rule = plain(found.choice.name), plain(found.choice.rule)
        command.say(f"Repository: <info>{name}</info>, {rule}")
    return _trusted(command, found.repository)


@dataclass(frozen=True)
class Located:
    """A repository, and what chose it: ``None`` where the environment alone names an index."""

    repository: Repository
    choice: Choice | None


def locate(
    command: AegisCommand,
    project: Project | None,
    asked: str | None,
    *,
    uploads: bool,
    publishes: bool = False,
) -> Located:
    """Return the repository by the rules of `publish.choice`, at the address that holds here.

    That is its own, or the one that the environment names; then it is told on standard error.
    *uploads* where something is to be changed there, and *publishes* where that is to be published.
    Raises `UsageError`, also where what is
    *asked* for is another index than the environment's, `UnknownRepository`, `SettingsError` and
    `PublishError`.
    """
    index = _index_in_environment()
    if index is None:
        choice = choose_name(command, project, asked, publishes=publishes)
        return Located(poetry_api.find_repository(command, choice.name), choice)
    own = _located_by_rule(command, project, asked)
    if own is not None and index.is_that_of(own.repository):
        return replace(own, repository=index.instead_of(own.repository))
    if own is not None and asked:
        raise _two_indexes(own.repository, index)
    if uploads:
        index.require_uploads()
    known = _repository_at(command, index)
    if known is not None:
        _tell_of(command, index, None)
        choice = Choice(known.name, f"at the address in {INDEX_VARIABLE}")
        return Located(index.instead_of(known), choice)
    _tell_of(command, index, own.repository if own else None)
    if own is None:
        return Located(index.alone(), None)
    return replace(own, repository=index.instead_of(own.repository))


def relocate(command: AegisCommand, name: str) -> Repository:
    """Return the repository *name* for a release that goes on, at the address that holds here.

    Raises as `locate` does, but for two indexes: it was not the name that was asked for.
    """
    index = _index_in_environment()
    try:
        own = poetry_api.find_repository(command, name)
    except UnknownRepository:
        if index is None:
            raise
        return index.alone()
    if index is None:
        return _trusted(command, own)
    if not index.is_that_of(own):
        index.require_uploads()
        _tell_of(command, index, own)
    return _trusted(command, index.instead_of(own))


def _two_indexes(named: Repository, index: NamedIndex) -> UsageError:
    """Return the error for a command that would be sent elsewhere than its ``-r`` says."""
    address = named.index_url or named.upload_url
    return UsageError(
        f"-r names {named.name}, which is at {address}, and {INDEX_VARIABLE} names another index, "
        f"{index.index_url}.",
        hint="Leave out -r to use the one in the variable. To use the other one, run first: "
        f"unset {INDEX_VARIABLE}",
    )


def _located_by_rule(
    command: AegisCommand, project: Project | None, asked: str | None
) -> Located | None:
    """Return the repository that it is without the environment's index.

    ``None`` where none is *asked* for, and no rule leads to one that Poetry knows.
    """
    try:
        choice = choose_name(command, project, asked, publishes=False)
        return Located(poetry_api.find_repository(command, choice.name), choice)
    except (UsageError, UnknownRepository):
        if asked:
            raise
        return None


def _index_in_environment() -> NamedIndex | None:
    index_url = poetry_api.pypi_urls()[1]
    return index_in(os.environ, {index_url, *public_origins(index_url)})


def _repository_at(command: AegisCommand, index: NamedIndex) -> Repository | None:
    """Return the repository of Poetry's that is at the very address of *index*."""
    for name in poetry_api.repository_names(command):
        with contextlib.suppress(SettingsError, PublishError):
            repository = poetry_api.find_repository(command, name)
            if index.is_that_of(repository):
                return repository
    return None


def _tell_of(command: AegisCommand, index: NamedIndex, before: Repository | None) -> None:
    """Say on standard error which index it is, why, and that no password of *before* goes there."""
    line = f"Index: <info>{plain(index.index_url)}</info>, named in {INDEX_VARIABLE}"
    if before is None:
        command.say_aside(line)
        return
    name = plain(before.name)
    command.say_aside(f"{line}, in place of that of {name}")
    if not shares_origin(before.upload_url, index.index_url):
        command.say_aside(
            f"<warning>It is another server: no password or certificate that Poetry has for {name} "
            "is used there.</>"
        )


def choose_name(
    command: AegisCommand, project: Project | None, asked: str | None, *, publishes: bool
) -> Choice:
    """Return the name of the repository, and the rule that chose it; without a *project*, too.

    *publishes* is as in `publish.choice`.

    Raises `UsageError` and `SettingsError`.
    """
    return choose_by_rule(
        asked,
        os.environ,
        Settings() if project is None else load_settings(project.pyproject),
        lambda: None if project is None else _branch(project),
        poetry_api.repository_names(command),
        publishes=publishes,
    )


def find_repository(command: AegisCommand, name: str) -> Repository:
    """Return the repository *name*, with a token of the public index's for a pipeline it trusts.

    Raises `UnknownRepository`, `SettingsError` and `PublishError`.
    """
    return _trusted(command, poetry_api.find_repository(command, name))


def _trusted(command: AegisCommand, repository: Repository) -> Repository:
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
    return replace(
        repository, username=user, password=password, way_in=_BY_STDIN if from_stdin else _ASKED
    )


_ASKED = (
    "Run the command again and type the right one. A script gives it on standard input, with "
    "--password-stdin."
)
_BY_STDIN = "It was read from standard input, for --password-stdin: give the right one there."


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
