"""``ci snapshot`` and ``ci tagged`` with a real index, outside of any runner."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from poetry.core.constraints.version import Version, parse_constraint

from poetry_aegis.commands.base import INTERRUPTED
from poetry_aegis.errors import (
    DirtyTree,
    Forbidden,
    NoCommits,
    ReleaseError,
    UnknownForge,
    UnknownRepository,
    UnknownVersion,
    UsageError,
)
from tests.support.commands import aegis
from tests.support.faulty import Reply, faulty_index
from tests.support.git import clone
from tests.support.monorepo import Member, make_monorepo
from tests.support.registry import USERS, listed_files, running_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.commands import Result
    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome
    from tests.support.registry import RegistryServer


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegistryServer]:
    with running_registry(tmp_path / "data") as server:
        monkeypatch.setenv("POETRY_REPOSITORIES_CORP_URL", server.url)
        log_in(monkeypatch, "pub")
        yield server


@pytest.fixture(autouse=True)
def inside(project: GitProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)


def log_in(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    monkeypatch.setenv("POETRY_HTTP_BASIC_CORP_USERNAME", user)
    monkeypatch.setenv("POETRY_HTTP_BASIC_CORP_PASSWORD", USERS[user][0])


def snapshot(*options: str) -> Result:
    return aegis("ci", "snapshot", "--repository", "corp", *options)


def tagged(*arguments: str) -> Result:
    return aegis("ci", "tagged", "--repository", "corp", *arguments)


# A development version


def test_a_snapshot_has_its_version_everywhere_and_leaves_no_trace(
    project: GitProject, index: RegistryServer
) -> None:
    settings = '\n[tool.poetry-aegis]\nversion_files = ["demo_pkg/__init__.py:__version__"]\n'
    project.tag("v0.1.0")
    project.commit(
        "feat: x",
        **{
            "pyproject.toml": project.pyproject.read_text(encoding="utf-8") + settings,
            "demo_pkg/__init__.py": '__version__ = "0.1.0"\n',
        },
    )
    before = project.state()
    done = snapshot("--json")
    assert done.code == 0, done.err
    assert done.document["versions"] == {"demo-pkg": "0.2.0.dev1"}
    assert done.document["publications"]["demo-pkg"]["verified"] is True
    assert set(listed_files(index, "demo-pkg")) == {
        "demo_pkg-0.2.0.dev1-py3-none-any.whl",
        "demo_pkg-0.2.0.dev1.tar.gz",
    }
    after = project.state()
    after["files"] = {
        name: content
        for name, content in dict(after["files"]).items()  # type: ignore[call-overload]
        if not name.startswith("dist/")
    }
    assert after == before


def test_a_snapshot_that_is_refused_puts_the_files_back(
    project: GitProject, index: RegistryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.commit("feat: x")
    log_in(monkeypatch, "rae")
    before = project.pyproject.read_bytes()
    assert snapshot().code == Forbidden.exit_code
    assert project.pyproject.read_bytes() == before
    assert project.git("status", "--porcelain") == ""


@pytest.mark.parametrize("options", [(), ("--print",), ("--print", "--json")])
def test_without_a_commit_there_is_no_snapshot_and_the_way_out_is_told(
    project: GitProject, options: tuple[str, ...]
) -> None:
    project.git("update-ref", "-d", "HEAD")

    refused = snapshot(*options)

    assert refused.code == NoCommits.exit_code
    assert "has no commit yet" in refused.err
    assert "Commit your work first: git add . && git commit" in refused.err


def test_where_nothing_is_to_be_released_there_is_no_snapshot(
    project: GitProject, index: RegistryServer
) -> None:
    project.tag("v0.1.0")
    project.commit("docs: x")
    done = snapshot()
    assert (done.code, done.err) == (0, "")
    assert done.out == "Nothing to publish: no change since 0.1.0 asks for a new version.\n"
    assert snapshot("--print").out == ""
    assert not listed_files(index, "demo-pkg")


@pytest.mark.parametrize("command", ["snapshot", "tagged"])
def test_a_pipeline_that_is_stopped_leaves_no_trace(
    project: GitProject, poetry: PoetryHome, tmp_path: Path, command: str
) -> None:
    project.tag("v0.1.0")
    if command == "snapshot":
        project.commit("feat: x")
    before = project.pyproject.read_bytes()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with faulty_index() as faulty:
        faulty.script(Reply(hangs=True))
        stopped = replace(
            poetry,
            extra_env={
                "POETRY_REPOSITORIES_CORP_URL": f"{faulty.url}/legacy/",
                "TMPDIR": str(temporary),
            },
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "poetry", "aegis", "ci", command, "-r", "corp"],
            cwd=project.root,
            env=stopped.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert faulty.hanging.wait(60)
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, said
    assert "Interrupted." in said
    assert project.pyproject.read_bytes() == before
    assert list(temporary.iterdir()) == []


# Where it goes


def test_a_snapshot_goes_nowhere_but_to_the_test_repository(
    project: GitProject, index: RegistryServer
) -> None:
    project.commit("feat: x")
    refused = aegis("ci", "snapshot")  # corp is the only one that Poetry knows.
    assert refused.code == UnknownRepository.exit_code
    assert "Poetry has no repository 'aegis-test'" in refused.err
    assert "poetry config repositories.aegis-test URL" in refused.err
    assert not listed_files(index, "demo-pkg")


@pytest.mark.parametrize("elsewhere", ["setting", "variable", "branch"])
def test_other_choices_of_a_repository_are_none_of_a_snapshot_s(
    project: GitProject,
    index: RegistryServer,
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: str,
) -> None:
    settings = {
        "setting": '[tool.poetry-aegis]\nrepository = "corp"\n',
        "variable": "",
        "branch": '[tool.poetry-aegis.repositories]\n"*" = "corp"\n',
    }[elsewhere]
    if elsewhere == "variable":
        monkeypatch.setenv("AEGIS_REPOSITORY", "corp")
    text = project.pyproject.read_text(encoding="utf-8")
    project.commit("feat: x", **{"pyproject.toml": f"{text}\n{settings}"})
    assert aegis("ci", "snapshot").code == UnknownRepository.exit_code
    assert not listed_files(index, "demo-pkg")


def test_a_snapshot_goes_to_the_test_repository_of_the_settings(
    project: GitProject, index: RegistryServer
) -> None:
    text = project.pyproject.read_text(encoding="utf-8")
    settings = '[tool.poetry-aegis.ci]\ntest_repository = "corp"\n'
    project.commit("feat: x", **{"pyproject.toml": f"{text}\n{settings}"})
    done = aegis("ci", "snapshot")
    assert done.code == 0, done.err
    assert "Repository: corp, test_repository in [tool.poetry-aegis.ci]" in done.out
    assert len(listed_files(index, "demo-pkg")) == 2


@pytest.mark.parametrize(
    ("branch", "tags", "version"),
    [
        ("develop", ["v0.1.0"], "0.2.0b0.dev2"),
        ("develop", ["v0.1.0", "v0.2.0b3"], "0.2.0b4.dev2"),
        ("topic", ["v0.1.0"], "0.2.0.dev2"),
        ("main", [], "0.1.0.dev3"),
    ],
)
def test_the_version_of_a_snapshot(
    project: GitProject, branch: str, tags: list[str], version: str
) -> None:
    for tag in tags:
        project.tag(tag)
    project.git("switch", "--quiet", "-C", branch)
    project.commit("feat: x")
    project.commit("docs: x")
    assert snapshot("--print").out == f"{version}\n"
    assert snapshot("--print", "--json").document == {"versions": {"demo-pkg": version}}


def test_a_shallow_clone_gives_the_same_version(
    project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.tag("v0.1.0")
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: x")
    project.commit("fix: y")
    project.git("push", "--quiet", "--tags", "origin", "main")
    shallow = clone(bare, tmp_path / "shallow", "--depth=1")
    monkeypatch.chdir(shallow.root)
    monkeypatch.setenv("CI", "true")
    assert snapshot("--print").out == "0.2.0.dev2\n"


@pytest.mark.parametrize("command", [snapshot, tagged])
def test_what_is_not_committed_is_not_published(
    project: GitProject, command: Callable[[], Result]
) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    project.pyproject.write_text(project.pyproject.read_text(encoding="utf-8") + "\n")
    assert command().code == DirtyTree.exit_code


# The version of a tag


def test_a_tag_is_published_without_a_forge(project: GitProject, index: RegistryServer) -> None:
    project.commit("feat: x")
    project.tag("v0.1.0")
    project.git("switch", "--quiet", "--detach", "v0.1.0")
    done = tagged("--json")
    assert done.code == 0, done.err
    document = done.document
    assert (document["version"], document["tag"], document["forge_release"]) == (
        "0.1.0",
        "v0.1.0",
        None,
    )
    again = tagged("v0.1.0")
    assert "2 skipped" in again.out


def test_a_pipeline_says_which_tag_it_runs_for(
    project: GitProject, index: RegistryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.tag("v0.1.0")
    project.tag("v0.1.0-other")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_COMMIT_TAG", "v0.1.0-other")
    refused = tagged()
    assert refused.code == ReleaseError.exit_code
    assert "v0.1.0-other is of no version that pyproject.toml says" in refused.err
    assert "demo-pkg 0.1.0: v0.1.0" in refused.err
    monkeypatch.setenv("CI_COMMIT_TAG", "v0.1.0")
    assert tagged().code == 0


def test_a_tag_of_another_commit_is_refused(project: GitProject, index: RegistryServer) -> None:
    project.tag("v0.1.0")
    project.commit("feat: x")
    refused = tagged("v0.1.0")
    assert refused.code == UnknownVersion.exit_code
    assert "git switch --detach v0.1.0" in refused.err
    assert tagged("v9").code == UnknownVersion.exit_code
    assert tagged("--", "--all").code == UnknownVersion.exit_code
    assert tagged().code == UsageError.exit_code
    assert not listed_files(index, "demo-pkg")


def test_without_a_forge_nothing_is_published_that_wants_one(
    project: GitProject, index: RegistryServer
) -> None:
    project.tag("v0.1.0")
    assert tagged("--forge-release").code == UnknownForge.exit_code
    assert not listed_files(index, "demo-pkg")


# Several packages


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitProject:
    root = make_monorepo(
        tmp_path / "several",
        '[tool.poetry-aegis]\ndiscover = ["libs/*"]\n',
        Member("libs/api", "acme-api", ("acme-core @ ../core",)),
        Member("libs/web", "acme-web", ("acme-core (>=1.0,<2.0)",)),
        Member("libs/core", "acme-core"),
    )
    root.commit("chore: ignore what is built", **{".gitignore": "dist/\n"})
    for name in ("core", "api", "web"):
        root.tag(f"acme-{name}-v1.0.0")
    monkeypatch.chdir(root.root)
    return root


def test_of_several_packages_those_that_changed_have_a_snapshot(
    several: GitProject, index: RegistryServer
) -> None:
    assert snapshot().out == "Nothing to publish: no change asks for a new version.\n"
    several.commit("feat: x", **{"libs/core/acme_core/more.py": ""})
    done = snapshot("--json")
    assert done.code == 0, done.err
    assert done.document["versions"] == {"acme-core": "1.1.0.dev1"}
    assert len(listed_files(index, "acme-core")) == 2
    assert not listed_files(index, "acme-api")
    assert several.git("status", "--porcelain") == ""


def test_of_several_packages_the_tagged_one_is_published(
    several: GitProject, index: RegistryServer
) -> None:
    refused = tagged()
    assert refused.code == UsageError.exit_code
    assert "3 of them" in refused.err
    assert tagged("acme-core-v1.0.0").code == 0
    assert len(listed_files(index, "acme-core")) == 2
    assert not listed_files(index, "acme-api")


def test_of_several_packages_the_settings_of_their_root_count(
    several: GitProject, index: RegistryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = several.pyproject.read_text(encoding="utf-8")
    settings = '[tool.poetry-aegis.ci]\ntest_repository = "corp"\n'
    several.commit("feat: x", **{"pyproject.toml": text + settings, "libs/web/more.py": ""})
    monkeypatch.chdir(several.root / "libs" / "web")
    done = aegis("ci", "snapshot")
    assert done.code == 0, done.err
    assert len(listed_files(index, "acme-web")) == 2


def test_a_snapshot_admits_the_snapshot_that_it_needs(
    several: GitProject, index: RegistryServer
) -> None:
    several.commit("feat!: x", **{"libs/core/acme_core/more.py": ""})
    done = snapshot("--json")
    assert done.code == 0, done.err
    versions = {"acme-core": "2.0.0.dev1", "acme-api": "1.0.1.dev1", "acme-web": "1.0.1.dev1"}
    assert done.document["versions"] == versions
    for name in ("api", "web"):
        (wheel,) = (several.root / "libs" / name / "dist").glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            metadata = archive.read(f"acme_{name}-1.0.1.dev1.dist-info/METADATA").decode()
        (needed,) = re.findall(r"Requires-Dist: acme-core \((.*)\)", metadata)
        assert parse_constraint(needed).allows(Version.parse("2.0.0.dev1")), needed
    assert several.git("status", "--porcelain") == ""
