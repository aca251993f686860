"""``poetry aegis publish`` as its users run it: real processes, a real registry, a real build."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.distributions import make_wheel
from tests.support.registry import USERS, RegistryServer, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

Run = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("registry") / "data") as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a project whose name is that of the test, so that tests can share a registry."""
    name = request.node.name.partition("[")[0].replace("_", "-")
    root = tmp_path / "project"
    package = root / "src" / name.replace("-", "_")
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0.0"\ndescription = "A demo."\n'
        'requires-python = ">=3.9"\nclassifiers = ["Typing :: Typed"]\n'
        "[tool.poetry]\npackages = [{ from = 'src', include = '*' }]\n"
        '[build-system]\nrequires = ["poetry-core>=2.0"]\n'
        'build-backend = "poetry.core.masonry.api"\n'
    )
    return root


@pytest.fixture
def corp(poetry: PoetryHome, registry: RegistryServer) -> PoetryHome:
    """Return a Poetry that knows the registry as ``corp``, and the publisher's password."""
    configure(poetry, f"{registry.url}/legacy/", "pub", registry.users["pub"][0])
    return poetry


def configure(poetry: PoetryHome, url: str, username: str, password: str) -> None:
    """Write what ``poetry config`` writes."""
    config = poetry.root / "config"
    config.mkdir(exist_ok=True)
    (config / "config.toml").write_text(f'[repositories.corp]\nurl = "{url}"\n')
    auth = config / "auth.toml"
    auth.write_text(f'[http-basic.corp]\nusername = "{username}"\npassword = "{password}"\n')
    auth.chmod(0o600)


def publish(poetry: PoetryHome, project: Path, *arguments: str) -> Run:
    run = poetry.run("aegis", "publish", *arguments, cwd=project)
    for password, _ in USERS.values():
        assert password not in run.stdout + run.stderr
    return run


def shown(registry: RegistryServer, project: Path) -> dict[str, str]:
    """Return what the registry's own files say it has of *project*: file names and hashes."""
    page = registry.data / "simple" / project_name(project) / "index.json"
    if not page.exists():
        return {}
    files = json.loads(page.read_text())["files"]
    return {file["filename"]: file["hashes"]["sha256"] for file in files}


def project_name(project: Path) -> str:
    return next((project / "src").iterdir()).name.replace("_", "-")


