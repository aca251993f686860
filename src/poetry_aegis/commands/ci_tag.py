"""The version that a tag stands for: found, checked, and made a release of on the forge."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis import poetry_api
from poetry_aegis.commands.base import plain
from poetry_aegis.errors import ReleaseError, UnknownVersion, UsageError
from poetry_aegis.release import preflight
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.pipelines import TAGS, is_pipeline
from poetry_aegis.release.packages.workspace import alone, find_workspace
from poetry_aegis.release.planning import tag_of
from poetry_aegis.release.version.numbers import parse_version
from poetry_aegis.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.forge.releases import Forge
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.release.packages.workspace import Package
    from poetry_aegis.settings import Settings


@dataclass(frozen=True)
class Tagged:
    """The *project* that is checked out as *tag*, which stands for *version*.

    *notes* are what the changelog says of it.
    """

    project: Project
    version: str
    tag: str
    settings: Settings
    notes: str


def find_tagged(project: Project, asked: str | None) -> Tagged:
    """Return what the tag *asked* stands for, or that of the pipeline or of the commit.

    Raises `UsageError` where there is none, `UnknownVersion` where it is not what is checked out,
    and `ReleaseError` where it names another version.
    """
    from poetry_aegis.release.changelog.notes import find_notes

    repository = GitRepository.around(project.root)
    preflight.find_edits(repository, allowed=False)  # What is built has to be what is tagged.
    workspace = find_workspace(project.pyproject, repository.root)
    packages = (
        workspace.packages
        if workspace
        else (alone(project.pyproject, load_settings(project.pyproject)),)
    )
    tag = asked or tag_from_pipeline(os.environ) or _tag_here(repository, packages)
    _require_checked_out(repository, tag)
    package = _package_of(packages, tag)
    owns = package.owns if workspace else None
    version = package.version.text
    notes = find_notes(package.pyproject, package.settings, version, owns=owns)
    return Tagged(
        project=poetry_api.Project(package.distribution, package.pyproject),
        version=version,
        tag=tag,
        settings=package.settings,
        notes=notes.text.partition("\n")[2].strip("\n"),
    )


def tag_from_pipeline(environ: Mapping[str, str]) -> str | None:
    """Return the tag that a pipeline runs for, ``None`` outside of one and for a branch."""
    if not is_pipeline(environ):
        return None
    ref = environ.get("GITHUB_REF", "")
    if ref.startswith("refs/tags/"):
        return ref.removeprefix("refs/tags/")
    return next((environ[name] for name in TAGS if environ.get(name)), None)


def _tag_here(repository: GitRepository, packages: Sequence[Package]) -> str:
    """Return the tag of HEAD that stands for the version of one of *packages*."""
    here = repository.run("tag", "--points-at", "HEAD").split()
    found = [tag for package in packages if (tag := _tag_of(package)) in here]
    if len(found) != 1:
        several = f" {len(found)} of them: {', '.join(found)}." if found else ""
        raise UsageError(
            f"It is not clear which tag is meant.{several}",
            hint="Name it: poetry aegis ci tagged TAG",
        )
    return found[0]


def _require_checked_out(repository: GitRepository, tag: str) -> None:
    commit = repository.try_run("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}")
    if commit.status:
        raise UnknownVersion(
            f"There is no tag {tag} here.", hint="Fetch the tags with: git fetch --tags"
        )
    if commit.output.strip() != repository.head():
        raise UnknownVersion(
            f"The tag {tag} is not what is checked out.",
            hint=f"Check it out: git switch --detach {tag}",
        )


def _package_of(packages: Sequence[Package], tag: str) -> Package:
    for package in packages:
        if _tag_of(package) == tag:
            return package
    versions = ", ".join(f"{item.name} {item.version.text}: {_tag_of(item)}" for item in packages)
    raise ReleaseError(
        f"The tag {tag} is of no version that pyproject.toml says ({versions}).",
        hint="Releases are tagged with: poetry aegis release",
    )


def _tag_of(package: Package) -> str:
    return tag_of(package.version, package.settings)


def open_forge(tagged: Tagged) -> Forge:
    """Return the forge of the project, which would take a release. Raises `ForgeError`."""
    from poetry_aegis.forge.releases import find_forge
    from poetry_aegis.release.changelog.writer import links_of

    repository = GitRepository.around(tagged.project.root)
    forge = find_forge(links_of(repository, tagged.settings), os.environ)
    forge.check()
    return forge


def publish_on_forge(
    command: AegisCommand, forge: Forge, tagged: Tagged, files: Sequence[Path]
) -> str:
    """Make the release on *forge*, or mend the one that is there, and return its page."""
    from poetry_aegis.forge.releases import ForgeRelease

    release = ForgeRelease(
        tagged.tag,
        tagged.tag,
        tagged.notes,
        prerelease=parse_version(tagged.version).is_unstable(),
        files=tuple(sorted(files)),
    )
    return forge.publish(release, lambda line: command.say(f"    {plain(line)}"))
