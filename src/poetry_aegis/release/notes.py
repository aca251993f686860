"""The changelog section of one version, wherever it is: in the file, in a tag, or yet to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.errors import UnknownVersion
from poetry_aegis.release import changelog_file
from poetry_aegis.release.changelog import write_section
from poetry_aegis.release.decision import Past
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history import read_history, read_tags
from poetry_aegis.release.plan import changelog_path, read_changelog, today
from poetry_aegis.release.version import parse_version

if TYPE_CHECKING:
    from pathlib import Path

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.history import Tag
    from poetry_aegis.settings import Settings


@dataclass(frozen=True)
class Notes:
    """A section as it is or would be in the changelog file *file*. *text* is Markdown."""

    version: str
    text: str
    file: Path
    before: str
    after: str

    def to_json(self) -> dict[str, object]:
        """Return the notes as ``--json`` prints them."""
        return {"version": self.version, "changelog": self.text, "file": str(self.file)}


def find_notes(pyproject: Path, settings: Settings, version: str | None) -> Notes:
    """Return the section of *version*; ``None`` means what has happened since the last release.

    What stands in the file already is returned as it stands there. Raises `UnknownVersion`,
    `InvalidVersion`, `GitError` and `ReleaseError`.
    """
    repository = GitRepository.around(pyproject.parent)
    repository.head()
    path = changelog_path(repository, pyproject, settings)
    text = read_changelog(path) or ""
    if version is None:
        name = changelog_file.UNRELEASED
        after = _with_unreleased(repository, settings, text)
    else:
        name = parse_version(version).text
        after = text if changelog_file.extract(text, name) else ""
        after = after or _with_version(repository, settings, text, parse_version(version))
    return Notes(name, changelog_file.extract(after, name) or "", path, text, after)


def write_notes(notes: Notes) -> bool:
    """Put *notes* into the changelog file; return whether that changed it."""
    if notes.before == notes.after:
        return False
    atomic.write_text(notes.file, notes.after)
    return True


def _with_unreleased(repository: GitRepository, settings: Settings, text: str) -> str:
    """Return *text* with what the next final release would say under ``[Unreleased]``."""
    past = Past.of(read_tags(repository, settings.tag_format))
    section = write_section(read_history(repository, past.last_final).changes, settings)
    return changelog_file.insert(text, changelog_file.UNRELEASED, section)


def _with_version(
    repository: GitRepository, settings: Settings, text: str, version: Version
) -> str:
    """Return *text* with the section of *version*, from its tag or from what is unreleased."""
    tags = read_tags(repository, settings.tag_format)
    own = next((tag for tag in tags if tag.version == version), None)
    if own is None and tags and version < tags[0].version:
        known = ", ".join(tag.version.text for tag in tags[:5])
        raise UnknownVersion(
            f"There is no release {version}.", hint=f"The last releases are: {known}."
        )
    history = read_history(
        repository,
        _previous(tags, version),
        until=f"refs/tags/{own.name}" if own else "HEAD",
    )
    section = write_section(history.changes, settings)
    date = own.date if own else today()
    return changelog_file.insert(text, version.text, section, date)


def _previous(tags: list[Tag], version: Version) -> Tag | None:
    """Return the release before *version*: for a final one the last final, else the last."""
    earlier = (tag for tag in tags if tag.version < version)
    if not version.is_unstable():
        earlier = (tag for tag in earlier if not tag.version.is_unstable())
    return next(earlier, None)
