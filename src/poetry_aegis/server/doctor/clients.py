"""Poetry's own configuration on this machine, read as plain files."""

from __future__ import annotations

import contextlib
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from poetry_aegis.server.doctor.context import Context

_VARIABLE = re.compile(r"POETRY_REPOSITORIES_(?P<name>[A-Z_]+)_URL")


def configured_repositories(context: Context) -> dict[str, str]:
    """Return the repositories of Poetry's configuration file, as names and addresses."""
    table = _configuration(context).get("repositories", {})
    found = table.items() if isinstance(table, dict) else ()
    return {
        str(name): str(entry["url"])
        for name, entry in found
        if isinstance(entry, dict) and "url" in entry
    }


def repositories_of_environment(context: Context) -> dict[str, str]:
    """Return the variables that define a repository, by the name that Poetry gives it."""
    found = ((_VARIABLE.fullmatch(variable), variable) for variable in context.environment)
    return {match["name"].lower().replace("_", "-"): variable for match, variable in found if match}


def repositories_here(context: Context) -> list[str]:
    """Return the repositories that are on this server, by name."""
    variables = repositories_of_environment(context)
    urls = {name: context.environment[variable] for name, variable in variables.items()}
    known = configured_repositories(context) | urls
    return sorted(name for name, url in known.items() if host_of(url) == context.name)


def poetry_certificate(context: Context, name: str) -> str | Literal[False] | None:
    """Return what Poetry is to verify repository *name* by; ``False`` where it is not to."""
    variable = f"POETRY_CERTIFICATES_{name.upper().replace('-', '_')}_CERT"
    value: Any = context.environment.get(variable)
    if value is None:
        table = _configuration(context).get("certificates", {})
        entry = table.get(name, {}) if isinstance(table, dict) else {}
        value = entry.get("cert") if isinstance(entry, dict) else None
    if value is False or str(value).lower() == "false":
        return False
    return None if value in (None, "", True, "true") else str(value)


def host_of(url: str) -> str:
    """Return the host of *url*, empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _configuration(context: Context) -> dict[str, Any]:
    toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    with contextlib.suppress(OSError, ValueError):
        loaded: dict[str, Any] = toml.loads(_file(context).read_text(encoding="utf-8"))
        return loaded
    return {}


def _file(context: Context) -> Path:
    environment, user = context.environment, context.machine.user_folder
    if named := environment.get("POETRY_CONFIG_DIR"):
        return Path(named) / "config.toml"
    default = user / ("Library/Application Support" if sys.platform == "darwin" else ".config")
    return Path(environment.get("XDG_CONFIG_HOME") or default) / "pypoetry" / "config.toml"
