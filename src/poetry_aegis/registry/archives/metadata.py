"""Core metadata: what a distribution says of itself.

A rule of the core metadata specification holds from the metadata version that made it, and before
the first version of 2018 only for what installers act upon: distributions that are older than the
rules stay welcome. Fields that no rule is about are passed over, unknown ones too.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.archives.agreement import check_agreement
from poetry_aegis.registry.archives.inventory import shown
from poetry_aegis.registry.errors import BadUpload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.metadata import RawMetadata

    from poetry_aegis.registry.names import DistributionName

# The fields that `packaging` has rules for: how it calls them, and since when the rule holds.
_RULES = {
    "requires-python": ("requires_python", (1, 0)),
    "requires-dist": ("requires_dist", (1, 0)),
    "summary": ("summary", (2, 1)),
    "description-content-type": ("description_content_type", (2, 1)),
    "dynamic": ("dynamic", (2, 2)),
    "provides-extra": ("provides_extra", (2, 3)),
    "license-expression": ("license_expression", (2, 4)),
    "license-file": ("license_files", (2, 4)),
    "import-name": ("import_names", (2, 5)),
    "import-namespace": ("import_namespaces", (2, 5)),
}
_READ = {"metadata-version", "name", "version", *_RULES}
_ONCE = {"metadata-version", "name", "version", "requires-python", "summary", "license-expression"}

# Limits come before any parsing; what they leave costs a second at worst.
_MOST_FIELDS = 10_000
_MOST_READ = 500_000  # characters of all fields that are read …
_LONGEST_VALUE = 4_000  # … and of one
_LONGEST_SPECIFIER = 1_000  # characters of Requires-Python; it is on the project's page
_MOST_REASONS = 3  # told in one sentence

_FIELD = re.compile(r"([!-9;-~]+):")
_METADATA_VERSION = re.compile(r"([12])\.(\d)")


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

    text = _decoded(content)
    raw, unparsed = parse_email("".join(_read_lines(text, name)))
    twice = sorted(_ONCE & unparsed.keys())
    reasons = [f"{field!r} is given more than once" for field in twice]
    reasons += _complaints(raw)
    if reasons:
        raise BadUpload(f"The metadata of {name.file_name} is invalid: {_listed(reasons)}.")
    found = CoreMetadata(raw.get("name", ""), raw.get("version", ""), raw.get("requires_python"))
    check_agreement("metadata", found.name, found.version, name)
    return found


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")  # as distributions of Python 2's time have it


def _read_lines(text: str, name: DistributionName) -> Iterator[str]:
    """Give the lines of the fields that are read, each as it stands in *text*.

    All else, the description first, a hostile file could make costly to parse. Raises `BadUpload`.
    """
    fields, length, total = 0, 0, 0
    key = ""
    for line in io.StringIO(text, newline=None):  # any line end becomes one
        if not line.startswith((" ", "\t")):
            field = _FIELD.match(line)
            if field is None:
                return  # The description begins.
            fields += 1
            key, length = field[1].lower(), -len(field[0])
        if key in _READ:
            length += len(line)
            total += len(line)
            yield line
        _check_amounts(fields, total, name)
        _check_length(key, length, name)


def _check_amounts(fields: int, total: int, name: DistributionName) -> None:
    if fields > _MOST_FIELDS:
        raise BadUpload(f"The metadata of {name.file_name} has more than {_MOST_FIELDS} fields.")
    if total > _MOST_READ:
        raise BadUpload(
            f"The metadata of {name.file_name} has fields of more than {_MOST_READ} characters."
        )


def _check_length(field: str, length: int, name: DistributionName) -> None:
    most = _LONGEST_SPECIFIER if field == "requires-python" else _LONGEST_VALUE
    if length > most:
        raise BadUpload(
            f"The metadata of {name.file_name} has a {field.title()} of more than "
            f"{most} characters."
        )


def _complaints(raw: RawMetadata) -> Iterator[str]:
    """Give what is wrong with *raw*, in a stable order."""
    from packaging.metadata import Metadata

    declared = raw.get("metadata_version", "").strip()
    match = _METADATA_VERSION.fullmatch(declared)
    if match is None:
        yield f"its Metadata-Version is {shown(declared)}, not 1.x or 2.x"
        return
    metadata = Metadata.from_raw(raw, validate=False)
    for field, (attribute, since) in _RULES.items():
        if attribute in raw and (int(match[1]), int(match[2])) >= since:
            try:
                getattr(metadata, attribute)
            except (ValueError, LookupError, AttributeError, RecursionError) as error:
                yield _reason(field, error)


def _reason(field: str, error: Exception) -> str:
    from packaging.metadata import InvalidMetadata

    if not isinstance(error, InvalidMetadata):
        return f"its {field!r} cannot be read"  # Too deep, or too much for the parser otherwise.
    text = str(error).rstrip(".")
    return text if len(text) <= 200 else f"{text[:200]}…"


def _listed(reasons: list[str]) -> str:
    more = len(reasons) - _MOST_REASONS
    return "; ".join(reasons[:_MOST_REASONS]) + (f"; and {more} more" if more > 0 else "")
