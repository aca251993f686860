"""A release laid out before the first write: printable, as JSON, and checked against the world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from poetry_aegis.errors import ReleaseError, SettingsError
from poetry_aegis.release import changelog_file
from poetry_aegis.release.changelog import write_section
from poetry_aegis.release.pyproject import with_version
from poetry_aegis.release.steps import FileChange, MakeCommit, MakeTag, Push, WriteFiles
from poetry_aegis.release.version import format_tag, version_of_tag

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.decision import Decision
    from poetry_aegis.release.git import GitRepository, Upstream
    from poetry_aegis.release.journal import Step
    from poetry_aegis.settings import Settings


@dataclass(frozen=True)
class Plan:
    """What a release will change on top of the commit *head*.

    *section* is the changelog's new section, title included.
    """

    decision: Decision
    head: str
    tag: str
    message: str
    section: str
    files: tuple[FileChange, ...]
    upstream: Upstream | None

    @property
    def version(self) -> str:
        """The new version, as PEP 440 spells it."""
        return self.decision.version.text

    def to_json(self, steps: Sequence[Step]) -> dict[str, object]:
        """Return the plan as ``--json`` prints it, with what each of *steps* will do."""
        return {
            "current": self.decision.current.text,
            "version": self.version,
            "tag": self.tag,
            "bump": self.decision.bump,
            "commits": [change.to_json() for change in self.decision.history.changes],
            "changelog": self.section,
            "steps": [{"name": step.name, "description": step.describe()} for step in steps],
        }


def nothing_to_release(current: str, *, dry_run: bool) -> dict[str, object]:
    """Return the JSON of a release that there is no reason to make."""
    return {
        "current": current,
        "version": None,
        "tag": None,
        "bump": None,
        "commits": [],
        "changelog": "",
        "steps": [],
        "dry_run": dry_run,
    }


def make_plan(  # noqa: PLR0913 - each is another fact about the release
    repository: GitRepository,
    pyproject: Path,
    settings: Settings,
    decision: Decision,
    upstream: Upstream | None,
    *,
    head: str,
) -> Plan:
    """Return the plan for *decision*; *upstream* is where to push, ``None`` not to.

    *head* is the commit that was checked out before the history was read.

    Nothing is written. Raises `ProjectError` and `ReleaseError`.
    """
    version = decision.version.text
    changelog = changelog_path(repository, pyproject, settings)
    before = read_changelog(changelog)
    section = write_section(decision.history.changes, settings)
    after = changelog_file.insert(before or "", version, section, today(), absorb=True)
    return Plan(
        decision=decision,
        head=head,
        tag=_tag_of(decision.version, settings),
        message=format_tag(settings.commit_message, decision.version),
        section=changelog_file.extract(after, version) or "",
        files=tuple(
            change
            for change in (
                FileChange(pyproject, pyproject.read_bytes(), with_version(pyproject, version)),
                FileChange(changelog, _encode(before), after.encode("utf-8")),
            )
            if change.before != change.after
        ),
        upstream=upstream,
    )


def git_steps(plan: Plan, repository: GitRepository) -> tuple[list[Step], list[Step]]:
    """Return the steps that change files, and those that make them a release in git.

    What has to be tried on the new files, a build, goes between the two.
    """
    paths = tuple(change.path for change in plan.files)
    writing: list[Step] = [WriteFiles(repository.root, plan.files)] if paths else []
    recording: list[Step] = (
        [MakeCommit(repository, plan.head, paths, plan.message)] if paths else []
    )
    recording.append(MakeTag(repository, plan.tag, f"{plan.tag}\n\n{plan.section}"))
    if plan.upstream:
        recording.append(Push(repository, plan.upstream, plan.tag))
    return writing, recording


def _tag_of(version: Version, settings: Settings) -> str:
    """Return the tag of *version*. Raises `SettingsError` where it would not be found again."""
    tag = format_tag(settings.tag_format, version)
    if version_of_tag(settings.tag_format, tag) != version:
        raise SettingsError(
            f"tag_format = {settings.tag_format!r} cannot name {version}: it gives {tag}.",
            hint='Use tag_format = "v{version}", which can name every version.',
        )
    return tag


def changelog_path(repository: GitRepository, pyproject: Path, settings: Settings) -> Path:
    """Return where the changelog is. Raises `SettingsError` for a place outside the repository."""
    path = (pyproject.parent / settings.changelog).resolve()
    if not path.is_relative_to(repository.root.resolve()):
        raise SettingsError(
            f"changelog = {settings.changelog!r} in [tool.poetry-aegis] leaves the repository.",
            hint="Name a file inside it, relative to pyproject.toml.",
        )
    return path


def read_changelog(path: Path) -> str | None:
    """Return the text of the changelog, ``None`` for no such file. Raises `ReleaseError`."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(
            f"The changelog {path} cannot be read: {error}",
            hint="It has to be a text file in UTF-8.",
        ) from error


def today() -> str:
    """Return the date of a release made now, in the time zone of the machine, ISO 8601."""
    return datetime.now(timezone.utc).astimezone().date().isoformat()


def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8")
