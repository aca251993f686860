"""The clients people have, as they are, against a real registry."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import RegistryServer, listed_files, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

STEERING = ("PIP_", "UV_", "TWINE_", "POETRY_", "VIRTUAL_ENV")
PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("registry")
    with running_registry(folder / "data") as server:
        for version, requires_python in (("1.0.0", ">=3.8"), ("2.0.0", ">=3.8"), ("3.0.0", ">=9")):
            wheel = make_wheel(folder, "base", version, requires_python=requires_python)
            assert upload(server, wheel).status_code == 200
        assert upload(server, make_wheel(folder, "top", requires=["base>=1"])).status_code == 200
        yield server


def run(
    *command: str | Path, home: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a client with nothing of this machine's configuration."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(STEERING) and key.lower() not in PROXIES
    }
    return subprocess.run(
        [str(part) for part in command],
        env=inherited
        | {
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "PIP_CONFIG_FILE": os.devnull,
            "UV_NO_CONFIG": "1",
            "UV_CACHE_DIR": str(home / "uv-cache"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }
        | (env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def pip(
    registry: RegistryServer, *arguments: str | Path, home: Path, user: str = "rae"
) -> subprocess.CompletedProcess[str]:
    index = registry.authenticated_url(user)
    options = ("--isolated", "--no-input", "--disable-pip-version-check", "--no-cache-dir")
    command = (sys.executable, "-m", "pip", arguments[0], *options, "--index-url", index)
    return run(*command, *arguments[1:], home=home)


def uv(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "uv", *arguments, home=home)


def agents(registry: RegistryServer, path: str) -> str:
    """Return who asked for *path*, as the access log has it."""
    return " ".join(line["agent"] for line in registry.log_lines() if line.get("path") == path)


def test_pip_installs_with_dependencies_and_honours_requires_python(
    registry: RegistryServer, tmp_path: Path
) -> None:
    target = tmp_path / "site"

    result = pip(registry, "install", "--target", target, "top", home=tmp_path)

    assert result.returncode == 0, result.stdout
    assert {path.name for path in target.glob("*.dist-info")} == {
        "top-1.0.0.dist-info",
        "base-2.0.0.dist-info",
    }
    metadata = "/packages/base/base-2.0.0-py3-none-any.whl.metadata"
    assert "pip/" in agents(registry, metadata)


def test_pip_checks_the_hash_of_what_it_downloads(registry: RegistryServer, tmp_path: Path) -> None:
    digest = listed_files(registry, "base")["base-1.0.0-py3-none-any.whl"]["hashes"]["sha256"]
    pins = tmp_path / "requirements.txt"
    pins.write_text(f"base==1.0.0 --hash=sha256:{digest}\n")
    download = ("download", "--no-deps", "--require-hashes", "-r", pins, "-d")

    good = pip(registry, *download, tmp_path / "got", home=tmp_path)
    pins.write_text(f"base==1.0.0 --hash=sha256:{'0' * 64}\n")
    bad = pip(registry, *download, tmp_path / "not", home=tmp_path)

    assert good.returncode == 0, good.stdout
    assert [path.name for path in (tmp_path / "got").iterdir()] == ["base-1.0.0-py3-none-any.whl"]
    assert bad.returncode != 0


def test_pip_is_told_of_a_wrong_password(registry: RegistryServer, tmp_path: Path) -> None:
    index = registry.authenticated_url("rae").replace("reader-secret", "wrong")
    options = ("--isolated", "--no-input", "--no-deps", "--index-url", index)

    result = run(sys.executable, "-m", "pip", "download", *options, "base", home=tmp_path)

    assert result.returncode != 0
    assert "401" in result.stdout


def test_uv_installs_with_dependencies(registry: RegistryServer, tmp_path: Path) -> None:
    target = tmp_path / "site"
    index = registry.authenticated_url("rae")
    options = ("--default-index", index, "--target", target, "--python", sys.executable)

    result = uv("pip", "install", *options, "top", home=tmp_path)

    assert result.returncode == 0, result.stdout
    assert (target / "base-2.0.0.dist-info").is_dir()
    metadata = "/packages/base/base-2.0.0-py3-none-any.whl.metadata"
    assert "uv/" in agents(registry, metadata)


def test_uv_publishes_and_is_told_why_not(registry: RegistryServer, tmp_path: Path) -> None:
    files = [make_wheel(tmp_path, "by-uv"), make_sdist(tmp_path, "by-uv")]
    publish = ("publish", "--publish-url", f"{registry.url}/legacy/", "--username")

    done = uv(*publish, "pub", "--password", "publisher-secret", *files, home=tmp_path)
    again = uv(*publish, "pub", "--password", "publisher-secret", *files, home=tmp_path)
    make_wheel(tmp_path, "by-uv", files={"by_uv/more.py": ""})
    other = uv(*publish, "pub", "--password", "publisher-secret", files[0], home=tmp_path)
    denied = uv(*publish, "rae", "--password", "reader-secret", *files, home=tmp_path)

    assert done.returncode == 0, done.stdout
    assert set(listed_files(registry, "by-uv")) == {file.name for file in files}
    assert again.returncode == 0, again.stdout
    assert other.returncode != 0
    assert "File already exists" in other.stdout
    assert denied.returncode != 0
    assert "has the role reader" in denied.stdout


def test_twine_uploads_and_is_told_why_not(registry: RegistryServer, tmp_path: Path) -> None:
    files = [make_wheel(tmp_path, "by-twine"), make_sdist(tmp_path, "by-twine")]

    def twine(user: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        options = ("--non-interactive", "--verbose", "--repository-url", f"{registry.url}/legacy/")
        return run(
            *(sys.executable, "-m", "twine", "upload", *options, *arguments),
            home=tmp_path,
            env={"TWINE_USERNAME": user, "TWINE_PASSWORD": registry.users[user][0]},
        )

    done = twine("pub", *files)
    again = twine("pub", *files)
    make_wheel(tmp_path, "by-twine", files={"by_twine/more.py": ""})
    other = twine("pub", files[0])
    denied = twine("rae", *files)

    assert done.returncode == 0, done.stdout
    assert set(listed_files(registry, "by-twine")) == {file.name for file in files}
    assert other.returncode != 0
    assert "File already exists" in other.stdout
    assert again.returncode == 0, again.stdout
    assert denied.returncode != 0
    assert "403" in denied.stdout


@pytest.mark.parametrize("path", ["/legacy/", "/simple/", "/"])
def test_poetry_publishes_to_any_of_the_addresses(
    registry: RegistryServer, poetry: PoetryHome, tmp_path: Path, path: str
) -> None:
    name = {"/legacy/": "at-legacy", "/simple/": "at-simple", "/": "at-root"}[path]
    project = make_project(tmp_path / name, name)
    make_wheel(project / "dist", name)
    make_sdist(project / "dist", name)
    configure(poetry, registry, project, "pub", path)

    result = poetry.run("publish", "-r", "corp", cwd=project)

    assert result.returncode == 0, result.stdout + result.stderr
    assert len(listed_files(registry, name)) == 2


def test_poetry_is_told_why_not(
    registry: RegistryServer, poetry: PoetryHome, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "base", "base")
    make_wheel(project / "dist", "base", files={"base/more.py": ""})
    configure(poetry, registry, project, "pub", "/legacy/")

    other = poetry.run("publish", "-r", "corp", cwd=project)
    skipped = poetry.run("publish", "-r", "corp", "--skip-existing", cwd=project)

    assert other.returncode != 0
    assert "File already exists" in other.stdout + other.stderr
    assert skipped.returncode == 0


def test_poetry_adds_from_the_registry_as_a_source(
    registry: RegistryServer, poetry: PoetryHome, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "app", "app")
    configure(poetry, registry, project, "rae", "/simple/")
    source = f'[[tool.poetry.source]]\nname = "corp"\nurl = "{registry.url}/simple/"\n'
    with (project / "pyproject.toml").open("a") as stream:
        stream.write(f'{source}priority = "primary"\n')
    poetry.run("config", "virtualenvs.in-project", "true", cwd=project)

    added = poetry.run("add", "top", cwd=project)

    assert added.returncode == 0, added.stdout + added.stderr
    assert len(list(project.glob(".venv/lib/*/site-packages/base-2.0.0.dist-info"))) == 1
    metadata = "/packages/base/base-2.0.0-py3-none-any.whl.metadata"
    assert "poetry/" in agents(registry, metadata)


def make_project(folder: Path, name: str) -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0.0"\nrequires-python = ">=3.10"\n'
        "[tool.poetry]\npackage-mode = true\n"
        '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    )
    (folder / name.replace("-", "_")).mkdir()
    (folder / name.replace("-", "_") / "__init__.py").write_text("")
    return folder


def configure(
    poetry: PoetryHome, registry: RegistryServer, project: Path, user: str, path: str
) -> None:
    password = registry.users[user][0]
    for setting in (
        ("repositories.corp", registry.url + path),
        ("http-basic.corp", user, password),
    ):
        assert poetry.run("config", *setting, cwd=project).returncode == 0
