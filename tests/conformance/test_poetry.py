from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import tomlkit

from tests.conformance.conftest import YANKED_FOR, make_token
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import RegistryServer, listed_files, upload

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conformance.relay import Index
    from tests.support.poetry import PoetryHome


def make_project(folder: Path, name: str, *, source: str = "", needs: str = "") -> Path:
    (folder / name).mkdir(parents=True)
    content = (
        f'[project]\nname = "{name}"\nversion = "1.0.0"\nrequires-python = ">=3.10"\n'
        f"dependencies = [{needs}]\n"
        "[tool.poetry]\npackage-mode = true\n"
        '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    )
    if source:
        content += (
            f'[[tool.poetry.source]]\nname = "corp"\nurl = "{source}"\npriority = "primary"\n'
        )
    (folder / name / "pyproject.toml").write_text(content)
    return folder / name


def locked_packages(project: Path) -> list[dict[str, Any]]:
    lock = tomlkit.parse((project / "poetry.lock").read_text(encoding="utf-8")).unwrap()
    return list(lock["package"])


def locked_versions(project: Path) -> dict[str, str]:
    return {package["name"]: package["version"] for package in locked_packages(project)}


def log_in(poetry: PoetryHome, user: str, password: str, repository: str = "") -> None:
    """Let *poetry* know who it is for the source, or repository, ``corp``."""
    poetry.extra_env.update(
        {
            "POETRY_HTTP_BASIC_CORP_USERNAME": user,
            "POETRY_HTTP_BASIC_CORP_PASSWORD": password,
            "POETRY_VIRTUALENVS_IN_PROJECT": "true",
            **({"POETRY_REPOSITORIES_CORP_URL": repository} if repository else {}),
        }
    )


def test_locks_from_metadata_alone_and_installs(
    index: Index, poetry: PoetryHome, tmp_path: Path
) -> None:
    app = make_project(tmp_path, "app", source=index.simple, needs='"top"')
    (app / "app.py").write_text("")
    log_in(poetry, "rae", "reader-secret")

    locked = poetry.run("lock", cwd=app)
    fetched_to_lock = index.fetched(".whl")
    installed = poetry.run("install", cwd=app)

    assert locked.returncode == 0, locked.stdout + locked.stderr
    assert index.sent_only_its_format()
    assert fetched_to_lock == []
    assert "poetry/" in index.agents("base-2.0.0-py3-none-any.whl.metadata")
    assert locked_versions(app) == {"top": "1.0.0", "base": "2.0.0"}
    [base] = [package for package in locked_packages(app) if package["name"] == "base"]
    listed = listed_files(index.registry, "base")["base-2.0.0-py3-none-any.whl"]
    assert base["files"] == [
        {"file": listed["filename"], "hash": f"sha256:{listed['hashes']['sha256']}"}
    ]
    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert len(list(app.glob(".venv/**/base-2.0.0.dist-info"))) == 1


def test_adds_what_is_not_yanked(json_index: Index, poetry: PoetryHome, tmp_path: Path) -> None:
    app = make_project(tmp_path, "app", source=json_index.simple)
    log_in(poetry, "rae", "reader-secret")

    added = poetry.run("add", "--lock", "base<3", cwd=app)
    chosen = locked_versions(app)
    pinned = poetry.run("add", "--lock", "base==2.5.0", cwd=app)

    assert added.returncode == 0, added.stdout + added.stderr
    assert chosen == {"base": "2.0.0"}
    assert pinned.returncode == 0, pinned.stdout + pinned.stderr
    assert locked_versions(app) == {"base": "2.5.0"}
    assert YANKED_FOR in pinned.stdout + pinned.stderr


def test_refuses_a_file_that_is_not_what_is_locked(
    json_index: Index, poetry: PoetryHome, tmp_path: Path
) -> None:
    registry = json_index.registry
    assert upload(registry, make_wheel(tmp_path, "changed")).status_code == 200
    app = make_project(tmp_path, "app", source=json_index.simple, needs='"changed"')
    log_in(poetry, "rae", "reader-secret")
    assert poetry.run("lock", cwd=app).returncode == 0
    make_wheel(registry.data / "packages" / "changed", "changed", files={"other.py": ""})

    result = poetry.run("install", "--no-root", cwd=app)

    assert result.returncode != 0
    assert "hash" in (result.stdout + result.stderr).lower()


def test_is_told_of_a_wrong_password(json_index: Index, poetry: PoetryHome, tmp_path: Path) -> None:
    app = make_project(tmp_path, "app", source=json_index.simple)
    log_in(poetry, "rae", "wrong")

    result = poetry.run("add", "--lock", "base", cwd=app)

    assert result.returncode != 0
    assert "Authorization error" in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("path", "name"), [("/legacy/", "at-legacy"), ("/simple/", "at-simple"), ("/", "at-root")]
)
def test_publishes_to_any_of_the_addresses(
    registry: RegistryServer, poetry: PoetryHome, tmp_path: Path, path: str, name: str
) -> None:
    project = make_project(tmp_path, name)
    make_wheel(project / "dist", name)
    make_sdist(project / "dist", name)
    log_in(poetry, "pub", "publisher-secret", registry.url + path)

    result = poetry.run("publish", "-r", "corp", cwd=project)

    assert result.returncode == 0, result.stdout + result.stderr
    assert len(listed_files(registry, name)) == 2


def test_publishes_what_it_builds_with_a_token(
    registry: RegistryServer, poetry: PoetryHome, tmp_path: Path
) -> None:
    project = make_project(tmp_path, "by-poetry")
    (project / "by_poetry.py").write_text("")
    log_in(poetry, "__token__", make_token(registry, "pub", "upload"), f"{registry.url}/legacy/")

    result = poetry.run("publish", "--build", "-r", "corp", cwd=project)

    assert result.returncode == 0, result.stdout + result.stderr
    assert set(listed_files(registry, "by-poetry")) == {
        "by_poetry-1.0.0-py3-none-any.whl",
        "by_poetry-1.0.0.tar.gz",
    }


def test_does_not_replace_what_is_there(
    registry: RegistryServer, poetry: PoetryHome, tmp_path: Path
) -> None:
    project = make_project(tmp_path, "base")
    make_wheel(project / "dist", "base", files={"base/more.py": ""})
    log_in(poetry, "pub", "publisher-secret", f"{registry.url}/legacy/")

    other = poetry.run("publish", "-r", "corp", cwd=project)
    skipped = poetry.run("publish", "-r", "corp", "--skip-existing", cwd=project)

    assert other.returncode != 0
    assert "File already exists" in other.stdout + other.stderr
    assert skipped.returncode == 0, skipped.stdout + skipped.stderr
    assert "File exists. Skipping" in skipped.stdout + skipped.stderr


def test_is_told_that_a_reader_may_not_publish(
    registry: RegistryServer, poetry: PoetryHome, tmp_path: Path
) -> None:
    project = make_project(tmp_path, "denied")
    make_wheel(project / "dist", "denied")
    log_in(poetry, "rae", "reader-secret", f"{registry.url}/legacy/")

    result = poetry.run("publish", "-r", "corp", cwd=project)

    assert result.returncode != 0
    assert "403" in result.stdout + result.stderr
    assert listed_files(registry, "denied") == {}
