"""The files of pipelines: valid by the published schemas, pinned, no secret in a line."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from poetry_aegis.ci import pins
from poetry_aegis.ci.project import PipelineProject, Tools
from poetry_aegis.ci.rendering import render

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.ci.rendering import Kind

PLAIN = PipelineProject(
    tools=Tools(poetry="2.3.1", plugin="1.4.0"),
    branch="main",
    test_branch="develop",
    repository="aegis",
    test_repository="aegis-test",
    python="3.13",
    test="poetry run pytest -q",
)
FULL = replace(
    PLAIN,
    repository="corp",
    extras=("signing", "templates"),
    folder="packages/demo",
    several=True,
    reads_index=True,
    signs=True,
    tags=("demo-v{version}", "core-v{semver}"),
)
OWN_PLUGIN = replace(FULL, plugin_index="https://pypi.example.com/simple/", folder="패키지/it's b")
PROJECTS = [
    PLAIN,
    FULL,
    replace(PLAIN, test_branch=""),
    replace(FULL, test_branch=""),
    OWN_PLUGIN,
]
NAMES = [
    "plain",
    "full",
    "plain without a test index",
    "full without a test index",
    "with an index of the plugin",
]
FOR_EACH = pytest.mark.parametrize("project", PROJECTS, ids=NAMES)
SECRET_VARIABLE = re.compile(r"\$\{?(?:PRIVATE|POETRY_HTTP_BASIC)\w*(?:PASSWORD|TOKEN)")


def text_of(kind: Kind, project: PipelineProject) -> str:
    return render(kind, project)[0].text


def document_of(kind: Kind, project: PipelineProject) -> dict[str, Any]:
    document = YAML(typ="safe").load(text_of(kind, project))
    assert isinstance(document, dict)
    return document


def steps_of(kind: Kind, project: PipelineProject) -> list[dict[str, Any]]:
    return [step for job in document_of(kind, project)["jobs"].values() for step in job["steps"]]


@FOR_EACH
@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("github", "vendor.github-workflows"),
        ("gitea", "vendor.github-workflows"),
        ("gitlab", "vendor.gitlab-ci"),
    ],
)
def test_the_published_schema_takes_it(
    tmp_path: Path, kind: Kind, schema: str, project: PipelineProject
) -> None:
    files = []
    for number, part in enumerate(render(kind, project)):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(part.text, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema),
            *(["--data-transform", "gitlab-ci"] if kind == "gitlab" else []),
            *map(str, files),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@FOR_EACH
@pytest.mark.parametrize("kind", ["github", "gitea"])
def test_actions_are_pinned_to_commits_with_their_versions_beside_them(
    kind: Kind, project: PipelineProject
) -> None:
    used = re.findall(r"uses: (\S.*)", text_of(kind, project))
    known = {str(action) for action in (pins.GITHUB if kind == "github" else pins.GITEA).values()}
    assert set(used) == known
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in used)


@FOR_EACH
@pytest.mark.parametrize("kind", ["github", "gitea"])
def test_a_job_has_the_rights_that_it_needs_and_no_others(
    kind: Kind, project: PipelineProject
) -> None:
    document = document_of(kind, project)
    assert document["permissions"] == {}
    writing = {"release", "tagged"}
    for name, job in document["jobs"].items():
        wanted = "write" if name in writing else "read"
        assert job["permissions"] == {"contents": wanted}, name
        (checkout,) = (step for step in job["steps"] if "checkout" in step.get("uses", ""))
        assert checkout["with"]["fetch-depth"] == 0
        # Only what pushes keeps what it can push with.
        kept = checkout["with"].get("persist-credentials", True)
        assert kept is (name == "release"), name


@FOR_EACH
@pytest.mark.parametrize("kind", ["github", "gitea"])
def test_only_the_step_that_publishes_knows_the_secrets(
    kind: Kind, project: PipelineProject
) -> None:
    for step in steps_of(kind, project):
        assert "${{" not in step.get("run", "")
        if "secrets." in str(step):
            # What installs the plugin knows a reader's.
            assert re.search(r"poetry (?:aegis (?:release|ci)|install)|-m", step["run"])
    document = document_of(kind, project)
    assert "env" not in document
    assert not any("env" in job for job in document["jobs"].values())


PUBLISHER = re.compile(r"PRIVATE_PYPI(?:_TOKEN|_USERNAME|_PASSWORD|(?='))")


@FOR_EACH
@pytest.mark.parametrize("kind", ["github", "gitea", "gitlab", "jenkins"])
def test_what_does_not_publish_has_a_reader_s_credentials_alone(
    kind: Kind, project: PipelineProject
) -> None:
    text = text_of(kind, project)
    if kind == "jenkins":
        before = text.partition("stage('Set up')")[2].partition("stage('Release')")[0]
        harmless = before.replace("credentialsId: 'GIT'", "")
    elif kind == "gitlab":
        document = document_of(kind, project)
        harmless = str([document[name] for name in (".aegis", "aegis-lint", "aegis-test")])
    else:
        document = document_of(kind, project)
        harmless = str([document["jobs"][name] for name in ("lint", "test")])
    assert not PUBLISHER.search(harmless)
    assert "AEGIS_SIGNING" not in harmless
    assert ("PRIVATE_PYPI_READ" in harmless) is project.needs_reader
    assert PUBLISHER.search(text)


@FOR_EACH
def test_what_publishes_uses_no_cache(project: PipelineProject) -> None:
    for name, job in document_of("github", project)["jobs"].items():
        uses_cache = any("actions/cache" in step.get("uses", "") for step in job["steps"])
        assert uses_cache is (name == "test")
        assert not any("cache" in step.get("with", {}) for step in job["steps"])


@FOR_EACH
def test_no_secret_is_an_argument(project: PipelineProject) -> None:
    for kind in ("github", "gitea", "gitlab", "jenkins"):
        for line in text_of(kind, project).splitlines():
            if SECRET_VARIABLE.search(line):
                # An assignment, a question of the shell's own, or a line that only declares.
                assert re.match(r"\s*(?:export |if \[|: |POETRY_)", line), line


def test_a_release_is_never_cut_off() -> None:
    concurrency = document_of("github", PLAIN)["concurrency"]
    assert "github.ref" in concurrency["group"]
    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"
    assert document_of("gitlab", PLAIN)[".aegis-publish"]["resource_group"] == "aegis"
    assert document_of("gitlab", PLAIN)[".aegis-publish"]["interruptible"] is False
    assert "disableConcurrentBuilds()" in text_of("jenkins", PLAIN)


def test_without_a_test_index_nothing_of_it_is_there() -> None:
    project = replace(FULL, test_branch="")
    for kind in ("github", "gitea", "gitlab", "jenkins"):
        text = text_of(kind, project)
        assert "snapshot" not in text.lower()
        assert "TEST_PYPI" not in text
    assert document_of("github", project)["on"]["push"]["branches"] == ["main"]


def test_tags_of_each_package_start_a_run() -> None:
    push = document_of("github", FULL)["on"]["push"]
    assert push["tags"] == ["demo-v[0-9]*", "core-v[0-9]*"]
    job = document_of("gitlab", replace(PLAIN, tags=("v{version}", "a/b{version}")))["aegis-tagged"]
    assert job["rules"] == [{"if": r"$CI_COMMIT_TAG =~ /^(v|a\/b)[0-9]/"}]


def test_a_project_below_the_top_is_worked_in() -> None:
    document = document_of("github", FULL)
    assert document["defaults"]["run"]["working-directory"] == "packages/demo"
    assert document_of("gitlab", FULL)[".aegis"]["before_script"][0] == "cd packages/demo"
    assert "cd ./packages/demo\n" in text_of("jenkins", FULL)
    assert render("make", FULL)[0].path == "packages/demo/Makefile"


def test_the_tools_are_those_that_wrote_the_pipeline() -> None:
    wanted = '"poetry==2.3.1" "poetry-aegis[signing,templates]==1.4.0"'
    for kind in ("github", "gitea", "gitlab", "jenkins"):
        assert wanted in text_of(kind, FULL)


def test_the_workflow_of_gitea_differs_in_its_actions_and_its_machine_alone() -> None:
    def neutral(kind: Kind) -> list[str]:
        text = re.sub(r"@[0-9a-f]{40} # \S+", "", text_of(kind, PLAIN))
        return [line for line in text.splitlines() if not re.search("runs-on|GIT_", line)]

    assert neutral("github") == neutral("gitea")
    assert render("gitea", PLAIN)[0].path == ".gitea/workflows/aegis.yml"


# Jenkins, whose files nothing but a Jenkins can check


@FOR_EACH
def test_the_jenkinsfile_is_one_declarative_pipeline(project: PipelineProject) -> None:
    text = text_of("jenkins", project)
    assert len(re.findall(r"^pipeline \{$", text, re.MULTILINE)) == 1
    stages = re.findall(r"stage\('([^']+)'\) \{", text)
    publishing = ["Snapshot"] if project.test_branch else []
    wanted = ["Set up", "Commit messages", "Tests", "Release", *publishing, "Tagged"]
    assert stages == wanted
    outside = re.sub(r"'''.*?'''|//[^\n]*", "", text, flags=re.DOTALL)
    for opening, closing in ("{}", "()", "[]"):
        assert outside.count(opening) == outside.count(closing)
    assert text.count("'''") % 2 == 0
    # Each stage has steps, and those that publish ask when they are due.
    assert text.count("steps {") == len(stages)
    assert "when { branch 'main' }" in text
    assert "when { buildingTag() }" in text


@FOR_EACH
def test_the_shell_of_a_jenkinsfile_is_shell(project: PipelineProject, tmp_path: Path) -> None:
    scripts = re.findall(r"sh '''(.*?)'''", text_of("jenkins", project), re.DOTALL)
    assert scripts
    for script in scripts:
        done = subprocess.run(["sh", "-n"], input=script, text=True, check=False)
        assert done.returncode == 0, script


@FOR_EACH
def test_the_shell_of_gitlab_is_shell(project: PipelineProject) -> None:
    for name, job in document_of("gitlab", project).items():
        script = "\n".join([*job.get("before_script", []), *job.get("script", [])])
        done = subprocess.run(["sh", "-n"], input=script, text=True, check=False)
        assert done.returncode == 0, name


def test_an_authority_is_known_wherever_jenkins_asks_an_index() -> None:
    text = text_of("jenkins", FULL)
    scripts = re.findall(r"sh '''(.*?)'''", text, re.DOTALL)
    asking = [script for script in scripts if re.search(r"(?:publish|install|ci \w+)\b", script)]
    asking = [script for script in asking if "-m pip" not in script]
    assert len(asking) == 4
    for script in asking:
        name = "PRIVATE_TEST_PYPI_CA" if "snapshot" in script else "PRIVATE_PYPI_CA"
        assert f'_CERT="${name}"' in script


@pytest.mark.parametrize("folder", ["패키지/acme-b", "it's; a (folder) & more"])
def test_a_folder_of_any_letters_is_quoted_for_each_kind(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    project = replace(FULL, folder=folder)
    document = document_of("github", project)
    assert document["defaults"]["run"]["working-directory"] == folder
    gitlab = document_of("gitlab", project)
    assert gitlab["aegis-test"]["cache"]["key"]["files"] == [f"{folder}/poetry.lock"]
    (jenkins,) = set(re.findall(r" (cd .*)", text_of("jenkins", project)))
    # Between three quotes Groovy knows a backslash, and nothing else.
    for line in (gitlab[".aegis"]["before_script"][0], re.sub(r"\\(.)", r"\1", jenkins)):
        done = subprocess.run(
            ["sh", "-c", f"{line}\npwd"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{tmp_path / folder}\n"


def test_quotes_in_the_test_command_stay_what_they_are() -> None:
    project = replace(PLAIN, test="""poetry run pytest -k "it's \\ fine" # : {x}""")
    step = next(step for step in steps_of("github", project) if step.get("name") == "Test it")
    assert step["run"] == f"{project.test}\n"
    assert f"{project.test}\n" in document_of("gitlab", project)["aegis-test"]["script"]
    assert """pytest -k "it\\'s \\\\ fine" # : {x}""" in text_of("jenkins", project)