def hashes_in(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def document(run: Run) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(run.stdout)
    return parsed


def succeed(run: Run) -> Run:
    assert run.returncode == 0, run.stdout + run.stderr
    return run


def test_a_project_is_built_uploaded_and_verified(
    corp: PoetryHome, project: Path, registry: RegistryServer
) -> None:
    run = succeed(publish(corp, project))
    stem = project_name(project).replace("-", "_") + "-1.0.0"
    assert set(shown(registry, project)) == {f"{stem}.tar.gz", f"{stem}-py3-none-any.whl"}
    assert hashes_in(project / "dist") == shown(registry, project)
    assert f"{stem}.tar.gz uploaded" in run.stdout
    assert "2 uploaded; verified on the index." in run.stdout
    assert "\x1b" not in run.stdout + run.stderr

    again = succeed(publish(corp, project))
    assert "2 skipped; verified on the index." in again.stdout


def test_json_is_alone_on_standard_output(
    corp: PoetryHome, project: Path, registry: RegistryServer
) -> None:
    run = succeed(publish(corp, project, "--json"))
    result = document(run)
    assert result["repository"] == "corp"
    assert result["version"] == "1.0.0"
    assert result["verified"] is True
    assert {file["filename"]: file["sha256"] for file in result["files"]} == shown(
        registry, project
    )
    assert {file["status"] for file in result["files"]} == {"uploaded"}
    assert "Publishing" in run.stderr


def test_no_verify_really_arrives(corp: PoetryHome, project: Path) -> None:
    """Poetry's own ``--no-...`` options must not swallow it."""
    result = document(succeed(publish(corp, project, "--no-verify", "--json")))
    assert result["verified"] is False
    assert [file["status"] for file in result["files"]] == ["uploaded", "uploaded"]


def test_a_dry_run_changes_nothing(
    corp: PoetryHome, project: Path, registry: RegistryServer
) -> None:
    run = succeed(publish(corp, project, "--dry-run", "-r", "corp"))
    assert run.stdout.count("would be uploaded") == 2
    assert not (project / "dist").exists()
    assert shown(registry, project) == {}


def test_another_file_of_that_name_is_refused_and_an_admin_may_force_it(
    corp: PoetryHome, project: Path, registry: RegistryServer
) -> None:
    succeed(publish(corp, project))
    before = shown(registry, project)
    (next((project / "src").iterdir()) / "__init__.py").write_text("changed = True\n")

    planned = publish(corp, project, "--dry-run", "--json")
    assert planned.returncode == 47
    said = document(planned)
    assert {file["status"] for file in said["files"]} == {"refuse"}
    assert (said["error"], said["exit_code"], said["dry_run"]) == ("FileConflict", 47, True)
    assert said["message"] in planned.stderr
    assert "poetry aegis publish --force" in said["hint"]
    shown_as_text = publish(corp, project, "--dry-run")
    assert shown_as_text.returncode == 47
    assert "would be refused" in shown_as_text.stdout
    assert "already has another" in shown_as_text.stderr

    refused = publish(corp, project)
    assert refused.returncode == 47
    assert "already has another" in refused.stderr
    assert any(sha256 in refused.stderr for sha256 in before.values())
    assert "poetry aegis publish --force" in refused.stderr
    assert hashes_in(project / "dist") == before == shown(registry, project)

    forbidden = publish(corp, project, "--force")
    assert forbidden.returncode == 45
    assert "takes more rights" in forbidden.stderr
    assert shown(registry, project) == before

    configure(corp, f"{registry.url}/legacy/", "ada", registry.users["ada"][0])
    forced = document(succeed(publish(corp, project, "--force", "--json")))
    assert {file["status"] for file in forced["files"]} == {"replaced"}
    assert forced["verified"]
    assert shown(registry, project) == hashes_in(project / "dist") != before


def test_skip_build_takes_exactly_this_version_from_dist(
    corp: PoetryHome, project: Path, registry: RegistryServer
) -> None:
    name = project_name(project)
    ours = make_wheel(project / "dist", name, "1.0.0")
    make_wheel(project / "dist", name, "9.9.9")
    run = succeed(publish(corp, project, "--skip-build"))
    assert f"Taking from dist/: {ours.name}" in run.stdout
    assert set(shown(registry, project)) == {ours.name}

    ours.unlink()
    missing = publish(corp, project, "--skip-build")
    assert missing.returncode == 48
    assert "9.9.9" in missing.stderr


def test_credentials_may_come_from_the_environment(
    poetry: PoetryHome, project: Path, registry: RegistryServer
) -> None:
    environment = {
        "POETRY_REPOSITORIES_CORP_URL": f"{registry.url}/simple/",
        "POETRY_HTTP_BASIC_CORP_USERNAME": "pub",
        "POETRY_HTTP_BASIC_CORP_PASSWORD": registry.users["pub"][0],
    }
    run = succeed(publish(replace(poetry, extra_env=environment), project, "--json"))
    assert document(run)["verified"] is True
    assert document(run)["url"] == f"{registry.url}/simple/"


def test_what_poetry_config_writes_is_what_is_used(
    poetry: PoetryHome, project: Path, registry: RegistryServer
) -> None:
    for setting in (
        ("repositories.corp", f"{registry.url}/"),
        ("http-basic.corp", "pub", registry.users["pub"][0]),
    ):
        succeed(poetry.run("config", *setting, cwd=project))
    assert document(succeed(publish(poetry, project, "--json")))["verified"] is True


@pytest.mark.parametrize("option", ["-C", "-P"])
def test_the_project_may_be_elsewhere(
    corp: PoetryHome, project: Path, registry: RegistryServer, option: str
) -> None:
    elsewhere = project.parent
    run = succeed(corp.run(option, "project", "aegis", "publish", cwd=elsewhere))
    assert "verified on the index." in run.stdout
    assert hashes_in(project / "dist") == shown(registry, project)
    assert [path.name for path in elsewhere.iterdir() if path.name == "dist"] == []


def test_a_wrong_password_and_a_missing_right(
    corp: PoetryHome, project: Path, registry: RegistryServer
) -> None:
    configure(corp, f"{registry.url}/legacy/", "pub", "not-the-password")
    wrong = publish(corp, project)
    assert wrong.returncode == 44
    assert "poetry config http-basic.corp pub" in wrong.stderr

    configure(corp, f"{registry.url}/legacy/", "rae", registry.users["rae"][0])
    reader = publish(corp, project, "--json")
    assert reader.returncode == 45
    assert document(reader)["error"] == "Forbidden"
    assert "--role publisher" in reader.stderr
    assert shown(registry, project) == {}


def test_the_public_index_is_never_a_silent_default(poetry: PoetryHome, project: Path) -> None:
    run = publish(poetry, project)
    assert run.returncode == 2
    assert "not chosen unasked" in run.stderr


def test_the_project_may_name_its_repository(corp: PoetryHome, project: Path) -> None:
    with (corp.root / "config" / "config.toml").open("a") as config:
        config.write('[repositories.test]\nurl = "http://127.0.0.1:1/"\n')
    several = publish(corp, project)
    assert several.returncode == 2
    assert "corp, test" in several.stderr
    with (project / "pyproject.toml").open("a") as settings:
        settings.write('[tool.poetry-aegis]\nrepository = "corp"\n')
    assert "verified on the index." in succeed(publish(corp, project)).stdout


def test_a_project_that_does_not_build_is_not_published(
    corp: PoetryHome, project: Path, registry: RegistryServer
) -> None:
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace("include = '*'", "include = 'gone'"))
    run = publish(corp, project)
    assert run.returncode == 48
    assert "Traceback" not in run.stdout + run.stderr
    assert shown(registry, project) == {}
    assert not (project / "dist").exists()


