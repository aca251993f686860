"""What the commands about an index's contents share: the index, and what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo.helpers import option

from poetry_aegis.commands.base import AegisCommand, plain

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from poetry_aegis.publish.administration import Administration
    from poetry_aegis.publish.contents import ProjectOnIndex, Release, VersionOnIndex
    from poetry_aegis.publish.repository import Repository

REPOSITORY = option("repository", "r", "The index, as Poetry knows it.", flag=False)


class IndexCommand(AegisCommand):
    """A command about what is on an index."""

    def index(self) -> AbstractContextManager[Administration]:
        """Return the API, to be opened, of the index that is named, or chosen by rule."""
        from poetry_aegis.publish.administration import administration

        repository = self._repository()
        for note in repository.notes:
            self._warn(note)
        return administration(repository, tell=self._warn)

    def _repository(self) -> Repository:
        """Return the repository, by the rules of `publish`.

        Told are the name and the rule, where one may wonder and always before a change.
        """
        from poetry_aegis import poetry_api
        from poetry_aegis.commands.repository_choice import locate
        from poetry_aegis.errors import NoProject

        try:
            project = poetry_api.load_project(self)
        except NoProject:
            project = None  # An index is administered from anywhere.
        asked = self.option("repository")
        found = locate(self, project, asked, uploads=self.changes_index)
        repository, choice = found.repository, found.choice
        if choice is not None and (self.changes_index or not choice.is_plain):
            where = f"<info>{plain(repository.name)}</info> ({plain(repository.upload_url)})"
            self.say_aside(f"Repository: {where}, {plain(choice.rule)}")
        return repository

    @property
    def changes_index(self) -> bool:
        """Whether this run changes what is on the index: it then always tells which one that is."""
        return False

    def _warn(self, sentence: str) -> None:
        self.say_aside(f"<warning>{plain(sentence)}</>")
        self.annotate("warning", sentence)


def find_version(project: ProjectOnIndex, release: Release) -> VersionOnIndex:
    """Return the version of *project* that is meant.

    Raises `UsageError` where none is named, `PublishError` where the index has none such.
    """
    from poetry_aegis.errors import PublishError, UsageError

    newest_first = ", ".join(version.version for version in reversed(project.versions))
    hint = f"The index has of it: {newest_first or 'no version'}."
    if release.version is None:
        raise UsageError(f"Which version? Name it so: {project.name}==VERSION", hint=hint)
    version = project.find(release.version)
    if version is None:
        raise PublishError(f"The index has no {release}.", hint=hint)
    return version


def count(number: int, noun: str) -> str:
    """Return a number of things in words: ``1 file``, ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
