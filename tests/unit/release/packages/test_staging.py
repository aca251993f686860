from __future__ import annotations

import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
import tomlkit

from poetry_aegis.errors import BuildFailed, ReleaseError
from poetry_aegis.release.packages.staging import staged
from poetry_aegis.release.version.numbers import parse_version
from tests.support.monorepo import Member, make_monorepo, packages_in

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.release.packages.workspace import Package
    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome

ROOT = '[tool.poetry-aegis]\ndiscover = ["libs/*"]\n'
CORE = Member("libs/core", "core", version="1.2.0")
VERSIONS = {"core": parse_version("1.2.0"), "util": parse_version("0.3.0")}


@pytest.fixture
def repository(tmp_path: Path) -> GitProject:
    """Return a repository in which app depends on the path of core."""
    return make_monorepo(
        tmp_path / "한국어 repo", ROOT, CORE, Member("libs/app", "app", ("core[fast] @ ../core",))
    )


def app_of(repository: GitProject) -> Package:
    return next(package for package in packages_in(repository) if package.name == "app")


def test_wheel_and_sdist_name_versions_and_no_path(poetry: PoetryHome, tmp_path: Path) -> None:
    extra = (
        'readme = "../../README.md"\noptional-dependencies = { more = ["util @ ../util"] }\n'
        '[tool.poetry.group.dev.dependencies]\nutil = { path = "../util" }\n'
    )
    repository = make_monorepo(
        tmp_path / "repo",
        ROOT,
        CORE,
        Member("libs/util", "util", version="0.3.0"),
        Member("libs/app", "app", ('core @ ../core ; python_version >= "3.10"',), extra=extra),
    )
    (repository.root / "README.md").write_text("Read me here.\n")
    with staged(app_of(repository), VERSIONS, repository.root) as directory:
        built = poetry.run("build", "--output", str(tmp_path / "dist"), cwd=directory)
        assert built.returncode == 0, built.stdout + built.stderr
        assert "does not exist" not in built.stderr
    wheel, sdist = (next((tmp_path / "dist").glob(f"*{end}")) for end in (".whl", ".tar.gz"))
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = archive.read("app-1.0.0.dist-info/METADATA").decode()
    with tarfile.open(sdist) as archive:
        in_sdist = archive.extractfile("app-1.0.0/PKG-INFO").read().decode()  # type: ignore[union-attr]
        assert "app-1.0.0/README.md" in archive.getnames()
    for metadata in (in_wheel, in_sdist):
        assert 'Requires-Dist: core (>=1.2.0,<2.0.0) ; python_version >= "3.10"' in metadata
        assert 'Requires-Dist: util (>=0.3.0,<0.4.0) ; extra == "more"' in metadata
        assert "Read me here." in metadata
        assert "file://" not in metadata


def test_what_needs_no_change_is_built_in_its_place(repository: GitProject) -> None:
    core = next(package for package in packages_in(repository) if package.name == "core")
    with staged(core, VERSIONS, repository.root) as directory:
        assert directory == core.root


def test_the_copy_is_what_git_does_not_ignore_and_goes_away(repository: GitProject) -> None:
    root = repository.root / "libs/app"
    (root / ".gitignore").write_text("*.log\ngenerated/\n")
    (root / "noise.log").write_text("noise")
    (root / "new é.py").write_text("new = 1\n")
    (root / "gone.py").write_text("")
    repository.git("add", "libs/app/gone.py")
    (root / "gone.py").unlink()
    before = (root / "pyproject.toml").read_bytes()
    with staged(app_of(repository), VERSIONS, repository.root) as directory:
        files = {
            path.relative_to(directory).as_posix()
            for path in directory.rglob("*")
            if path.is_file()
        }
        document = tomlkit.parse((directory / "pyproject.toml").read_text("utf-8")).unwrap()
    assert files == {"pyproject.toml", ".gitignore", "new é.py", "app/__init__.py"}
    assert document["project"]["dependencies"] == ["core[fast] (>=1.2.0,<2.0.0)"]
    assert not directory.exists()
    assert (root / "pyproject.toml").read_bytes() == before


