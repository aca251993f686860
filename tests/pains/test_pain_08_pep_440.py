"""PEP 440: elsewhere tags like ``v1.3.0rc1`` are not seen, and versions PyPI spells otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.version import Version as PackagingVersion
from poetry.core.constraints.version import Version

from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import read_history, read_tags
from poetry_aegis.release.version.decision import Wish, decide
from poetry_aegis.release.version.numbers import PRERELEASE_TYPES, PrereleaseType, format_tag
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from tests.support.git import GitProject


def next_version(
    project: GitProject, target: str, kind: PrereleaseType | None = None, tag_format: str = ""
) -> str | None:
    repository = GitRepository.around(project.root)
    settings = Settings(tag_format=tag_format or "v{version}")
    tags = read_tags(repository, settings.tag_format)
    decision = decide(
        tags,
        lambda since: read_history(repository, settings, since),
        settings,
        tags.last.version if tags.last else Version.parse("0.0.0"),
        Wish(target, kind),
    )
    return decision.version.text if decision else None


@pytest.mark.parametrize("tag", ["v1.3.0rc1", "v1.3.0-rc.1", "v1.3.0.RC1"])
def test_a_prerelease_is_seen_in_either_spelling_and_goes_on(project: GitProject, tag: str) -> None:
    project.tag("v1.2.0")
    project.commit("feat: one")
    project.git("tag", tag)
    project.commit("fix: two")
    assert next_version(project, "prerelease") == "1.3.0rc2"
    assert next_version(project, "auto") == "1.3.0"
    assert next_version(project, "1.4.0-beta.2") == "1.4.0b2"


def test_what_only_pep_440_has_is_ordered_as_it_says(project: GitProject) -> None:
    for tag in ("v1.0", "v1.0.post1", "v1.0.dev3", "v1.0a1.dev1", "v1.0+corp.1"):
        project.git("tag", tag)
    project.commit("fix: x")
    assert next_version(project, "auto") == "1.0.1"
    project.git("tag", "v1!0.5.0")
    project.commit("feat: y")
    assert next_version(project, "auto") == "1!0.6.0"


@pytest.mark.parametrize("tag_format", ["v{version}", "v{semver}"])
def test_every_kind_in_its_order_and_as_it_is_published(
    project: GitProject, tag_format: str
) -> None:
    project.commit("feat: x")
    found: list[str] = []
    for kind in sorted(PRERELEASE_TYPES, key=["dev", "alpha", "beta", "rc"].index):
        for _ in range(2):
            project.commit("fix: more")
            version = next_version(project, "prerelease", kind, tag_format)
            assert version is not None
            found.append(version)
            project.git("tag", format_tag(tag_format, Version.parse(version)))
    assert found == [
        *("0.1.0.dev0", "0.1.0.dev1", "0.1.0a0", "0.1.0a1"),
        *("0.1.0b0", "0.1.0b1", "0.1.0rc0", "0.1.0rc1"),
    ]
    # What is written is what an index calls it, letter for letter, and sorts so there, too.
    assert [str(PackagingVersion(version)) for version in found] == found
    assert sorted(found, key=PackagingVersion) == found
