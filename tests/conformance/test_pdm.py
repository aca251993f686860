from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import tomlkit

from tests.conformance.conftest import make_token
from tests.support.clients import run
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import RegistryServer, listed_files

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.conformance.relay import Index


def pdm(clients: Path, project: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(clients / "pdm", *arguments, home=project.parent, cwd=project)


def publish(
    clients: Path,
    project: Path,
    registry: RegistryServer,
    user: str,
    *options: str,
    password: str = "",
) -> subprocess.CompletedProcess[str]:
    login = ("-u", user, "-P", password or registry.users[user][0])
    # It shows what the registry says only where it is asked to say all.
    repository = ("-vv", "--no-build", "-r", f"{registry.url}/legacy/")
    return pdm(clients, project, "publish", *repository, *login, *options)


def make_project(folder: Path, name: str, *, source: str = "", needs: str = "") -> Path:
    """Return a new project with an environment of its own, which pdm would take longer to make."""
    venv = ("venv", "--quiet", "--python", sys.executable, folder / name / ".venv")
    assert run(sys.executable, "-m", "uv", *venv, home=folder).returncode == 0
    (folder / name / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0.0"\nrequires-python = ">=3.10,<4"\n'
        f"dependencies = [{needs}]\n"
        '[build-system]\nrequires = ["pdm-backend"]\nbuild-backend = "pdm.backend"\n'
        "[tool.pdm]\ndistribution = false\n"
        f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{source}"\n'
    )
    return folder / name


def test_locks_from_metadata_alone_and_installs(
    index: Index, clients: Path, tmp_path: Path
) -> None:
    app = make_project(tmp_path, "app", source=index.as_user(), needs='"top"')

    locked = pdm(clients, app, "lock")
    fetched_to_lock = index.fetched(".whl")
    installed = pdm(clients, app, "install", "--frozen-lockfile")

    assert locked.returncode == 0, locked.stdout
    assert index.sent_only_its_format()
    assert fetched_to_lock == []
    lock = tomlkit.parse((app / "pdm.lock").read_text(encoding="utf-8")).unwrap()
    assert {package["name"]: package["version"] for package in lock["package"]} == {
        "top": "1.0.0",
        "base": "2.0.0",
    }
    assert installed.returncode == 0, installed.stdout
    assert len(list(app.glob(".venv/**/base-2.0.0.dist-info"))) == 1


def test_publishes_and_is_told_why_not(
    registry: RegistryServer, clients: Path, tmp_path: Path
) -> None:
    project = make_project(tmp_path, "by-pdm")
    files = [make_wheel(project / "dist", "by-pdm"), make_sdist(project / "dist", "by-pdm")]

    done = publish(clients, project, registry, "pub")
    make_wheel(project / "dist", "by-pdm", files={"by_pdm/more.py": ""})
    other = publish(clients, project, registry, "pub")
    skipped = publish(clients, project, registry, "pub", "--skip-existing")
    denied = publish(clients, project, registry, "rae")

    assert done.returncode == 0, done.stdout
    assert set(listed_files(registry, "by-pdm")) == {file.name for file in files}
    assert other.returncode != 0
    assert "File already exists" in other.stdout
    assert skipped.returncode == 0, skipped.stdout
    assert denied.returncode != 0
    assert "has the role reader" in denied.stdout


def test_publishes_with_a_token(registry: RegistryServer, clients: Path, tmp_path: Path) -> None:
    project = make_project(tmp_path, "by-token")
    wheel = make_wheel(project / "dist", "by-token")
    token = make_token(registry, "pub", "upload")

    result = publish(clients, project, registry, "__token__", password=token)

    assert result.returncode == 0, result.stdout
    assert wheel.name in listed_files(registry, "by-token")
