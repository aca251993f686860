"""How a project's sections are written: its settings, its forge's pages and its template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.release.changelog.links import (
    define_release,
    define_unreleased,
    defines_versions,
    release_url,
    unreleased_url,
)
from poetry_aegis.release.changelog.pieces import UNRELEASED
from poetry_aegis.release.changelog.section import (
    Section,
    group_entries,
    parse_section,
    write_section,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from poetry_aegis.forge.links import Links
    from poetry_aegis.release.changelog.file import Changelog
    from poetry_aegis.release.changelog.template import SectionTemplate
    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.history.commits import Change
    from poetry_aegis.settings import Settings


@dataclass(frozen=True)
class Edition:
    """A version as its section presents it; *tag* and *date* are ``None`` while unreleased.

    *previous* is the tag of the release that it follows, ``None`` for the first.
    """

    name: str = UNRELEASED
    tag: str | None = None
    previous: str | None = None
    date: str | None = None


@dataclass(frozen=True)
class Writer:
    """Writes sections. *links* is ``None`` where the forge is not known."""

    settings: Settings
    links: Links | None = None
    template: SectionTemplate | None = None

    def section(self, edition: Edition, changes: Sequence[Change]) -> Section:
        """Return what the section of *edition* says of *changes*, which come newest first.

        Raises `SettingsError` for a template that fails.
        """
        if self.template is None:
            return write_section(changes, self.settings, self.links)
        body = self.template.render(
            group_entries(changes, self.settings, self.links),
            version=edition.name,
            tag=edition.tag,
            previous=edition.previous,
            date=edition.date,
            url=self.url(edition),
        )
        return parse_section(body)

    def url(self, edition: Edition) -> str | None:
        """Return the page of *edition*, ``None`` where there is none."""
        if self.links is None:
            return None
        if edition.tag:
            return release_url(self.links, edition.tag, edition.previous)
        return unreleased_url(self.links, edition.previous) if edition.previous else None

    def put(self, changelog: Changelog, edition: Edition, changes: Sequence[Change]) -> None:
        """Put what *changes* say into *changelog*, under *edition*; nothing for nothing to say."""
        section = self.section(edition, changes)
        if section or edition.tag:
            changelog.insert(edition.name, section, edition.date)
            self.link(changelog, edition)

    def link(self, changelog: Changelog, edition: Edition) -> None:
        """Define the links of *edition*, in a new file and where the file has such links."""
        url = self.url(edition)
        if not (self.links and url and self._wants_links(changelog)):
            return
        lines, newline = changelog.definitions, changelog.newline
        if edition.tag is None:
            changelog.define(define_unreleased(lines, url, self.links, newline))
            return
        lines = define_release(lines, edition.name, url, newline)
        if changelog.section(UNRELEASED):
            since = unreleased_url(self.links, edition.tag)
            lines = define_unreleased(lines, since, self.links, newline)
        changelog.define(lines)

    @staticmethod
    def _wants_links(changelog: Changelog) -> bool:
        return changelog.is_new or defines_versions(changelog.definitions)


def open_writer(repository: GitRepository, pyproject: Path, settings: Settings) -> Writer:
    """Return the writer of the project at *pyproject*, its links derived from its remote.

    Raises `SettingsError` and `MissingExtra` for the template, and `GitError`.
    """
    from poetry_aegis.release.changelog.template import load_template

    template = load_template(repository.root, pyproject, settings)
    return Writer(settings, links_of(repository, settings), template)


def links_of(repository: GitRepository, settings: Settings) -> Links | None:
    """Return the pages of the project on its forge, ``None`` where that is not known."""
    if settings.forge == "none":
        return None
    from poetry_aegis.forge.remote import find_links

    remote = repository.try_run("remote", "get-url", settings.remote)
    url = "" if remote.status else remote.output.strip()
    return find_links(url, settings.forge, settings.forge_url)
