"""The project that a command is about, as Poetry finds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import CorruptProject, NoProject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry.console.commands.command import Command


@dataclass(frozen=True)
class Project:
    """A project as its ``pyproject.toml`` names it. Both paths are absolute."""

    name: str
    pyproject: Path

    @property
    def root(self) -> Path:
        """The directory of ``pyproject.toml``."""
        return self.pyproject.parent


def load_project(command: Command) -> Project:
    """Return the project that *command* is about, with ``-C`` and ``-P`` obeyed.

    Reads ``pyproject.toml`` itself: Poetry refuses to load a project without a version, which is
    just what some commands have to explain. What needs no name is called as its directory. Raises
    `NoProject` and `CorruptProject`.
    """
    from poetry_aegis.settings import read_toml

    pyproject = locate(command)
    document = read_toml(pyproject)
    name = table(document, "project").get("name") or table(document, "tool", "poetry").get("name")
    package_mode = table(document, "tool", "poetry").get("package-mode") is not False
    if lists_packages(document) or not package_mode:
        name = name or pyproject.parent.name
    if not isinstance(name, str) or not name.strip():
        raise CorruptProject(
            f"{pyproject} names no package.", hint='Add name = "..." to its [project] table.'
        )
    return Project(name=name, pyproject=pyproject)


def reload_project(command: Command) -> None:
    """Make Poetry forget the project it has read: its version has changed on disk."""
    command.reset_poetry()


def content_hash(pyproject: Path, content: bytes) -> str:
    """Return Poetry's hash of the dependencies in *content*, a ``pyproject.toml``'s.

    It is what ``poetry.lock`` beside *pyproject* is compared with.
    """
    import tomlkit
    from poetry.packages.locker import Locker

    document = tomlkit.parse(content.decode("utf-8")).unwrap()
    locker = Locker(pyproject.with_name("poetry.lock"), document)
    return locker._get_content_hash()  # noqa: SLF001 - there is no other way to it


def locate(command: Command) -> Path:
    """Return the absolute path of the ``pyproject.toml`` that *command* is about.

    ``-C`` and ``-P`` are obeyed. Raises `NoProject`.
    """
    from poetry.factory import Factory

    directory = command.get_application().project_directory
    # `-C` is obeyed by changing the directory, after which a relative path would mislead.
    start = directory if directory.is_absolute() else Path.cwd()
    try:
        return Factory.locate(start).resolve()
    except RuntimeError:
        raise NoProject(
            f"There is no pyproject.toml in {start} or above it.",
            hint="Run the command inside a project, or name one: poetry -C DIRECTORY aegis ...",
        ) from None


def lists_packages(document: Mapping[str, Any]) -> bool:
    """Return whether the project is the root of others, and may be no package itself."""
    return bool(table(document, "tool", "poetry-aegis").keys() & {"packages", "discover"})


def table(document: Any, *keys: str) -> dict[str, Any]:
    """Return the table that *keys* lead to in a TOML *document*, an empty one if none is there."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def first_line(error: Exception) -> str:
    """Return the first line of what *error* says, or else its kind."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
