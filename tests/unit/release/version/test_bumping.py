from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.errors import SettingsError, UnfinishedRelease, UsageError
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.record import Record
from poetry_aegis.release.version.bumping import plan_bump
from poetry_aegis.settings import Settings
from tests.support.git import make_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject

ENTRIES = ("demo_pkg/__init__.py:__version__", "docs.txt:release {version}")


@pytest.fixture
def versioned(tmp_path: Path) -> GitProject:
    """Return a project that names its version in three files."""
    project = make_project(tmp_path / "project")
    (project.root / "demo_pkg" / "__init__.py").write_text('__version__ = "0.1.0"\n')
    (project.root / "docs.txt").write_text("This is release 0.1.0 of it.\n")
    return project


def contents(project: GitProject) -> dict[str, bytes]:
    names = ("pyproject.toml", "docs.txt", "demo_pkg/__init__.py")
    return {name: (project.root / name).read_bytes() for name in names}


def test_every_place_has_the_new_version_and_nothing_else_changes(versioned: GitProject) -> None:
    before = contents(versioned)
    bump = plan_bump(versioned.pyproject, Settings(version_files=ENTRIES), "minor", None)
    assert contents(versioned) == before
    bump.write()
    assert contents(versioned) == {
        name: content.replace(b"0.1.0", b"0.2.0") for name, content in before.items()
    }


def test_a_project_without_a_repository_can_be_bumped(tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text('[project]\nname = "x"\nversion = "1.0rc1"\n')
    plan_bump(pyproject, Settings(), "final", None).write()
    assert pyproject.read_text() == '[project]\nname = "x"\nversion = "1.0"\n'


def test_the_files_of_an_unfinished_release_are_left_to_it(versioned: GitProject) -> None:
    record = Record.of(GitRepository(versioned.root).git_directory())
    record.open({})
    before = contents(versioned)
    with pytest.raises(UnfinishedRelease) as caught:
        plan_bump(versioned.pyproject, Settings(), "minor", None)
    assert "--resume" in caught.value.hint
    assert contents(versioned) == before
    record.close()
    assert plan_bump(versioned.pyproject, Settings(), "minor", None).version.text == "0.2.0"


def test_a_place_that_is_not_there_is_told_of_before_anything_is_written(
    versioned: GitProject,
) -> None:
    settings = Settings(version_files=(*ENTRIES, "docs.txt:edition {version}"))
    with pytest.raises(SettingsError, match="nowhere"):
        plan_bump(versioned.pyproject, settings, "minor", None)
    with pytest.raises(UsageError):
        plan_bump(versioned.pyproject, Settings(), "final", None)


def test_a_file_that_cannot_be_written_takes_the_others_back(
    versioned: GitProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(versioned)
    bump = plan_bump(versioned.pyproject, Settings(version_files=ENTRIES), "minor", None)
    write = atomic.write_bytes

    def full(path: Path, content: bytes) -> None:
        if path.name == "docs.txt" and b"0.2.0" in content:
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(atomic, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        bump.write()
    assert contents(versioned) == before
