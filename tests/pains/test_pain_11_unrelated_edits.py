"""Pain 11: the bump's commit sweeps in whatever else was edited (``git commit -a``).

https://github.com/commitizen-tools/commitizen/issues/345,
https://github.com/commitizen-tools/commitizen/issues/1194

Here a tree with edits is refused; with ``--allow-dirty`` they stay exactly as they are, staged or
not, whether the release is made or taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import DirtyTree
from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import Release, open_release
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from tests.support.git import GitProject


def prepare(project: GitProject, *, allow_dirty: bool) -> Release:
    request = Request("auto", allow_dirty=allow_dirty)
    release = open_release(project.pyproject, Settings(), request)
    assert release is not None
    return release


@pytest.fixture
def edited(project: GitProject) -> GitProject:
    """Return a project with every kind of edit."""
    names = ["staged", "unstaged", "both", "deleted", "removed", "renamed"]
    project.commit("feat: x", **dict.fromkeys(names, "one\n"))
    project.tag("v1.0.0")
    project.commit("fix: y")
    for name in ("staged", "both"):
        (project.root / name).write_text("two\n")
        project.git("add", name)
    for name in ("unstaged", "both"):
        (project.root / name).write_text("three\n")
    (project.root / "deleted").unlink()
    project.git("rm", "--quiet", "removed")
    project.git("mv", "renamed", "named anew")
    for name in ("added", "intended", "untracked"):
        (project.root / name).write_text("new\n")
    project.git("add", "added")
    project.git("add", "--intent-to-add", "intended")
    return project


def test_edits_are_refused_unless_they_are_allowed(edited: GitProject) -> None:
    before = edited.state()
    with pytest.raises(DirtyTree, match="uncommitted changes") as caught:
        prepare(edited, allow_dirty=False)
    assert "--allow-dirty" in caught.value.hint
    assert edited.state() == before


def test_edits_stay_as_they_are(edited: GitProject) -> None:
    status = edited.git("status", "--porcelain")
    staged = edited.git("diff", "--cached")
    unstaged = edited.git("diff")
    prepare(edited, allow_dirty=True).run(lambda step: None)
    changed = edited.git("show", "--name-only", "--format=", "HEAD").split()
    assert sorted(changed) == ["CHANGELOG.md", "pyproject.toml"]
    assert edited.git("status", "--porcelain") == status
    assert edited.git("diff", "--cached") == staged
    assert edited.git("diff") == unstaged


def test_edits_stay_as_they_are_where_the_release_is_taken_back(edited: GitProject) -> None:
    before = edited.state()
    release = prepare(edited, allow_dirty=True)

    def interrupt() -> None:
        do()
        raise KeyboardInterrupt

    last = release.steps[-1]
    do = last.do
    last.do = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        release.run(lambda step: None)
    assert edited.state() == before


def test_edits_of_what_the_release_writes_are_never_swept_in(project: GitProject) -> None:
    project.commit("feat: x", **{"CHANGELOG.md": "# Changelog\n"})
    project.changelog.write_text("# Changelog\n\nhalf a thought")
    before = project.state()
    with pytest.raises(DirtyTree, match=r"would write files .* CHANGELOG\.md"):
        prepare(project, allow_dirty=True)
    assert project.state() == before
