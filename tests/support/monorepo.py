"""A repository with several packages in it, written from a few words about each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry.core.constraints.version import Version

from poetry_aegis.release.history.reading import History
from poetry_aegis.release.packages.workspace import Package, find_packages
from poetry_aegis.release.version.decision import Decision
from poetry_aegis.settings import load_settings
from tests.support.git import GitProject

if TYPE_CHECKING:
    from pathlib import Path

BUILD_SYSTEM = """
[build-system]
requires = ["poetry-core>=2.0"]
build-backend = "poetry.core.masonry.api"
"""


@dataclass(frozen=True)
class Member:
    """A package to write: *requires* are PEP 508 strings, *extra* is more TOML."""

    path: str
    name: str
    requires: tuple[str, ...] = ()
    version: str = "1.0.0"
    extra: str = ""
    module: str = field(default="")

    def write(self, root: Path) -> None:
        """Write the package's pyproject.toml and its one module."""
        directory = root / self.path
        module = self.module or self.name.replace("-", "_").replace(".", "_").lower()
        (directory / module).mkdir(parents=True, exist_ok=True)
        (directory / module / "__init__.py").write_text('"""A package."""\n')
        requires = "".join(f"    {requirement!r},\n" for requirement in self.requires)
        (directory / "pyproject.toml").write_text(
            f'[project]\nname = "{self.name}"\nversion = "{self.version}"\n'
            f"dependencies = [\n{requires}]\n{self.extra}{BUILD_SYSTEM}",
            encoding="utf-8",
        )


def make_monorepo(root: Path, settings: str, *members: Member) -> GitProject:
    """Return a new repository with *members*; *settings* is the root's pyproject.toml."""
    root.mkdir(parents=True)
    (root / "pyproject.toml").write_text(settings, encoding="utf-8")
    for member in members:
        member.write(root)
    project = GitProject(root)
    project.git("init", "--quiet", "--initial-branch=main")
    project.commit("chore: start")
    return project


def packages_in(project: GitProject) -> tuple[Package, ...]:
    """Return the packages that the root's settings list."""
    return find_packages(project.pyproject, load_settings(project.pyproject), project.root)


def decision(current: str, version: str, bump: str = "minor") -> Decision:
    """Return a decision about no commits at all."""
    return Decision(Version.parse(current), Version.parse(version), bump, NO_HISTORY)


NO_HISTORY = History(None, (), ())