def test_what_include_names_is_copied_though_it_is_ignored(tmp_path: Path) -> None:
    extra = '[tool.poetry]\ninclude = ["data/*.bin", { path = "web/**/*", format = "wheel" }]\n'
    repository = make_monorepo(
        tmp_path / "repo", ROOT, CORE, Member("libs/app", "app", ("core @ ../core",), extra=extra)
    )
    root = repository.root / "libs/app"
    (root / ".gitignore").write_text("*.bin\nweb/\n")
    for name in ("data/x.bin", "web/deep/x.js", "other.bin"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    with staged(app_of(repository), VERSIONS, repository.root) as directory:
        assert (directory / "data/x.bin").read_text() == "data/x.bin"
        assert (directory / "web/deep/x.js").read_text() == "web/deep/x.js"
        assert not (directory / "other.bin").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_links_become_what_they_lead_to(repository: GitProject) -> None:
    root = repository.root / "libs/app"
    (repository.root / "LICENSE").write_text("Yours.\n")
    (repository.root / "shared").mkdir()
    (repository.root / "shared/tool.py").write_text("tool = 1\n")
    (root / "LICENSE").symlink_to("../../LICENSE")
    (root / "app/shared").symlink_to("../../../shared", target_is_directory=True)
    with staged(app_of(repository), VERSIONS, repository.root) as directory:
        for name, text in (("LICENSE", "Yours.\n"), ("app/shared/tool.py", "tool = 1\n")):
            assert not (directory / name).is_symlink()
            assert (directory / name).read_text() == text


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
@pytest.mark.parametrize(
    ("target", "message"),
    [("/etc/hosts", "leads out of the repository"), ("..", "leads back"), ("../../..", "out of")],
)
def test_a_link_that_leads_astray_is_refused(
    repository: GitProject, target: str, message: str
) -> None:
    (repository.root / "libs/app/link").symlink_to(target)
    with (
        pytest.raises(BuildFailed, match=message),
        staged(app_of(repository), VERSIONS, repository.root),
    ):
        pass


def test_a_readme_from_outside_takes_no_other_files_place(tmp_path: Path) -> None:
    extra = (
        'license = { file = "../../LICENSE" }\n'
        '[tool.poetry]\nreadme = ["README.md", "../../README.md"]\n'
    )
    repository = make_monorepo(tmp_path / "repo", ROOT, Member("libs/app", "app", extra=extra))
    (repository.root / "README.md").write_text("outside")
    (repository.root / "LICENSE").write_text("license")
    (repository.root / "libs/app/README.md").write_text("inside")
    with staged(app_of(repository), VERSIONS, repository.root) as directory:
        document = tomlkit.parse((directory / "pyproject.toml").read_text("utf-8")).unwrap()
        assert document["tool"]["poetry"]["readme"] == ["README.md", "_README.md"]
        assert document["project"]["license"] == {"file": "LICENSE"}
        texts = [(directory / name).read_text() for name in ("README.md", "_README.md", "LICENSE")]
    assert texts == ["inside", "outside", "license"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('readme = "../../../README.md"\n', "leads out of the repository"),
        ('readme = "../../MISSING.md"\n', "MISSING.md, which is no file"),
        ('[tool.poetry]\ninclude = ["../../data"]\n', "'../../data' in include of .* leaves"),
    ],
)
def test_files_that_cannot_be_built_in_are_told(tmp_path: Path, extra: str, message: str) -> None:
    repository = make_monorepo(
        tmp_path / "repo", ROOT, CORE, Member("libs/app", "app", ("core @ ../core",), extra=extra)
    )
    (tmp_path / "README.md").write_text("not in the repository")
    with (
        pytest.raises(BuildFailed, match=message),
        staged(app_of(repository), VERSIONS, repository.root),
    ):
        pass


def test_a_path_that_is_no_package_is_refused(tmp_path: Path) -> None:
    repository = make_monorepo(tmp_path / "repo", ROOT, Member("libs/app", "app", ("x @ ../x",)))
    with (
        pytest.raises(ReleaseError, match="no package of this repository"),
        staged(app_of(repository), VERSIONS, repository.root),
    ):
        pass
