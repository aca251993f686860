"""Small worlds to release in: a project, its remote and an index, with everything in the way.

A world is a directory. What is in it can be copied, spoilt, compared and thrown away.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.release.choice import Request
from poetry_aegis.release.engine import Release, open_release, reopen
from poetry_aegis.release.finish import open_finish
from poetry_aegis.release.sequence import Additions
from poetry_aegis.release.steps import Build, Publish
from poetry_aegis.settings import load_settings
from tests.support.git import PYPROJECT, GitProject, make_project
from tests.support.monorepo import Member, make_monorepo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from poetry_aegis.release.journal import Step
    from poetry_aegis.release.plan import PackagePlan, Plan

DATES = {"GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z"}

SETTINGS = """
[tool.poetry-aegis]
changelog = "docs/news/CHANGELOG.md"
version_files = ["demo_pkg/__init__.py:__version__"]

[tool.poetry-aegis.hooks]
pre_bump = ["sh tools/pre_bump"]
pre_commit = ["sh tools/pre_commit"]
"""
PRE_BUMP = 'echo "$AEGIS_VERSION" >> NEWS\n'
PRE_COMMIT = 'echo "$AEGIS_TAG" >> NEWS; mkdir -p made; echo new > made/new; git add made/new\n'
# What formatters do: one file rewritten and staged, another one added; content when run again.
GIT_PRE_COMMIT = """\
#!/bin/sh
sed -i.bak 's/^- /* /' docs/news/CHANGELOG.md && rm docs/news/CHANGELOG.md.bak
mkdir -p extra && echo extra > extra/file
git add docs/news/CHANGELOG.md extra/file
"""
# What git keeps for its own convenience, and the two that stay after a release on purpose.
PASSING = {"COMMIT_EDITMSG", "FETCH_HEAD", "ORIG_HEAD", "index", "logs", "objects"}
PASSING |= {"poetry-aegis.kept", "poetry-aegis.lock"}


@dataclass
class FakeIndex(Additions):
    """Builds and publishes as the real ones do, into the directory *shelf*."""

    shelf: Path
    refuses: Exception | None = None
    said: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.said.append(line)

    def building(self, plan: Plan, package: PackagePlan, directory: Path) -> list[Step]:
        wheel = directory / f"{package.distribution}-{package.version}.whl"

        def build() -> None:
            part = directory.with_name(f"{directory.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            (part / wheel.name).write_bytes(package.pyproject.read_bytes())
            part.rename(directory)

        def discard() -> None:
            shutil.rmtree(directory, ignore_errors=True)

        return [Build(build, wheel.exists, discard, name=f"build:{package.name}")]

    def publishing(self, plan: Plan, package: PackagePlan, directory: Path) -> list[Step]:
        name = f"{package.distribution}-{package.version}.whl"
        arrived = self.shelf / name
        dist = package.root / "dist"

        def publish() -> None:
            if self.refuses:
                raise self.refuses
            part = self.shelf / f"{name}.part"
            part.write_bytes((directory / name).read_bytes())
            part.replace(arrived)
            dist.mkdir(exist_ok=True)
            shutil.copyfile(directory / name, dist / name)

        def discard(names: Sequence[str]) -> None:
            for file in names:
                (dist / file).unlink(missing_ok=True)

        return [
            Publish(
                "shelf",
                publish,
                arrived.exists,
                lambda: [] if (dist / name).exists() else [name],
                discard,
                name=f"publish:{package.name}",
            )
        ]


@dataclass
class World:
    """What a release can change, below *root*, and the *request* to make there."""

    root: Path
    request: Request

    @property
    def project(self) -> GitProject:
        return GitProject(self.root / "project")

    @property
    def remote(self) -> GitProject:
        return GitProject(self.root / "origin.git")

    @property
    def additions(self) -> FakeIndex:
        return FakeIndex(self.root / "shelf")

    def open(self) -> Release:
        """Return the release that is to be made."""
        pyproject = self.project.pyproject
        settings = load_settings(pyproject)
        begin = open_finish if self.request.target == "finish" else open_release
        release = begin(pyproject, settings, self.request, self.additions)
        assert release is not None
        return release

    def reopen(self, additions: FakeIndex | None = None) -> Release:
        """Return the release that broke off."""
        return reopen(self.project.root, lambda plan: additions or self.additions)

    def seen(self) -> object:
        """Return what others may have seen of a release."""
        shelf = self.root / "shelf"
        return self.remote.git("for-each-ref"), sorted(path.name for path in shelf.iterdir())

    def state(self) -> dict[str, object]:
        """Return all that a release may change, to compare one world with another."""
        root, git = self.project.root, self.project.root / ".git"
        names = [
            Path(directory, name).relative_to(root)
            for directory, directories, files in os.walk(root)
            for name in [*directories, *files]
            if ".git" not in Path(directory).relative_to(root).parts and name != ".git"
        ]
        shelf = (self.root / "shelf").glob("*.whl")  # A part of an upload is the index's affair.
        return {
            "files": {
                name.as_posix(): (root / name).read_bytes() if (root / name).is_file() else None
                for name in names
            },
            "head": (git / "HEAD").read_text(),
            "refs": self.project.git("for-each-ref"),
            "index": self.project.git("ls-files", "--stage"),
            "status": self.project.git("status", "--porcelain"),
            "config": (git / "config").read_text(),
            "git": sorted({path.name for path in git.iterdir()} - PASSING),
            "remote": self.remote.git("for-each-ref"),
            "shelf": {path.name: path.read_bytes() for path in shelf},
        }


def everything(root: Path, *, push: bool = True, branch: str | None = None) -> World:
    """Return a world with hooks, version files, a new directory and the user's own edits."""
    project = make_project(root / "project", pyproject=PYPROJECT + SETTINGS)
    (project.root / "tools").mkdir()
    project.commit(
        "feat: tools",
        **{
            "tools/pre_bump": PRE_BUMP,
            "tools/pre_commit": PRE_COMMIT,
            "NEWS": "news\n",
            "demo_pkg/__init__.py": '__version__ = "0.1.0"\n',
            "staged.txt": "staged\n",
            "edited.txt": "edited\n",
        },
    )
    project.tag("v0.1.0")
    project.commit("feat: more", **{"demo_pkg/more.py": "more = 1\n"})
    _furnish(root, project)
    if branch is None:
        (project.root / "staged.txt").write_text("staged by the user\n")
        project.git("add", "staged.txt")
        (project.root / "edited.txt").write_text("edited by the user\n")
    (project.root / "stray.txt").write_text("not git's\n")
    hook = project.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(GIT_PRE_COMMIT)
    hook.chmod(0o755)
    return World(root, Request("auto", push=push, allow_dirty=branch is None, branch=branch))


