"""What one version has to tell: as it stands in the changelog, or as history has it.

`compose` puts a release into the text of the changelog; `find_notes` looks a version up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.errors import ReleaseError, UnknownVersion
from poetry_aegis.release.changelog.file import Changelog, title_of
from poetry_aegis.release.changelog.section import NOTHING, parse_section
from poetry_aegis.release.changelog.text import changelog_path, read_text_file, today
from poetry_aegis.release.changelog.writer import Edition, Writer, open_writer
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import read_history, read_tags
from poetry_aegis.release.history.shallow import is_shallow, require_readable_history
from poetry_aegis.release.version.numbers import format_tag, parse_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from poetry.core.constraints.version import Version

    from poetry_aegis.forge.links import Links
    from poetry_aegis.release.changelog.template import SectionTemplate
    from poetry_aegis.release.history.commits import Change
    from poetry_aegis.release.history.reading import History, Tag, Tags
    from poetry_aegis.settings import Settings

    Owns = Callable[[str], bool]


@dataclass(frozen=True)
class Notes:
    """A section as it is or would be in the changelog *file*. *text* is Markdown, title included.

    *before* and *after* are the contents of the file; *before* is ``None`` for no such file.
    *stands* tells whether there is such a section in *after*.
    """

    edition: Edition
    text: str
    changes: tuple[Change, ...]
    file: Path
    before: bytes | None
    after: bytes
    stands: bool

    @property
    def version(self) -> str:
        """The version, or ``Unreleased``."""
        return self.edition.name

    def to_json(self) -> dict[str, object]:
        """Return the notes as ``--json`` prints them."""
        return section_to_json(self.edition, self.text, self.changes) | {"file": str(self.file)}


def compose(  # noqa: PLR0913 - each is another fact about the release
    text: str,
    settings: Settings,
    *,
    version: Version,
    tag: str,
    previous: Tag | None,
    changes: Sequence[Change],
    links: Links | None,
    date: str,
    template: SectionTemplate | None = None,
) -> str:
    """Return the changelog *text* with the release of *version* in it, tagged *tag* on *date*.

    *changes*, newest first, are those since *previous*. What stands under ``[Unreleased]`` moves
    into the release, and a final version gathers what its pre-releases told. Doing it a second time
    changes nothing. Raises `SettingsError` for a template that fails.
    """
    changelog = Changelog(text)
    writer = Writer(settings, links, template)
    edition = Edition(version.text, tag, previous.name if previous else None, date)
    section = writer.section(edition, changes)
    gather = {change.commit.short_sha for change in changes}
    changelog.release(version.text, section, date, gather=gather)
    writer.link(changelog, edition)
    return str(changelog)


def find_notes(
    pyproject: Path, settings: Settings, version: str | None, *, owns: Owns | None = None
) -> Notes:
    """Return the section of *version*; ``None`` means what the next final release will say.

    What stands in the file already is returned as it stands there, from a shallow clone without
    its changes. *owns* is as for `history.reading.read_history`. Raises `UnknownVersion` for a
    version that is neither there nor tagged nor the next one, `IncompleteHistory`,
    `InvalidVersion`, `SettingsError`, `GitError` and `ReleaseError`.
    """
    # Reading is no release: a commit that would be refused there is only passed over here.
    if settings.other_commits == "refuse":
        settings = replace(settings, other_commits="ignore")
    repository = GitRepository.around(pyproject.parent)
    repository.head()
    path = changelog_path(repository, pyproject, settings)
    file = read_text_file(path)
    changelog = Changelog(file.text)
    wanted = parse_version(version) if version else None
    stands = wanted is not None and changelog.section(wanted.text) is not None
    if not stands:
        require_readable_history(
            repository, settings, whole=wanted is not None, with_paths=owns is not None
        )
    tags = read_tags(repository, settings.tag_format)
    span = _span_of(wanted, tags, settings) if wanted else _unreleased(tags)
    name = span.edition.name
    if not (stands or span.is_known):
        read = partial(read_history, repository, settings, owns=owns)
        _require_next(
            parse_version(name), _next_version(repository, pyproject, settings, tags, read), tags
        )
    changes: tuple[Change, ...] = ()
    if not stands or (span.is_known and not is_shallow(repository)):
        changes = read_history(repository, settings, span.since, span.until, owns=owns).changes
    if not stands:
        open_writer(repository, pyproject, settings).put(changelog, span.edition, changes)
    text = changelog.section(name)
    return Notes(
        edition=span.edition,
        text=text or f"{title_of(name)}\n\n{NOTHING}\n",
        changes=changes,
        file=path,
        before=file.content,
        after=file.encode(str(changelog)) if text else file.content or b"",
        stands=text is not None,
    )


def write_notes(notes: Notes) -> bool:
    """Put *notes* into the changelog file; return whether that changed it."""
    if notes.after == (notes.before or b""):
        return False
    notes.file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_bytes(notes.file, notes.after)
    return True


def section_to_json(
    edition: Edition, text: str, changes: Sequence[Change] = ()
) -> dict[str, object]:
    """Return a section as ``--json`` prints it; its entries are Markdown."""
    section = parse_section(text.partition("\n")[2])
    return {
        "version": edition.name,
        "tag": edition.tag,
        "date": edition.date,
        "text": "\n".join(section.prose).strip("\n"),
        "sections": [
            {"heading": heading, "entries": entries} for heading, entries in section.groups.items()
        ],
        "commits": [change.to_json() for change in changes],
        "changelog": text,
    }


@dataclass(frozen=True)
class _Span:
    """Where history has what an edition tells of. *is_known* is false where it is yet to come."""

    edition: Edition
    since: Tag | None
    until: str = "HEAD"
    is_known: bool = True


def _unreleased(tags: Tags) -> _Span:
    since = tags.last_final
    return _Span(Edition(previous=since.name if since else None), since)


def _span_of(version: Version, tags: Tags, settings: Settings) -> _Span:
    own = next((tag for tag in tags.all if tag.version == version), None)
    since = previous_release(tags.all if own else tags.reachable, version)
    previous = since.name if since else None
    if own:
        return _Span(Edition(version.text, own.name, previous, own.date), since, own.commit)
    tag = format_tag(settings.tag_format, version)
    return _Span(Edition(version.text, tag, previous, today()), since, is_known=False)


def previous_release(tags: Sequence[Tag], version: Version) -> Tag | None:
    """Return the release before *version*: for a final one the last final, else the last."""
    earlier = (tag for tag in tags if tag.version < version)
    if not version.is_unstable():
        earlier = (tag for tag in earlier if not tag.version.is_unstable())
    return next(earlier, None)


def _require_next(version: Version, following: Version | None, tags: Tags) -> None:
    """Raise `UnknownVersion` unless *version* is *following*, what will be released next."""
    if version == following:
        return
    known = ", ".join(tag.version.text for tag in tags.all[:5])
    hints = [f"The last releases are: {known}."] if known else []
    hints += [f"The next one will be {following}."] if following else []
    raise UnknownVersion(f"There is no release {version}.", hint=" ".join(hints))


def _next_version(
    repository: GitRepository,
    pyproject: Path,
    settings: Settings,
    tags: Tags,
    read: Callable[[Tag | None], History],
) -> Version | None:
    """Return the version that ``release auto`` would make here, ``None`` for none."""
    from poetry_aegis.release.pyproject import read_version
    from poetry_aegis.release.version.decision import Wish, decide

    current = parse_version(read_version(pyproject))
    wish = Wish("auto", next_free=True)
    try:
        decision = decide(tags, read, settings, current, wish, branch=repository.branch())
    except ReleaseError:
        return None
    return decision.version if decision else None
