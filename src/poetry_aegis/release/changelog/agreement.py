"""Whether the changelog agrees with history. What people wrote by hand is never wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import OutdatedChangelog
from poetry_aegis.release.changelog.chronicle import Chronicle
from poetry_aegis.release.changelog.entries import named_commits
from poetry_aegis.release.changelog.file import Changelog
from poetry_aegis.release.changelog.pieces import UNRELEASED
from poetry_aegis.release.changelog.text import read_text_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from poetry_aegis.settings import Settings

SHOWN = 10


def require_agreement(
    pyproject: Path, settings: Settings, *, owns: Callable[[str], bool] | None = None
) -> Path:
    """Return the changelog, which agrees with history. Raises `OutdatedChangelog` else.

    The error names what is missing:

    - Each release has a section: final versions, and the pre-releases after the last of them.
    - Where ``[Unreleased]`` names commits, it names all that the next release will tell of, and
      none that a release has told of already. Where it names none, the release adds them.
    """
    chronicle = Chronicle(pyproject, settings, owns=owns)
    changelog = Changelog(read_text_file(chronicle.path).text)
    problems = [*_missing_releases(chronicle, changelog), *_misplaced_commits(chronicle, changelog)]
    if not problems:
        return chronicle.path
    shown = problems[:SHOWN]
    if problems[SHOWN:]:
        shown.append(f"and {len(problems) - SHOWN} more")
    raise OutdatedChangelog(
        f"{chronicle.path.name} does not agree with the history: {'; '.join(shown)}.",
        hint="Fill in what is missing: poetry aegis changelog --all --write; "
        "what is unreleased: poetry aegis changelog --write",
    )


def _missing_releases(chronicle: Chronicle, changelog: Changelog) -> Iterator[str]:
    known = changelog.versions
    for tag in chronicle.releases:
        if tag.version not in known:
            yield f"it has no section for {tag.version}, tagged {tag.name}"


def _misplaced_commits(chronicle: Chronicle, changelog: Changelog) -> Iterator[str]:
    named = named_commits(changelog.section(UNRELEASED) or "")
    if not named:
        return
    for told in chronicle.sections():
        if told.tag is None:
            for sha in sorted(named_commits(told.section.render()) - named):
                yield f"{sha} is not told of under [Unreleased]"
        elif not told.tag.version.is_unstable():
            released = {change.commit.short_sha for change in told.changes}
            for sha in sorted(named & released):
                yield f"{sha} stands under [Unreleased], and {told.edition.name} has it"
