"""Core metadata: what a distribution says of itself."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.names import is_project_name, normalized

if TYPE_CHECKING:
    from poetry_aegis.registry.names import DistributionName

_MOST_FIELDS = 1_000  # more than a real one has
_LONGEST_SPECIFIER = 1_000  # characters; it is on the project's page
_NEEDED = {"name", "version", "requires-python"}
_FIELD = re.compile(r"([!-9;-~]+):")


@dataclass(frozen=True)
class CoreMetadata:
    """The fields that an index needs."""

    name: str
    version: str
    requires_python: str | None


def parse_core_metadata(content: bytes, name: DistributionName) -> CoreMetadata:
    """Return what METADATA or PKG-INFO says, in agreement with the file's *name*.

    Raises `BadUpload` where it does not agree, or is not what the core metadata specification
    allows.
    """
    from packaging.metadata import parse_email
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    raw, _ = parse_email(_needed_fields(content, name))
    found = CoreMetadata(raw.get("name", ""), raw.get("version", ""), raw.get("requires_python"))
    check_agreement("metadata", found.name, found.version, name)
    if len(found.requires_python or "") > _LONGEST_SPECIFIER:
        raise BadUpload(
            f"The metadata of {name.file_name} has a Requires-Python of more than "
            f"{_LONGEST_SPECIFIER} characters."
        )
    try:
        SpecifierSet(found.requires_python or "")
    except InvalidSpecifier as error:
        raise BadUpload(
            f"The metadata of {name.file_name} has a Requires-Python that is not a version "
            f"specifier: {found.requires_python!a}."
        ) from error
    return found


def _needed_fields(content: bytes, name: DistributionName) -> bytes:
    """Return the fields of *content* that an index needs, each as it stands there.

    All else a hostile file could make costly to parse. Raises `BadUpload`.
    """
    needed: list[str] = []
    fields, wanted = 0, False
    for line in io.TextIOWrapper(io.BytesIO(content), "latin-1"):  # any line end becomes one
        if not line.startswith((" ", "\t")):
            field = _FIELD.match(line)
            if field is None:
                break  # The description begins.
            fields += 1
            if fields > _MOST_FIELDS:
                raise BadUpload(
                    f"The metadata of {name.file_name} has more than {_MOST_FIELDS} fields."
                )
            wanted = field[1].lower() in _NEEDED
        if wanted:
            needed.append(line)
    return "".join(needed).encode("latin-1")


def check_agreement(source: str, project: str, version: str, name: DistributionName) -> None:
    """Check that *source* speaks of the distribution its file is named for (PEP 440, PEP 503).

    Raises `BadUpload`.
    """
    from packaging.version import InvalidVersion, Version

    if not is_project_name(project) or normalized(project) != name.project:
        raise BadUpload(
            f"The {source} of {name.file_name} names the project {project[:200]!a}, "
            f"which does not agree with the file name."
        )
    try:
        agrees = Version(version) == name.version
    except InvalidVersion:
        agrees = False
    if not agrees:
        raise BadUpload(
            f"The {source} of {name.file_name} gives the version {version[:200]!a}, "
            f"which does not agree with the file name."
        )
