"""Reads the settings file of a registry."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.errors import InvalidSettings
from poetry_aegis.registry.options import RegistrySettings
from poetry_aegis.tables import InvalidTable, read_table

if TYPE_CHECKING:
    from pathlib import Path


def load_settings(path: Path) -> RegistrySettings:
    """Return what the TOML file *path* says, paths made absolute. Raises `InvalidSettings`."""
    toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        table = toml.loads(path.read_text(encoding="utf-8"))
        settings = read_table(RegistrySettings, table, where=str(path))
    except OSError as error:
        raise InvalidSettings(f"{path} cannot be read: {error.strerror or error}.") from error
    except InvalidTable as error:
        raise InvalidSettings(f"{error} {error.hint}".strip()) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise InvalidSettings(f"{path} is not valid TOML: {error}.") from error
    if not settings.signatures.trust:
        return settings
    trust = os.path.abspath(path.parent / settings.signatures.trust)  # noqa: PTH100  no links followed
    return replace(settings, signatures=replace(settings.signatures, trust=trust))
