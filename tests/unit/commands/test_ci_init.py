"""``poetry aegis ci init``: what it writes, what it leaves, and what it says."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import SettingsError, UsageError
from poetry_aegis.server import installation
from poetry_aegis.server.config import ServerSettings
from tests.support.commands import aegis
from tests.support.needs import needs_program
from tests.support.poetry import make_library
from tests.support.server import vacant_home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Result
    from tests.support.git import GitProject

WORKFLOW = ".github/workflows/aegis.yml"
FILES = {
    "github": [WORKFLOW],
    "gitea": [".gitea/workflows/aegis.yml"],
    "gitlab": [".gitlab/aegis.yml", ".gitlab-ci.yml"],
    "jenkins": ["Jenkinsfile"],
    "make": ["Makefile"],
}
TARGETS = {
    "pypi-server-start": "server start",
    "pypi-server-stop": "server stop",
    "pypi-server-status": "server status",
    "pypi-server-logs": "server logs",
    "publish-private": "publish",
    "publish-private-bump-patch": "publish --bump patch",
    "publish-private-bump-minor": "publish --bump minor",
    "publish-private-bump-major": "publish --bump major",
    "version-release": "release auto --push-tag",
}


PYTEST = '\n[dependency-groups]\ndev = ["pytest (>=8)"]\n'


@pytest.fixture(autouse=True)
def inside(project: GitProject, monkeypatch: pytest.MonkeyPatch) -> GitProject:
    monkeypatch.chdir(project.root)
    settle(project, PYTEST)
    project.commit("test: use pytest")
    return project


def settle(project: GitProject, settings: str) -> None:
    text = project.pyproject.read_text(encoding="utf-8")
    project.pyproject.write_text(f"{text}\n{settings}\n", encoding="utf-8")


def init(*arguments: str) -> Result:
    return aegis("ci", "init", *arguments)


def new_files(project: GitProject) -> list[str]:
    listed = project.git("status", "--porcelain", "--untracked-files=all").splitlines()
    return sorted(line[3:] for line in listed if line.startswith("??"))


@pytest.mark.parametrize("kind", FILES)
def test_the_files_of_a_kind_are_written_once(project: GitProject, kind: str) -> None:
    first = init(kind)
    assert (first.code, first.err) == (0, "")
    assert new_files(project) == sorted(FILES[kind])
    before = project.state()
    again = init(kind)
    assert (again.code, again.out) == (0, "All is up to date.\n")
    assert project.state() == before


@pytest.mark.parametrize("kind", FILES)
def test_a_dry_run_shows_all_of_it_and_writes_nothing(project: GitProject, kind: str) -> None:
    shown = init(kind, "--dry-run")
    assert shown.code == 0
    assert "--- /dev/null" in shown.out
    assert shown.out.endswith("Nothing was changed.\n")
    assert new_files(project) == []


def test_json_is_one_object(project: GitProject) -> None:
    shown = init("github", "--dry-run", "--json").document
    (file,) = shown["files"]
    assert (shown["dry_run"], file["path"], file["state"]) == (True, WORKFLOW, "new")
    assert "+name: Releases" in file["diff"]
    assert new_files(project) == []
    assert init("github", "--json").document["dry_run"] is False
    assert new_files(project) == [WORKFLOW]


def test_it_tells_which_secrets_are_needed() -> None:
    told = init("github").out
    for name in ("PRIVATE_PYPI_URL", "PRIVATE_PYPI_TOKEN", "PRIVATE_TEST_PYPI_URL"):
        assert name in told
    assert "GITLAB_TOKEN" in init("gitlab").out
    assert all(len(line) <= 80 for line in told.splitlines())


def test_what_was_edited_by_hand_stays_unless_it_is_forced(project: GitProject) -> None:
    init("github")
    path = project.root / WORKFLOW
    edited = path.read_text(encoding="utf-8").replace("timeout-minutes: 60", "timeout-minutes: 90")
    path.write_text(edited, encoding="utf-8")
    refused = init("github")
    assert refused.code == SettingsError.exit_code
    assert "was edited by hand" in refused.err
    assert "--force" in refused.err
    assert "-    timeout-minutes: 90\n+    timeout-minutes: 60" in refused.out
    assert path.read_text(encoding="utf-8") == edited
    assert init("github", "--dry-run").code == 0
    assert init("github", "--force").code == 0
    assert "timeout-minutes: 90" not in path.read_text(encoding="utf-8")


def test_a_workflow_of_ones_own_is_not_overwritten(project: GitProject) -> None:
    path = project.root / WORKFLOW
    path.parent.mkdir(parents=True)
    path.write_text("on: push\n", encoding="utf-8")
    refused = init("github")
    assert refused.code == SettingsError.exit_code
    assert "was not written by this command" in refused.err
    assert path.read_text(encoding="utf-8") == "on: push\n"


def test_settings_reach_the_workflow(project: GitProject) -> None:
    settle(
        project,
        '[tool.poetry-aegis.ci]\nbranch = "trunk"\ntest_branch = ""\nrepository = "corp"\n'
        'python = "3.12"\ntest = "poetry run tox"\n'
        '[[tool.poetry.source]]\nname = "corp"\nurl = "https://pypi.example.com/simple/"\n',
    )
    assert init("github").code == 0
    text = (project.root / WORKFLOW).read_text(encoding="utf-8")
    assert 'branches: ["trunk"]' in text
    assert "--repository corp" in text
    assert 'python-version: "3.12"' in text
    assert "poetry run tox" in text
    # It installs from that index, so that its tests need a credential, too.
    assert text.count("POETRY_HTTP_BASIC_CORP_PASSWORD") == 3
    assert "snapshot" not in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('branch = "main; rm -rf /"', "is not the name of a branch"),
        ('branch = "develop"', "both the branch of releases and the one of tests"),
        ('repository = "Corp_1"', "is not a name of lower-case letters and hyphens"),
        ('test_repository = "aegis"', "both the index and the test index"),
        ('python = "3"', 'is not a version of Python such as "3.13"'),
        ('python = "3.9"', "the project wants >=3.10"),
        ('test = "a\\nb"', "has to be a command on one line"),
        ('tset = "x"', "Unknown key 'tset'"),
        ('plugin_index = "https://ada:secret@pypi.example.com/"', "is not the address of an index"),
        ('plugin_index = "pypi.example.com"', "is not the address of an index"),
    ],
)
def test_settings_that_no_pipeline_can_hold_are_refused(
    project: GitProject, settings: str, message: str
) -> None:
    settle(project, f"[tool.poetry-aegis.ci]\n{settings}")
    refused = init("github")
    assert refused.code == SettingsError.exit_code
    assert message in refused.err
    assert new_files(project) == []


def test_an_unknown_kind_is_named() -> None:
    refused = init("travis")
    assert refused.code == UsageError.exit_code
    assert "Choose one of: github, gitlab, gitea, jenkins, make." in refused.err


def test_a_project_below_the_top_has_its_workflow_at_the_top(
    project: GitProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = project.root / "libs" / "demo"
    below.mkdir(parents=True)
    (below / "pyproject.toml").write_text(project.pyproject.read_text(encoding="utf-8"))
    monkeypatch.chdir(below)
    assert init("github").code == 0
    text = (project.root / WORKFLOW).read_text(encoding="utf-8")
    assert 'working-directory: "libs/demo"' in text


@pytest.mark.parametrize("kind", ["github", "gitea", "gitlab", "jenkins"])
def test_the_pipeline_of_another_folder_is_not_replaced(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for name in ("acme-a", "acme-c"):
        make_library(project.root / "libs" / name)
    monkeypatch.chdir(project.root / "libs" / "acme-a")
    assert init(kind).code == 0
    before = project.state()
    monkeypatch.chdir(project.root / "libs" / "acme-c")
    refused = init(kind)
    assert refused.code == SettingsError.exit_code
    assert "is the pipeline of libs/acme-a, and would become that of libs/acme-c" in refused.err
    assert 'discover = ["libs/*"]' in refused.err
    assert project.state() == before
    shown = init(kind, "--dry-run", "--json").document
    assert "of another folder" in {file["state"] for file in shown["files"]}
    assert init(kind, "--force").code == 0
    assert "libs/acme-c" in (project.root / FILES[kind][0]).read_text(encoding="utf-8")


def test_the_pipeline_of_the_top_is_not_replaced_by_one_of_below(
    project: GitProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert init("github").code == 0
    below = make_library(project.root / "libs" / "acme-a")
    monkeypatch.chdir(below)
    refused = init("github")
    assert refused.code == SettingsError.exit_code
    assert "is the pipeline of the top of the repository" in refused.err


def test_each_folder_has_a_makefile_of_its_own(
    project: GitProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("acme-a", "acme-c"):
        monkeypatch.chdir(make_library(project.root / "libs" / name))
        assert init("make").code == 0


def test_the_makefile_of_several_packages_has_only_targets_that_work(
    project: GitProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A root that is no package has nothing to publish; one that is a package has itself."""
    make_library(project.root / "libs" / "acme-a")
    project.commit("feat: a library")
    settle(project, '[tool.poetry-aegis]\ndiscover = ["libs/*"]')
    assert init("make").code == 0
    makefile = project.root / "Makefile"
    assert "publish-private-bump-patch:" in makefile.read_text(encoding="utf-8")

    settle(project, "[tool.poetry]\npackage-mode = false")
    assert init("make").code == 0
    text = makefile.read_text(encoding="utf-8")
    assert "publish" not in text
    assert "poetry aegis release auto --all --push-tag" in text
    assert "pypi-server-start" in text
    monkeypatch.chdir(project.root / "libs" / "acme-a")
    assert init("make").out == "All is up to date.\n"


