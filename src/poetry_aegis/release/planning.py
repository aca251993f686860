"""From what is to be released to the plan of it: every file, every step's particulars."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import SettingsError
from poetry_aegis.release.changelog.file import Changelog
from poetry_aegis.release.changelog.notes import compose
from poetry_aegis.release.changelog.text import changelog_path, read_text_file, today
from poetry_aegis.release.changelog.writer import open_writer
from poetry_aegis.release.draft import Draft
from poetry_aegis.release.packages.constraints import with_edits
from poetry_aegis.release.packages.lockfile import with_locked_versions
from poetry_aegis.release.plan import PackagePlan
from poetry_aegis.release.pyproject import with_version
from poetry_aegis.release.version.numbers import format_tag, parse_version, version_of_tag
from poetry_aegis.release.version_files import version_file_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.history.reading import History
    from poetry_aegis.release.packages.release import PackageRelease
    from poetry_aegis.release.packages.wave import Wave
    from poetry_aegis.settings import Settings

    ContentHash = Callable[[Path, bytes], str]

SHOWN_COMMITS = 3


@dataclass(frozen=True)
class Layout:
    """The parts of a plan that follow from the packages alone."""

    packages: tuple[PackagePlan, ...]
    draft: Draft
    remarks: tuple[str, ...]


def lay_out(
    repository: GitRepository,
    releases: Sequence[PackageRelease],
    *,
    wave: Wave | None = None,
    content_hash: ContentHash | None = None,
) -> Layout:
    """Return what *releases* do to the files; *wave* where the repository has several packages.

    *content_hash* returns the hash of the dependencies in a ``pyproject.toml``, for the lock file
    beside it. Nothing is written. Raises `ProjectError` and `ReleaseError`.
    """
    draft, packages, remarks = Draft(), [], []
    for release in releases:
        planned, notes = _lay_out_package(repository, release, draft)
        packages.append(planned)
        remarks += notes
    if wave is not None:
        _follow_in_lock_files(repository, wave, draft, content_hash)
    return Layout(tuple(packages), draft, tuple(remarks))


def message_of(settings: Settings, packages: Sequence[PackagePlan]) -> str:
    """Return the message of the release commit: by the template, or with the names of several."""
    if len(packages) == 1:
        return format_tag(settings.commit_message, parse_version(packages[0].version))
    names = ", ".join(f"{package.name} {package.version}" for package in packages)
    return f"chore(release): {names}"


def _lay_out_package(
    repository: GitRepository, release: PackageRelease, draft: Draft
) -> tuple[PackagePlan, list[str]]:
    package, settings = release.package, release.package.settings
    decision, version = release.decision, release.decision.version
    tag = tag_of(version, settings)
    draft.write(
        package.pyproject,
        with_edits(with_version(package.pyproject, version.text), release.edits),
    )
    changelog = changelog_path(repository, package.pyproject, settings)
    file = read_text_file(changelog)
    writer = open_writer(repository, package.pyproject, settings)
    date = today()
    text = compose(
        release.announce(file.text, date),
        settings,
        version=version,
        tag=tag,
        previous=decision.history.since,
        changes=decision.history.changes,
        links=writer.links,
        date=date,
        template=writer.template,
    )
    draft.write(changelog, file.encode(text))
    remarks = _change_version_files(repository, release, draft)
    planned = PackagePlan(
        name=package.name,
        distribution=package.distribution,
        pyproject=package.pyproject,
        changelog=changelog,
        current=decision.current.text,
        version=version.text,
        bump=decision.bump,
        tag=tag,
        section=Changelog(text).section(version.text) or "",
        prerelease=version.is_unstable(),
        commits=tuple(change.to_json() for change in decision.history.changes),
        hooks=asdict(settings.hooks),
    )
    return planned, [*remarks, *_on_others(decision.history)]


def _change_version_files(
    repository: GitRepository, release: PackageRelease, draft: Draft
) -> list[str]:
    """Draft the changes of ``version_files`` and return what people should know of them."""
    package = release.package
    changes = version_file_changes(
        package.root,
        package.settings.version_files,
        package.version.text,
        release.decision.version.text,
        within=repository.root,
    )
    for change in changes:
        draft.write(change.path, change.after)
    return [note for change in changes for note in change.notes]


def _on_others(history: History) -> list[str]:
    if not history.others:
        return []
    shown = ", ".join(
        f"{commit.short_sha} {commit.subject!r}" for commit in history.others[:SHOWN_COMMITS]
    )
    more = ", ..." if history.others[SHOWN_COMMITS:] else ""
    count = len(history.others)
    what = (
        "1 commit is not conventional and was"
        if count == 1
        else (f"{count} commits are not conventional and were")
    )
    return [f"{what} passed over: {shown}{more}"]


def tag_of(version: Version, settings: Settings) -> str:
    """Return the tag of *version*. Raises `SettingsError` where it would not be found again."""
    tag = format_tag(settings.tag_format, version)
    if version_of_tag(settings.tag_format, tag) != version:
        raise SettingsError(
            f"tag_format = {settings.tag_format!r} cannot name {version}: it gives {tag}.",
            hint='Use tag_format = "v{version}", which can name every version.',
        )
    return tag


def _follow_in_lock_files(
    repository: GitRepository, wave: Wave, draft: Draft, content_hash: ContentHash | None
) -> None:
    """Draft the lock files that hold packages of the *wave*, so that they stay valid."""
    listing = repository.run("ls-files", "-z", "--", "poetry.lock", "*/poetry.lock")
    edited = {release.package.pyproject for release in wave.releases if release.edits}
    for name in filter(None, listing.split("\0")):
        lock = repository.root / name
        content = draft.read(lock)
        pyproject = lock.with_name("pyproject.toml")
        hashes = None
        if content is None:
            continue
        if content_hash and pyproject in edited:
            after = draft.read(pyproject) or b""
            hashes = (
                content_hash(pyproject, pyproject.read_bytes()),
                content_hash(pyproject, after),
            )
        draft.write(lock, with_locked_versions(content, wave.versions, hashes))
