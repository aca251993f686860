"""Commands at a root that lists packages and is none itself: no name, no version."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.monorepo import Member, make_monorepo
from tests.support.registry import running_registry

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome


@pytest.fixture
def monorepo(tmp_path: Path) -> GitProject:
    """Return two packages of version 1.0.0, of which the api needs the core beside it."""
    project = make_monorepo(
        tmp_path / "monorepo",
        '[tool.poetry-aegis]\ndiscover = ["libs/*"]\n',
        Member("libs/api", "acme-api", ("acme-core @ ../core",)),
        Member("libs/core", "acme-core"),
    )
    project.commit("chore: ignore what is built", **{".gitignore": "dist/\n"})
    for name in ("core", "api"):
        project.tag(f"acme-{name}-v1.0.0")
    return project


def aegis(
    poetry: PoetryHome, project: GitProject, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return poetry.run("aegis", *arguments, cwd=project.root)


def test_nothing_to_release_names_the_packages_and_their_versions(
    poetry: PoetryHome, monorepo: GitProject
) -> None:
    run = aegis(poetry, monorepo, "release", "auto", "--all")
    assert run.returncode == 0
    assert run.stdout == (
        "Nothing to release: no change since acme-api 1.0.0, acme-core 1.0.0 asks for a new "
        "version.\n"
    )
    run = aegis(poetry, monorepo, "release", "auto", "--package", "acme-core", "--json")
    document = json.loads(run.stdout)
    assert (run.returncode, document["current"], document["packages"]) == (0, "1.0.0", {})
    assert "no change since acme-core 1.0.0 asks" in run.stderr
    monorepo.tag("acme-core-v1.0.3")
    run = aegis(poetry, monorepo, "release", "auto", "--all")
    assert "no change since acme-api 1.0.0, acme-core 1.0.3 asks" in run.stdout
    run = aegis(poetry, monorepo, "release", "finish", "--all")
    assert (run.returncode, run.stderr) == (0, "")
    assert "says acme-api 1.0.0, acme-core 1.0.0)" in run.stdout


@pytest.mark.parametrize("command", ["bump patch", "changelog", "changelog --check"])
def test_what_is_about_one_package_asks_which(
    poetry: PoetryHome, monorepo: GitProject, command: str
) -> None:
    before = monorepo.state()
    run = aegis(poetry, monorepo, *command.split())
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "Which of the packages?\nName it: --package NAME, NAME being one of acme-api, acme-core.\n"
    )
    assert monorepo.state() == before


@pytest.mark.parametrize(
    "command", ["publish", "publish --skip-build", "publish --bump patch", "sign"]
)
def test_what_is_done_in_a_package_says_where_they_are(
    poetry: PoetryHome, monorepo: GitProject, command: str
) -> None:
    index = {"POETRY_REPOSITORIES_CORP_URL": "http://127.0.0.1:9/legacy/"}
    poetry = replace(poetry, extra_env={**index, "PWD": str(monorepo.root)})
    before = monorepo.state()
    run = aegis(poetry, monorepo, *command.split())
    assert run.returncode == 2
    *_, question, answer = run.stderr.splitlines()
    assert question == "Which of the packages?"
    shown = command.replace(" --skip-build", "")
    way_out = f"poetry -C libs/api aegis {shown}"
    assert answer == f"Go into one of: libs/api, libs/core. Or name it: {way_out}"
    assert monorepo.state() == before


def test_the_line_that_names_a_package_is_about_that_package(
    poetry: PoetryHome, monorepo: GitProject
) -> None:
    elsewhere = replace(poetry, extra_env={"PWD": "/"})  # Of a shell that is not at the root.
    asked = aegis(elsewhere, monorepo, "sign").stderr
    way_out = asked.rpartition("Or name it: ")[2].split()
    assert way_out == ["poetry", "-C", str(monorepo.root / "libs/api"), "aegis", "sign"]
    run = poetry.run(*way_out[1:], cwd=monorepo.root)
    assert "There is no distribution of acme-api 1.0.0 in dist/" in run.stderr


def test_bump_writes_the_version_of_the_package_that_is_named(
    poetry: PoetryHome, monorepo: GitProject
) -> None:
    run = aegis(poetry, monorepo, "bump", "minor", "--package", "acme-core")
    assert (run.returncode, run.stdout) == (0, "1.0.0 -> 1.1.0\n")
    assert monorepo.git("status", "--porcelain") == "M libs/core/pyproject.toml"
    assert 'version = "1.1.0"' in (monorepo.root / "libs/core/pyproject.toml").read_text()


def test_lint_reads_what_the_next_releases_of_all_packages_will_read(
    poetry: PoetryHome, monorepo: GitProject
) -> None:
    monorepo.commit("Nothing but words", **{"libs/core/acme_core/a.py": "1"})
    monorepo.tag("acme-core-v1.0.1")
    monorepo.commit("more words", **{"libs/api/acme_api/a.py": "1"})
    run = aegis(poetry, monorepo, "lint", "--json")
    found = json.loads(run.stdout)
    assert (run.returncode, found["checked"]) == (38, 1)
    assert [item["subject"] for item in found["findings"]] == ["more words"]


def test_several_packages_are_each_named_with_their_version(
    poetry: PoetryHome, monorepo: GitProject, tmp_path: Path
) -> None:
    monorepo.commit("feat!: another core", **{"libs/core/acme_core/a.py": "1"})
    with running_registry(tmp_path / "registry") as registry:
        poetry = replace(
            poetry,
            extra_env={
                "POETRY_REPOSITORIES_CORP_URL": f"{registry.url}/legacy/",
                "POETRY_HTTP_BASIC_CORP_USERNAME": "pub",
                "POETRY_HTTP_BASIC_CORP_PASSWORD": registry.users["pub"][0],
            },
        )
        run = aegis(poetry, monorepo, "release", "auto", "--all", "--publish", "-r", "corp")
    assert (run.returncode, run.stderr) == (0, "")
    assert "Releasing acme-core 2.0.0, acme-api 1.0.1\n" in run.stdout
    assert "Published acme-core 2.0.0: 2 uploaded; verified on the index.\n" in run.stdout
    assert "Published acme-api 1.0.1: 2 uploaded; verified on the index.\n" in run.stdout
    assert "- acme-core 2.0.0" in (monorepo.root / "libs/api/CHANGELOG.md").read_text()