@pytest.mark.parametrize("name", ["패키지", "with a space"])
def test_a_folder_may_have_a_name_of_any_letters(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(make_library(project.root / name))
    assert init("github").code == 0
    text = (project.root / WORKFLOW).read_text(encoding="utf-8")
    assert f'working-directory: "{name}"\n' in text
    assert init("github").out.startswith("All is up to date.\n")


@pytest.mark.parametrize("name", ["a$b", "-a", "a\nb", 'a"b'])
def test_a_folder_that_cannot_be_quoted_is_refused_with_a_way_out(
    project: GitProject, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(make_library(project.root / name))
    refused = init("github")
    assert refused.code == SettingsError.exit_code
    assert "No pipeline can be written for the folder" in refused.err
    assert "Rename it" in refused.err


@pytest.mark.parametrize(
    ("remote", "settings", "warned"),
    [
        ("git@github.com:acme/demo.git", "", False),
        ("git@git.example.com:acme/demo.git", "", True),
        ("git@git.example.com:acme/demo.git", 'forge = "gitea"', False),
        ("git@git.example.com:acme/demo.git", 'forge = "none"', False),
    ],
)
def test_a_forge_that_nothing_names_is_warned_of(
    project: GitProject, remote: str, settings: str, warned: bool
) -> None:
    project.git("remote", "add", "origin", remote)
    settle(project, f"[tool.poetry-aegis]\n{settings}")
    done = init("gitea")
    assert done.code == 0
    assert ('Set forge = "gitea" in [tool.poetry-aegis]' in done.out) is warned
    text = (project.root / ".gitea/workflows/aegis.yml").read_text(encoding="utf-8")
    assert ("--forge-release" in text) is ("none" not in settings)


def test_outside_of_a_repository_the_files_are_beside_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = make_library(tmp_path / "alone")
    monkeypatch.chdir(alone)
    assert init("github").code == 0
    assert (alone / WORKFLOW).is_file()


# Files that hold more than ours


def test_a_gitlab_file_of_ones_own_gets_the_include_at_its_end(project: GitProject) -> None:
    own = "stages: [test, deploy]\n\nmine:\n  script: [echo mine]\n"
    (project.root / ".gitlab-ci.yml").write_text(own, encoding="utf-8")
    shown = init("gitlab")
    assert shown.code == 0
    assert "+  - local: .gitlab/aegis.yml" in shown.out
    text = (project.root / ".gitlab-ci.yml").read_text(encoding="utf-8")
    assert text.startswith(own)
    assert init("gitlab").out == "All is up to date.\n"


def test_a_gitlab_file_with_an_include_is_used_once_it_has_the_line(project: GitProject) -> None:
    path = project.root / ".gitlab-ci.yml"
    path.write_text("include:\n  - local: mine.yml\n", encoding="utf-8")
    refused = init("gitlab")
    assert refused.code == SettingsError.exit_code
    assert "Add this line below line 1 of .gitlab-ci.yml" in refused.err
    assert not (project.root / ".gitlab/aegis.yml").exists()
    own = "include:\n  - local: .gitlab/aegis.yml\n  - local: mine.yml\n"
    path.write_text(own, encoding="utf-8")
    assert init("gitlab").code == 0
    assert (project.root / ".gitlab/aegis.yml").is_file()
    assert path.read_text(encoding="utf-8") == own
    assert init("gitlab").out == "All is up to date.\n"


def test_a_gitlab_file_whose_stages_lack_ours_is_refused(project: GitProject) -> None:
    (project.root / ".gitlab-ci.yml").write_text("stages: [build]\n", encoding="utf-8")
    refused = init("gitlab")
    assert refused.code == SettingsError.exit_code
    assert "stages: [build, test, deploy]" in refused.err
    assert new_files(project) == [".gitlab-ci.yml"]


# What is to be known of it


def test_a_reader_s_credentials_are_asked_for_where_the_tests_need_them(
    project: GitProject,
) -> None:
    assert "READ" not in init("github", "--force").out
    settle(
        project, '[[tool.poetry.source]]\nname = "aegis"\nurl = "https://pypi.example.com/simple/"'
    )
    for kind in ("github", "gitea", "gitlab"):
        told = init(kind)
        assert "PRIVATE_PYPI_READ_TOKEN" in told.out
        assert "poetry aegis server token create --user ci --allow read\n" in told.out
        assert all(len(line) <= 84 for line in told.out.splitlines() if line[:1] not in "+-@ ")
    assert "PRIVATE_PYPI_READ " in init("jenkins").out
    assert "Protect all but PRIVATE_PYPI_READ_*" in init("gitlab", "--json").document["notes"][3]


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea", "jenkins"])
def test_the_way_to_its_tokens_can_be_gone_on_a_new_server(
    project: GitProject, tmp_path: Path, kind: str
) -> None:
    settle(
        project, '[[tool.poetry.source]]\nname = "aegis"\nurl = "https://pypi.example.com/simple/"'
    )
    with vacant_home(tmp_path / "server") as home:
        installation.create(home, ServerSettings(), user="ada", password="s3cret")
        notes = init(kind, "--json").document["notes"]
        commands = [note.partition("poetry aegis ")[2] for note in notes if "poetry aegis" in note]
        assert len(commands) == 3
        for words in commands:
            told = aegis(*words.split(), "--home", str(home.root))
            assert told.code == 0, told.err


def test_gitlab_s_protected_branches_and_tags_are_named(project: GitProject) -> None:
    told = init("gitlab").out
    assert "Protect all of them: merge requests need none." in told
    assert "Protect main, develop and the tags v*: " in told
    assert "Protect" not in init("github").out


@pytest.mark.parametrize(
    ("change", "warned"),
    [
        ("", True),
        (PYTEST, False),
        ('\n[tool.poetry.group.test.dependencies]\npytest-cov = "^6"\n', False),
        ('\n[tool.pytest.ini_options]\naddopts = "-q"\n', True),
        ('\n[tool.poetry-aegis.ci]\ntest = "poetry run python -m unittest"\n', False),
    ],
)
def test_tests_without_pytest_are_warned_of(project: GitProject, change: str, warned: bool) -> None:
    text = project.pyproject.read_text(encoding="utf-8").replace(PYTEST, "")
    project.pyproject.write_text(f"{text}{change}", encoding="utf-8")
    done = init("github")
    assert done.code == 0
    assert ("poetry add --group dev pytest" in done.out) is warned
    assert "pytest" not in init("make").out


def test_a_lock_that_names_pytest_is_enough(project: GitProject) -> None:
    text = project.pyproject.read_text(encoding="utf-8").replace(PYTEST, "")
    project.pyproject.write_text(text, encoding="utf-8")
    (project.root / "poetry.lock").write_text('[[package]]\nname = "pytest"\nversion = "8.0"\n')
    assert "poetry add" not in init("github").out


def test_a_jenkinsfile_with_a_pipeline_of_its_own_is_left_alone(project: GitProject) -> None:
    own = "pipeline {\n    agent any\n}\n"
    (project.root / "Jenkinsfile").write_text(own, encoding="utf-8")
    refused = init("jenkins", "--force")
    assert refused.code == SettingsError.exit_code
    assert "has a pipeline already" in refused.err
    assert "stage('Tests')" in refused.err
    assert (project.root / "Jenkinsfile").read_text(encoding="utf-8") == own


# make


def make(root: Path, *arguments: str) -> str:
    """Run make with a `poetry` that says how it was called."""
    program = needs_program("make")
    tools = root.parent / "tools"
    tools.mkdir(exist_ok=True)
    poetry = tools / "poetry"
    poetry.write_text('#!/bin/sh\necho "poetry was called: $*"\n')
    poetry.chmod(0o755)
    return subprocess.run(
        [program, "--no-print-directory", *arguments],
        cwd=root,
        env={"PATH": f"{tools}:/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_one_line_of_the_command(project: GitProject, target: str) -> None:
    init("make")
    said = make(project.root, "--silent", target)
    assert said == f"poetry was called: aegis {TARGETS[target]}\n"


def test_help_names_every_target(project: GitProject) -> None:
    init("make")
    told = make(project.root, "pypi-help")
    assert [line.split()[0] for line in told.splitlines()] == ["pypi-help", *TARGETS]
    assert all(len(line) <= 80 for line in told.splitlines())
    assert make(project.root) == told  # There is nothing else to make by default.


def test_a_makefile_says_how_to_push_what_it_released_on_this_machine(project: GitProject) -> None:
    init("make")
    text = (project.root / "Makefile").read_text(encoding="utf-8")
    comment, _, targets = text.partition("git push --follow-tags\n")
    assert "publish --bump" in targets
    assert "publish --bump" not in comment


def test_a_makefile_of_ones_own_stays_and_keeps_its_default(project: GitProject) -> None:
    own = "hello:\n\t@echo mine\n"
    (project.root / "Makefile").write_text(own, encoding="utf-8")
    assert init("make").code == 0
    assert (project.root / "Makefile").read_text(encoding="utf-8").startswith(own)
    assert make(project.root) == "mine\n"
