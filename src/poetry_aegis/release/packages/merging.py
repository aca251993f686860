"""What holds for one package of a repository: the root's settings, and its own on top."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import SettingsError
from poetry_aegis.release.packages.requirements import table_at
from poetry_aegis.settings import PackageSettings, Settings, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the root says of itself, and of no package below it.
ROOT_ONLY = ("packages", "discover", "tag_format", "changelog", "version_files")
# Several packages' commits have to be told apart.
COMMIT_MESSAGE = "chore(release): {name} {version}"


def settings_table(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``[tool.poetry-aegis]`` of the project *document* as it stands there."""
    return dict(table_at(document, "tool", "poetry-aegis"))


def own_part(root_table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what *root_table* says of the root alone, where that is a package itself."""
    return {key: root_table[key] for key in ("version_files",) if key in root_table}


def settings_of(
    pyproject: Path,
    own: Mapping[str, Any],
    entry: PackageSettings,
    root: Path,
    root_table: Mapping[str, Any],
) -> Settings:
    """Return the settings of the package *pyproject*, the later ones over the earlier.

    They are what *root_table* says in the *root* ``pyproject.toml``, but for `ROOT_ONLY`; the
    package's *entry* there; its *own* ``[tool.poetry-aegis]``. Of tables (``bumps``, ``sections``,
    ``channels``, ``hooks``) single keys replace single keys. Raises `SettingsError`.
    """
    nested = [key for key in ("packages", "discover") if key in own]
    if nested:
        raise SettingsError(
            f"{nested[0]} in [tool.poetry-aegis] of {pyproject} has no meaning: {root} lists it.",
            hint="List all packages in one pyproject.toml.",
        )
    table: dict[str, Any] = {
        "commit_message": COMMIT_MESSAGE,
        **{key: value for key, value in root_table.items() if key not in ROOT_ONLY},
        "tag_format": entry.tag_format,
        "changelog": entry.changelog,
    }
    template = table.get("changelog_template")
    if isinstance(template, str):
        there = os.path.relpath(root.parent / template, pyproject.parent)
        table["changelog_template"] = Path(there).as_posix()
    for key, value in own.items():
        below = table.get(key)
        both_tables = isinstance(below, dict) and isinstance(value, dict)
        table[key] = below | value if both_tables else value
    return read_table(Settings, table, where=f"[tool.poetry-aegis] of {pyproject}")


def named(settings: Settings, name: str) -> Settings:
    """Return *settings* with the *name* of the package put in for ``{name}``."""
    return replace(
        settings,
        tag_format=_fill(settings.tag_format, name),
        commit_message=_fill(settings.commit_message, name),
    )


def _fill(template: str, name: str) -> str:
    filled = ""
    for literal, field, *_ in Formatter().parse(template):
        filled += literal.replace("{", "{{").replace("}", "}}")
        filled += name if field == "name" else f"{{{field}}}" if field else ""
    return filled
