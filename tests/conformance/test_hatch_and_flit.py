from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.clients import run
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import RegistryServer, listed_files

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


def hatch(
    clients: Path, home: Path, registry: RegistryServer, user: str, *files: Path
) -> subprocess.CompletedProcess[str]:
    login = {"HATCH_INDEX_USER": user, "HATCH_INDEX_AUTH": registry.users[user][0]}
    command = (clients / "hatch", "publish", "-n", "-r", f"{registry.url}/legacy/")
    return run(*command, *files, home=home, cwd=home, env=login)


def flit(
    clients: Path, project: Path, registry: RegistryServer, user: str
) -> subprocess.CompletedProcess[str]:
    login = {
        "FLIT_INDEX_URL": f"{registry.url}/legacy/",
        "FLIT_USERNAME": user,
        "FLIT_PASSWORD": registry.users[user][0],
    }
    return run(clients / "flit", "publish", home=project, cwd=project, env=login)


def test_hatch_publishes_and_fails_where_it_may_not(
    registry: RegistryServer, clients: Path, tmp_path: Path
) -> None:
    wheel, sdist = make_wheel(tmp_path, "by-hatch"), make_sdist(tmp_path, "by-hatch")

    first = hatch(clients, tmp_path, registry, "pub", wheel)
    rest = hatch(clients, tmp_path, registry, "pub", wheel, sdist)
    make_wheel(tmp_path, "by-hatch", files={"by_hatch/more.py": ""})
    other = hatch(clients, tmp_path, registry, "pub", wheel)
    denied = hatch(clients, tmp_path, registry, "rae", wheel)

    assert first.returncode == 0, first.stdout
    assert rest.returncode == 0, rest.stdout
    assert set(listed_files(registry, "by-hatch")) == {wheel.name, sdist.name}
    # It shows the status alone, whatever the registry says.
    assert other.returncode != 0
    assert "400 Bad Request" in other.stdout
    assert denied.returncode != 0
    assert "403 Forbidden" in denied.stdout


def test_flit_publishes_what_it_builds_and_is_told_why_not(
    registry: RegistryServer, clients: Path, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
        '[project]\nname = "by-flit"\ndynamic = ["version", "description"]\n'
        'requires-python = ">=3.8"\ndependencies = ["base>=1"]\n'
    )
    module = tmp_path / "by_flit.py"
    module.write_text('"""A module."""\n\n__version__ = "1.0.0"\n')

    done = flit(clients, tmp_path, registry, "pub")
    module.write_text(module.read_text() + "more = True\n")
    other = flit(clients, tmp_path, registry, "pub")
    denied = flit(clients, tmp_path, registry, "rae")

    assert done.returncode == 0, done.stdout
    assert set(listed_files(registry, "by-flit")) == {
        "by_flit-1.0.0-py3-none-any.whl",
        "by_flit-1.0.0.tar.gz",
    }
    assert other.returncode != 0
    assert "File already exists" in other.stdout
    assert denied.returncode != 0
    assert "403" in denied.stdout