# --bump


@pytest.fixture
def history(project: Path, corp: PoetryHome) -> Path:
    """Return the project as a git repository where 1.0.0 was released before a feature."""
    (project / ".gitignore").write_text("dist/\n")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["commit", "-q", "-m", "feat: begin"],
        ["tag", "v1.0.0"],
        ["commit", "-q", "--allow-empty", "-m", "feat: go on"],
    ):
        subprocess.run(["git", *command], cwd=project, env=corp.env, check=True)
    return project


def git(project: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=project, check=True, capture_output=True, text=True
    ).stdout


def test_bump_releases_the_next_version_and_publishes_it(
    corp: PoetryHome, history: Path, registry: RegistryServer
) -> None:
    planned = document(succeed(publish(corp, history, "--bump", "minor", "--dry-run", "--json")))
    assert (planned["version"], planned["files"], planned["dry_run"]) == ("1.1.0", [], True)
    assert git(history, "tag").split() == ["v1.0.0"]
    assert shown(registry, history) == {}

    done = document(succeed(publish(corp, history, "--bump", "minor", "--json")))
    assert done["version"] == "1.1.0"
    assert done["verified"] is True
    assert done["release"]["tag"] == "v1.1.0"
    assert git(history, "tag").split() == ["v1.0.0", "v1.1.0"]
    assert all("-1.1.0" in name for name in shown(registry, history))
    assert hashes_in(history / "dist") == shown(registry, history)


def test_bump_without_a_build_wants_the_new_version_there_before(
    corp: PoetryHome, history: Path, registry: RegistryServer
) -> None:
    make_wheel(history / "dist", project_name(history), "1.0.0")
    run = publish(corp, history, "--bump", "patch", "--skip-build")
    assert run.returncode == 2
    assert "wants 1.0.1 in dist/ before it is released" in run.stderr
    assert git(history, "tag").split() == ["v1.0.0"]
    assert git(history, "status", "--porcelain") == ""

    make_wheel(history / "dist", project_name(history), "1.0.1")
    succeed(publish(corp, history, "--bump", "patch", "--skip-build"))
    assert git(history, "tag").split() == ["v1.0.0", "v1.0.1"]
    assert list(shown(registry, history)) == [
        f"{project_name(history).replace('-', '_')}-1.0.1-py3-none-any.whl"
    ]
