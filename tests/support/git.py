"""A real git repository with a project in it, made for a test and thrown away with it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


PYPROJECT = """\
# The project's own comment.
[project]
name = "demo-pkg"
version = "{version}"  # keep me
description = "A demonstration."
requires-python = ">=3.10"

[build-system]
requires = ["poetry-core>=2.0"]
build-backend = "poetry.core.masonry.api"
"""


@dataclass(frozen=True)
class GitProject:
    """A repository at *root* whose project is at its top."""

    root: Path

    @property
    def pyproject(self) -> Path:
        return self.root / "pyproject.toml"

    @property
    def changelog(self) -> Path:
        return self.root / "CHANGELOG.md"

    def git(self, *arguments: str, check: bool = True) -> str:
        """Run git as a person would, with an identity of its own and nobody's settings."""
        return subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=git_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=check,
        ).stdout.strip()

    def commit(self, message: str, **files: str) -> str:
        """Commit *files* (name to text), or nothing, under *message*; return the commit's id."""
        for name, text in files.items():
            (self.root / name).write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str) -> None:
        """Make the annotated tag *name* on HEAD."""
        self.git("tag", "--annotate", "-m", name, name)

    def tags(self) -> list[str]:
        """Return the names of the tags."""
        return self.git("tag").split()

    def state(self) -> dict[str, object]:
        """Return all that a release may change, to compare before with after."""
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return {
            "files": {
                path.relative_to(self.root).as_posix(): path.read_bytes()
                for path in files
                if ".git" not in path.relative_to(self.root).parts
            },
            "head": self.git("rev-parse", "HEAD"),
            "refs": self.git("for-each-ref"),
            "index": self.git("ls-files", "--stage"),
            "status": self.git("status", "--porcelain"),
        }

    def add_remote(self, path: Path, name: str = "origin") -> GitProject:
        """Make a bare repository at *path*, push to it, and return it."""
        bare = GitProject(path)
        path.mkdir()
        bare.git("init", "--quiet", "--bare", "--initial-branch=main")
        self.git("remote", "add", name, str(path))
        self.git("push", "--quiet", "--set-upstream", name, "main")
        return bare


def make_project(root: Path, version: str = "0.1.0", pyproject: str = PYPROJECT) -> GitProject:
    """Return a new repository with a package in it and one commit that releases nothing."""
    (root / "demo_pkg").mkdir(parents=True)
    (root / "demo_pkg" / "__init__.py").write_text('"""A package."""\n')
    (root / "pyproject.toml").write_text(pyproject.format(version=version), encoding="utf-8")
    (root / ".gitignore").write_text("dist/\n__pycache__/\n")
    project = GitProject(root)
    project.git("init", "--quiet", "--initial-branch=main")
    project.commit("chore: start")
    return project


def clone(origin: GitProject, to: Path, *options: str) -> GitProject:
    """Clone *origin* as from a server, so that ``--depth`` and ``--filter`` count."""
    origin.git("clone", "--quiet", *options, origin.root.as_uri(), str(to))
    return GitProject(to)


def git_environment() -> dict[str, str]:
    """Return an environment in which git has an identity and no settings of this machine."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada Lovelace",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada Lovelace",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
    }
