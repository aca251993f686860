"""The only room that touches Poetry's internals.

Poetry promises no stable API to plugins. What the plugin needs of it is gathered here and handed on
as the plugin's own values, so that a change in Poetry is one change here.
"""

from __future__ import annotations

from poetry_aegis.poetry_api.building import build
from poetry_aegis.poetry_api.environment import find_environment
from poetry_aegis.poetry_api.lock import read_lock, sources_of
from poetry_aegis.poetry_api.projects import (
    Project,
    content_hash,
    load_project,
    reload_project,
)
from poetry_aegis.poetry_api.repositories import (
    PYPI,
    config_directory,
    find_repository,
    publish_predicate,
    pypi_urls,
    repository_names,
)

__all__ = [
    "PYPI",
    "Project",
    "build",
    "config_directory",
    "content_hash",
    "find_environment",
    "find_repository",
    "load_project",
    "publish_predicate",
    "pypi_urls",
    "read_lock",
    "reload_project",
    "repository_names",
    "sources_of",
]
