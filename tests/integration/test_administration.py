"""An index administered with Poetry, as its users run it, and what installers make of that."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.clients import run
from tests.support.distributions import make_wheel
from tests.support.registry import RegistryServer, listed_files, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("registry")
    with running_registry(folder / "data") as server:
        for version in ("1.0.0", "2.0.0", "3.0.0"):
            assert upload(server, make_wheel(folder, "lib", version)).status_code == 200
        yield server


def configured(poetry: PoetryHome, registry: RegistryServer, user: str) -> PoetryHome:
    """Return *poetry* with the registry as its one repository."""
    variables = {
        "POETRY_REPOSITORIES_CORP_URL": f"{registry.url}/legacy/",
        "POETRY_HTTP_BASIC_CORP_USERNAME": user,
        "POETRY_HTTP_BASIC_CORP_PASSWORD": registry.users[user][0],
    }
    poetry.extra_env.update(variables)
    return poetry


def test_installers_pass_over_what_is_yanked(
    registry: RegistryServer, poetry: PoetryHome, tmp_path: Path
) -> None:
    done = configured(poetry, registry, "pub").run(
        *("aegis", "yank", "lib==3.0.0", "--reason", "loses data", "--json"), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["changed"] == ["lib-3.0.0-py3-none-any.whl"]

    index = registry.authenticated_url("rae")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--index-url", index]
    folder = tmp_path / "downloaded"
    assert run(*pip, "-d", folder, "lib", home=tmp_path).returncode == 0
    assert [path.name for path in folder.iterdir()] == ["lib-2.0.0-py3-none-any.whl"]
    pinned = run(*pip, "-d", folder, "lib==3.0.0", home=tmp_path)
    assert "loses data" in pinned.stdout, "who pins it gets it, and is told"

    wishes = tmp_path / "requirements.in"
    wishes.write_text("lib\n")
    uv = run(
        *(sys.executable, "-m", "uv", "pip", "compile", "--index-url", index, wishes),
        home=tmp_path,
    )
    assert uv.returncode == 0, uv.stdout
    assert "lib==2.0.0" in uv.stdout

    undone = poetry.run("aegis", "yank", "lib==3.0.0", "--undo", cwd=tmp_path)
    assert undone.stdout == "lib 3.0.0 is offered again: 1 file.\n"


def test_a_version_is_deleted_only_with_a_yes(
    registry: RegistryServer, poetry: PoetryHome, tmp_path: Path
) -> None:
    admin = configured(poetry, registry, "ada")
    refused = admin.run("aegis", "delete", "lib==1.0.0", cwd=tmp_path)
    assert refused.returncode == 2
    assert "Add --yes" in refused.stderr
    assert "lib-1.0.0-py3-none-any.whl" in listed_files(registry, "lib")
    done = admin.run("aegis", "delete", "lib==1.0.0", "--yes", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "lib-1.0.0-py3-none-any.whl" not in listed_files(registry, "lib")