def finishing(root: Path) -> World:
    """Return a world whose release is merged and waits for its tag."""
    project = make_project(root / "project")
    project.tag("v0.1.0")
    project.commit("feat: more", **{"demo_pkg/more.py": "more = 1\n"})
    release = open_release(project.pyproject, load_settings(project.pyproject), Request("auto"))
    assert release is not None
    release.run(lambda step: None)
    project.git("tag", "--delete", release.plan.tag)
    _furnish(root, project)
    return World(root, Request("finish", push=True))


def wave(root: Path) -> World:
    """Return a world of several packages, of which two are released."""
    settings = '[tool.poetry-aegis]\ndiscover = ["libs/*"]\n'
    project = make_monorepo(
        root / "project",
        settings,
        Member("libs/core", "core"),
        Member("libs/app", "app", requires=("core >=1.0,<2.0",)),
    )
    for name in ("core", "app"):
        project.tag(f"{name}-v1.0.0")
    (project.root / ".gitignore").write_text("dist/\n")
    project.commit("feat!: core", **{"libs/core/core/more.py": "more = 1\n"})
    _furnish(root, project)
    return World(root, Request("auto", push=True, packages=()))


def _furnish(root: Path, project: GitProject) -> None:
    (root / "shelf").mkdir()
    bare = GitProject(root / "origin.git")
    bare.root.mkdir()
    bare.git("init", "--quiet", "--bare", "--initial-branch=main")
    # Relative, so that the world can be moved.
    project.git("remote", "add", "origin", "../origin.git")
    project.git("push", "--quiet", "--tags", "--set-upstream", "origin", "main")
    for repository in (project.root / ".git", bare.root):
        shutil.rmtree(repository / "hooks")
        (repository / "hooks").mkdir()
    # A world of few files is a world that is quickly copied.
    for place in (project, bare):
        place.git("repack", "-adq")
        place.git("prune-packed", "--quiet")


WORLDS: dict[str, Callable[[Path], World]] = {
    "everything": everything,
    "unpushed": partial(everything, push=False),
    "branch": partial(everything, branch="release/{version}"),
    "finish": finishing,
    "wave": wave,
}
