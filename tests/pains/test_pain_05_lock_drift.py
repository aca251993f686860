"""Pain 5: a bump makes the lock file drift, and CI goes red. Here ``poetry check --lock`` passes.

https://github.com/astral-sh/uv/issues/7994,
https://github.com/python-semantic-release/python-semantic-release/issues/1280

Poetry's content hash covers the dependencies and not the version, so a release need not touch
``poetry.lock``; these tests would tell if either were to change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.release.version_files import version_file_changes

if TYPE_CHECKING:
    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome


def test_the_lock_file_is_valid_after_a_release(poetry: PoetryHome, project: GitProject) -> None:
    assert poetry.run("lock", cwd=project.root).returncode == 0
    lock = (project.root / "poetry.lock").read_bytes()
    project.tag("v0.1.0")
    project.commit("feat: locked")
    released = poetry.run("aegis", "release", "minor", cwd=project.root)
    assert released.returncode == 0, released.stderr
    assert project.tags() == ["v0.1.0", "v0.2.0"]
    assert (project.root / "poetry.lock").read_bytes() == lock
    checked = poetry.run("check", "--lock", cwd=project.root)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert project.git("status", "--porcelain") == ""

    # The check is not one that always passes: dependencies do make the lock file drift.
    text = project.pyproject.read_text()
    project.pyproject.write_text(
        text.replace("requires-python", 'dependencies = ["tomli"]\nrequires-python')
    )
    assert poetry.run("check", "--lock", cwd=project.root).returncode != 0


def test_a_release_makes_no_lock_file_where_there_is_none(
    poetry: PoetryHome, project: GitProject
) -> None:
    project.commit("feat: unlocked")
    assert poetry.run("aegis", "release", "minor", cwd=project.root).returncode == 0
    assert not (project.root / "poetry.lock").exists()


def test_a_version_file_does_not_make_the_lock_file_drift(
    poetry: PoetryHome, project: GitProject
) -> None:
    module = project.root / "demo_pkg" / "__init__.py"
    module.write_text('__version__ = "0.1.0"\n')
    with project.pyproject.open("a") as text:
        text.write('\n[tool.poetry-aegis]\nversion_files = ["demo_pkg/__init__.py:__version__"]\n')
    assert poetry.run("lock", cwd=project.root).returncode == 0
    (change,) = version_file_changes(
        project.root, ["demo_pkg/__init__.py:__version__"], "0.1.0", "0.2.0"
    )
    change.path.write_bytes(change.after)
    bumped = poetry.run("aegis", "bump", "minor", cwd=project.root)
    assert bumped.returncode == 0, bumped.stderr
    assert module.read_text() == '__version__ = "0.2.0"\n'
    assert poetry.run("check", "--lock", cwd=project.root).returncode == 0
