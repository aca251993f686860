"""What release, bump, publish and lint tell a pipeline, and what no pipeline gets."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from cleo.io.outputs.buffered_output import BufferedOutput

from poetry_aegis.commands.progress import ConsoleReporter
from poetry_aegis.publish.distributions import read_distribution
from tests.support.commands import aegis
from tests.support.distributions import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome


@pytest.fixture
def pipeline(
    project: GitProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Path]:
    """Make this process a step of GitHub's, and return the files that it writes to."""
    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    for name, path in files.items():
        path.touch()
        monkeypatch.setenv(name, str(path))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.root))
    monkeypatch.setenv("AEGIS_DOTENV", str(tmp_path / "aegis.env"))
    monkeypatch.chdir(project.root)
    return files


def outputs(pipeline: dict[str, Path]) -> dict[str, str]:
    lines = pipeline["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_a_release_tells_its_version_and_its_tag(
    project: GitProject, pipeline: dict[str, Path], tmp_path: Path
) -> None:
    project.tag("v0.1.0")
    project.commit("feat: greet <b>everybody</b>")
    done = aegis("release", "auto")
    assert done.code == 0, done.err
    assert outputs(pipeline) == {"version": "0.2.0", "tag": "v0.2.0", "released": "true"}
    summary = pipeline["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    assert summary.startswith("### Released 0.2.0\n")
    assert "| Tag | v0.2.0 |" in summary
    assert "### Added" in summary
    assert "::" not in done.out + done.err
    dotenv = (tmp_path / "aegis.env").read_text(encoding="utf-8")
    assert dotenv == "AEGIS_VERSION=0.2.0\nAEGIS_TAG=v0.2.0\nAEGIS_RELEASED=true\n"


def test_nothing_to_release_is_told_too(project: GitProject, pipeline: dict[str, Path]) -> None:
    project.tag("v0.1.0")
    assert aegis("release", "auto").code == 0
    assert outputs(pipeline) == {"version": "0.1.0", "tag": "", "released": "false"}
    told = pipeline["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    assert told.startswith("### Nothing to release\n")


def test_a_dry_run_tells_nothing(project: GitProject, pipeline: dict[str, Path]) -> None:
    project.commit("feat: greet")
    assert aegis("release", "auto", "--dry-run").code == 0
    assert aegis("bump", "minor", "--dry-run").code == 0
    assert outputs(pipeline) == {}


def test_a_release_for_a_pull_request_is_none_yet(
    project: GitProject, pipeline: dict[str, Path]
) -> None:
    project.commit("feat: greet")
    assert aegis("release", "0.2.0", "--branch", "release/{version}").code == 0
    assert outputs(pipeline) == {"version": "0.2.0", "tag": "", "released": "false"}


def test_a_bump_tells_its_version(pipeline: dict[str, Path]) -> None:
    assert aegis("bump", "minor").code == 0
    assert outputs(pipeline) == {"version": "0.2.0", "tag": "", "released": "false"}


def test_what_cannot_be_told_is_done_all_the_same(
    project: GitProject, pipeline: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.commit("feat: greet")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "nowhere" / "output"))
    done = aegis("release", "auto")
    assert done.code == 0
    assert project.tags() == ["v0.1.0"]
    assert "::warning::The pipeline was not told" in done.err


def test_an_error_is_annotated_with_the_way_out(
    project: GitProject, pipeline: dict[str, Path]
) -> None:
    project.tag("v0.1.0")
    done = aegis("release", "0.0.1")
    (line,) = (line for line in done.err.splitlines() if line.startswith("::"))
    assert line.startswith("::error::0.0.1 is not newer than 0.1.0")
    assert "%0AName a higher version" in line


def test_an_error_in_the_project_names_its_file(
    project: GitProject, pipeline: dict[str, Path]
) -> None:
    text = project.pyproject.read_text(encoding="utf-8")
    project.pyproject.write_text(f"{text}\n[tool.poetry-aegis]\ntag-format = 1\n", encoding="utf-8")
    assert "::error file=pyproject.toml::Unknown key 'tag-format'" in aegis("bump", "patch").err


def test_beside_json_an_annotation_is_on_standard_error(
    project: GitProject, pipeline: dict[str, Path]
) -> None:
    project.tag("v0.1.0")
    done = aegis("release", "0.0.1", "--json")
    assert done.document["exit_code"] == 32
    assert "::error::" in done.err


def test_each_message_that_lint_finds_is_annotated(
    project: GitProject, pipeline: dict[str, Path]
) -> None:
    sha = project.commit("update 100% of it")
    told = aegis("lint").err
    assert f"::error::{sha[:7]} update 100%25 of it: there is no type; write: fix:" in told


def test_a_remark_is_annotated_as_a_warning(project: GitProject, pipeline: dict[str, Path]) -> None:
    project.tag("v0.1.0")
    project.commit("update stuff")
    project.commit("feat: greet")
    assert (
        "::warning::1 commit is not conventional and was passed over"
        in aegis("release", "auto").err
    )


# Colour and questions


def on_a_terminal(poetry: PoetryHome, cwd: Path, *arguments: str, **environ: str) -> str:
    """Return what ``poetry aegis ARGUMENTS`` writes to a terminal that it may also read from."""
    leader, follower = pty.openpty()
    env = {name: value for name, value in poetry.env.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "poetry", "aegis", *arguments],
        cwd=cwd,
        env=env | {"TERM": "xterm"} | environ,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    # A question that nobody answers would wait for ever.
    guard = threading.Timer(60, process.kill)
    guard.start()
    text = b""
    while True:
        try:
            part = os.read(leader, 4096)
        except OSError:
            break
        if not part:
            break
        text += part
    os.close(leader)
    process.wait(60)
    guard.cancel()
    return text.decode()


@pytest.mark.parametrize(
    ("environ", "option", "coloured"),
    [
        ({}, (), True),
        ({"CI": "true"}, (), False),
        ({"CI": "true"}, ("--ansi",), True),
        ({"CI": "true", "FORCE_COLOR": "1"}, (), True),
        ({"CI": "true", "FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
        ({"CI": "true", "FORCE_COLOR": "1"}, ("--no-ansi",), False),
    ],
)
def test_a_pipeline_gets_colour_only_where_it_asks(
    poetry: PoetryHome,
    project: GitProject,
    environ: dict[str, str],
    option: tuple[str, ...],
    coloured: bool,
) -> None:
    told = on_a_terminal(poetry, project.root, "bump", "patch", "--dry-run", *option, **environ)
    assert "0.1.0 -> 0.1.1" in told
    assert ("\x1b[" in told) is coloured


def test_a_pipeline_is_asked_nothing(poetry: PoetryHome, project: GitProject) -> None:
    publish = ("publish", "--user", "ada", "--repository", "corp")
    address = {"POETRY_REPOSITORIES_CORP_URL": "http://127.0.0.1:9/"}
    told = on_a_terminal(poetry, project.root, *publish, CI="true", **address)
    assert "Password of" not in told
    assert "There is no password for ada." in told


def test_a_pipeline_that_asks_for_colour_gets_no_bars(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    output = BufferedOutput(decorated=True)
    for style in ("c1", "warning"):
        output.formatter.set_style(style, output.formatter.style("info"))
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    distribution = read_distribution(make_wheel(tmp_path))
    with ConsoleReporter(output) as reporter:
        reporter.started(distribution)
        reporter.advanced(distribution, 1)
        assert output.fetch() == ""
        reporter.note("It <b>is</b> slow.")
    assert "::warning::It <b>is</b> slow.\n" in output.fetch()
