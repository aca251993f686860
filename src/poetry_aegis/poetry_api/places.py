"""The places that packages come from when they come from no index, compared and shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poetry.core.packages.dependency import Dependency
    from poetry.core.packages.package import Package

PATHS = ("directory", "file")
_COMMIT = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)


def is_from(package: Package, dependency: Dependency) -> bool:
    """Tell whether *package*, which comes from no index, is from where *dependency* says."""
    if package.source_type != dependency.source_type:
        return False
    here, there = package.source_url or "", dependency.source_url or ""
    if package.source_type == "git":
        return here == there and _is_revision(package, dependency)
    # Poetry does not always write down the folder in an archive.
    if package.source_subdirectory not in (None, dependency.source_subdirectory):
        return False
    if package.source_type in PATHS:
        return resolved(here) == resolved(there)
    return here == there


def _is_revision(package: Package, dependency: Dependency) -> bool:
    """Tell whether *package* is of the branch, tag or commit that *dependency* names.

    Which commit of a branch or tag it is cannot be told without the repository.
    """
    named = dependency.source_reference or ""
    commit = package.source_resolved_reference or package.source_reference or ""
    return (
        package.source_reference == named
        and package.source_subdirectory == dependency.source_subdirectory
        and (not _COMMIT.fullmatch(named) or commit.lower() == named.lower())
    )


def same_url(one: str, other: str) -> bool:
    """Tell whether two URLs of indexes are the same, whoever asks there."""
    from poetry_aegis.publish.repository import without_userinfo

    return without_userinfo(one).rstrip("/") == without_userinfo(other).rstrip("/")


def shown(url: str) -> str:
    """Return *url* without what may be secret in it: user, password and query."""
    from poetry_aegis.publish.repository import without_userinfo

    return re.split(r"[?#]", without_userinfo(url), maxsplit=1)[0]


def resolved(path: str) -> Path:
    """Return *path* as the system has it, without links."""
    return Path(path).resolve()
