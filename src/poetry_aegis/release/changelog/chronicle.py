"""The whole changelog from history: one section for each release, newest first, as it is read.

A final version tells of everything since the final version before it, so a pre-release has a
section of its own only until its final version is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.release.changelog.file import NEW_FILE, Changelog, title_of
from poetry_aegis.release.changelog.notes import previous_release
from poetry_aegis.release.changelog.text import changelog_path, read_text_file
from poetry_aegis.release.changelog.writer import Edition, open_writer
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import read_stretches, read_tags
from poetry_aegis.release.history.shallow import require_readable_history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from poetry_aegis.release.changelog.section import Section
    from poetry_aegis.release.history.commits import Change
    from poetry_aegis.release.history.reading import Tag
    from poetry_aegis.settings import Settings


@dataclass(frozen=True)
class Told:
    """A section as history has it; *tag* is ``None`` for what is unreleased."""

    tag: Tag | None
    edition: Edition
    section: Section
    changes: tuple[Change, ...]

    @property
    def text(self) -> str:
        """The section, title included, ending in one line break."""
        return f"{title_of(self.edition.name, self.edition.date)}\n\n{self.section.render()}"


class Chronicle:
    """The releases of the project at *pyproject* as its history has them.

    *owns* is as for `history.reading.read_history`.

    Raises `NoRepository`, `NoCommits`, `IncompleteHistory`, `SettingsError` and `MissingExtra`.
    """

    def __init__(
        self, pyproject: Path, settings: Settings, *, owns: Callable[[str], bool] | None = None
    ) -> None:
        self._repository = GitRepository.around(pyproject.parent)
        self._repository.head()
        require_readable_history(
            self._repository, settings, whole=True, with_paths=owns is not None
        )
        self._settings = settings
        self._owns = owns
        self.path = changelog_path(self._repository, pyproject, settings)
        self.tags = read_tags(self._repository, settings.tag_format)
        self._writer = open_writer(self._repository, pyproject, settings)

    @property
    def releases(self) -> list[Tag]:
        """The tags whose version has a section of its own, the highest first."""
        final = self.tags.last_final
        return [
            tag
            for tag in self.tags.reachable
            if not tag.version.is_unstable() or final is None or tag.version > final.version
        ]

    def sections(self) -> Iterator[Told]:
        """Yield the sections, newest first; that of what is unreleased where it says anything."""
        releases: set[Tag] | None = None
        stretches = read_stretches(
            self._repository, self._settings, self.tags, gather=True, owns=self._owns
        )
        for stretch in stretches:
            releases = set(self.releases) if releases is None else releases
            if stretch.tag is not None and stretch.tag not in releases:
                continue
            edition = self._edition_of(stretch.tag)
            section = self._writer.section(edition, stretch.changes)
            if stretch.tag or section:
                yield Told(stretch.tag, edition, section, stretch.changes)

    def text(self) -> Iterator[str]:
        """Yield the file that history alone would make, part by part."""
        yield NEW_FILE
        editions: list[Edition] = []
        for told in self.sections():
            editions.append(told.edition)
            yield f"\n{told.text}"
        definitions = [
            f"[{edition.name}]: {url}\n"
            for edition in editions
            if (url := self._writer.url(edition))
        ]
        yield "".join(["\n", *definitions]) if definitions else ""

    def write(self) -> bool:
        """Put the sections that the changelog lacks into it; return whether that changed it.

        Where there is no changelog it is all of them. Raises `ReleaseError` and `OSError`.
        """
        file = read_text_file(self.path)
        if not file.text.strip():
            after = "".join(self.text())
        else:
            changelog = Changelog(file.text)
            known = changelog.versions
            for told in self.sections():
                if told.tag and told.tag.version not in known:
                    changelog.insert(told.edition.name, told.section, told.edition.date)
                    self._writer.link(changelog, told.edition)
            after = str(changelog)
        content = file.encode(after)
        if content != file.content:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(self.path, content)
        return content != file.content

    def _edition_of(self, tag: Tag | None) -> Edition:
        if tag is None:
            last = self.tags.last
            return Edition(previous=last.name if last else None)
        previous = previous_release(self.tags.reachable, tag.version)
        return Edition(tag.version.text, tag.name, previous.name if previous else None, tag.date)
