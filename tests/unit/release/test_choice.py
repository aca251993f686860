"""Which packages of a repository are released, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis import errors
from poetry_aegis.release.choice import Request, next_versions
from poetry_aegis.release.engine import open_release
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.packages.histories import read_package_histories
from poetry_aegis.release.packages.workspace import find_packages
from poetry_aegis.settings import Settings, load_settings
from tests.support.monorepo import Member, make_monorepo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject

ROOT = '[tool.poetry-aegis]\ndiscover = ["libs/*"]\n'


@pytest.fixture
def monorepo(project: GitProject, tmp_path: Path) -> GitProject:
    """Return an api that needs a core below 2.0; both were released as 1.0.0."""
    made = make_monorepo(
        tmp_path / "monorepo",
        ROOT,
        Member("libs/api", "api", ("core (>=1.0,<2.0)",)),
        Member("libs/core", "core"),
    )
    made.tag("api-v1.0.0")
    made.tag("core-v1.0.0")
    return made


def versions(project: GitProject, *packages: str) -> dict[str, str]:
    request = Request("auto", packages=packages)
    return next_versions(project.pyproject, Settings(), request)


def test_what_follows_is_released_as_its_own_changes_ask(monorepo: GitProject) -> None:
    monorepo.commit("feat!: core", **{"libs/core/a.py": "1"})
    assert versions(monorepo, "core") == {"core": "2.0.0", "api": "1.0.1"}
    monorepo.commit("feat!: api", **{"libs/api/a.py": "1"})
    assert versions(monorepo, "core") == {"core": "2.0.0", "api": "2.0.0"}


def test_a_reverted_merge_beside_a_package_that_was_never_released(monorepo: GitProject) -> None:
    monorepo.git("tag", "-d", "api-v1.0.0")
    monorepo.git("switch", "--quiet", "-c", "side")
    monorepo.commit("feat: taken back", **{"libs/api/a.py": "1"})
    monorepo.git("switch", "--quiet", "main")
    monorepo.commit("fix: core", **{"libs/core/a.py": "1"})
    monorepo.git("merge", "--quiet", "--no-ff", "-m", "Merge side", "side")
    monorepo.git("revert", "--no-edit", "-m", "1", "HEAD")
    repository = GitRepository(monorepo.root)
    packages = find_packages(monorepo.pyproject, load_settings(monorepo.pyproject), monorepo.root)
    histories = read_package_histories(repository, packages)
    api = next(package for package in packages if package.name == "api")
    told = [change.description for change in histories.read(api, None).changes]
    assert told == ["start"]
    assert versions(monorepo) == {"core": "1.0.1", "api": "1.0.0"}


def test_a_package_that_is_not_there(monorepo: GitProject) -> None:
    with pytest.raises(errors.UsageError, match="no package 'web'"):
        versions(monorepo, "web")


def test_a_repository_of_one_project_has_no_packages(project: GitProject) -> None:
    with pytest.raises(errors.UsageError, match="repository of several packages"):
        versions(project, "demo-pkg")


def test_a_package_has_the_roots_remote_and_forge(monorepo: GitProject, tmp_path: Path) -> None:
    more = 'remote = "upstream"\nforge_release = true\n'
    monorepo.commit("chore: settings", **{"pyproject.toml": monorepo.pyproject.read_text() + more})
    monorepo.add_remote(tmp_path / "upstream.git", "upstream")
    monorepo.git("branch", "--unset-upstream")
    monorepo.commit("fix: core", **{"libs/core/a.py": "1"})
    pyproject = monorepo.root / "libs" / "core" / "pyproject.toml"
    with pytest.raises(errors.UnknownForge):
        open_release(pyproject, load_settings(pyproject), Request("auto", push=True))
    opened = open_release(pyproject, load_settings(pyproject), Request("auto"))
    assert opened is not None
    assert opened.plan.remote == "upstream"
    assert not opened.plan.forge
