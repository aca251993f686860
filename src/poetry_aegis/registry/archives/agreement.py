"""Whether what a distribution says of itself agrees with the name of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.registry.archives.inventory import shown
from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.names import is_project_name, normalized

if TYPE_CHECKING:
    from poetry_aegis.registry.names import DistributionName


def agrees(project: str, version: str, name: DistributionName) -> bool:
    """Tell whether *project* and *version* are those of *name*, however they are spelled."""
    return _is_project(project, name) and _is_version(version, name)


def check_agreement(source: str, project: str, version: str, name: DistributionName) -> None:
    """Check that *source* speaks of the distribution its file is named for (PEP 440, PEP 503).

    Raises `BadUpload`.
    """
    if not _is_project(project, name):
        raise BadUpload(
            f"The {source} of {name.file_name} names the project {shown(project)}, "
            f"which does not agree with the file name."
        )
    if not _is_version(version, name):
        raise BadUpload(
            f"The {source} of {name.file_name} gives the version {shown(version)}, "
            f"which does not agree with the file name."
        )


def _is_project(project: str, name: DistributionName) -> bool:
    return is_project_name(project) and normalized(project) == name.project


def _is_version(version: str, name: DistributionName) -> bool:
    from packaging.version import Version

    try:
        return Version(version) == name.version
    except ValueError:  # InvalidVersion, or more digits than Python makes a number of
        return False
