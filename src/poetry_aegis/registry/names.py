"""Names of projects and of distribution files, and what of them may touch the disk."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import translate
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Literal

from poetry_aegis.registry.errors import BadUpload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from packaging.tags import Tag
    from packaging.version import Version

METADATA_SUFFIX = ".metadata"
PROVENANCE_SUFFIX = ".provenance"

_NORMALIZED = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PROJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
# Letters are ASCII on purpose: two spellings that look alike must not be two files.
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\.(?:whl|tar\.gz)")
_WILD = re.compile(r"[*?\[]")
_PATTERN = re.compile(r"(?:[a-z0-9*?-]|\[!?[a-z0-9-]+\])+")
_SEPARATORS = re.compile(r"[-_.]+")

# File systems end at 255 bytes, and what is kept beside a file has a suffix of its own.
_LONGEST_FILE_NAME = 230
_LONGEST_PROJECT_NAME = 200
_LONGEST_PATTERN = 200
_LONGEST_VERSION = 200
_MOST_TAGS = 1000  # a name of 200 characters can stand for 27,000


@dataclass(frozen=True)
class DistributionName:
    """What the name of a distribution file says (PEP 427, PEP 625)."""

    file_name: str
    kind: Literal["wheel", "sdist"]
    project: str
    version: Version
    build: tuple[()] | tuple[int, str] = ()
    tags: frozenset[Tag] = frozenset()

    def names_the_same(self, other: DistributionName) -> bool:
        """Tell whether *other* names this distribution too, perhaps in another spelling."""
        return replace(other, file_name=self.file_name) == self


def normalized(name: str) -> str:
    """Return a project's name as PEP 503 writes it."""
    return _SEPARATORS.sub("-", name).lower()


def is_project_name(name: str) -> bool:
    """Tell whether *name* is one that the packaging specifications allow."""
    return len(name) <= _LONGEST_PROJECT_NAME and _PROJECT.fullmatch(name) is not None


def is_normalized(name: str) -> bool:
    """Tell whether *name* is a normalised project name, and so safe as a directory's."""
    return len(name) <= _LONGEST_PROJECT_NAME and _NORMALIZED.fullmatch(name) is not None


def as_pattern(text: str) -> str:
    """Return a shell-like pattern of project names, spelled as PEP 503 spells names.

    Raises ``ValueError`` with a sentence for what no name could match.
    """
    pattern = normalized(text.strip())
    if len(pattern) > _LONGEST_PATTERN or not _PATTERN.fullmatch(pattern):
        raise ValueError(
            f"{text[:_LONGEST_PATTERN]!r} is not a pattern of project names, "
            "such as acme-* or acme-core."
        )
    return pattern


def matches_any(project: str, patterns: Iterable[str]) -> bool:
    """Tell whether a normalised project name matches one of the shell-like *patterns*.

    They are people's, and so in any spelling of a name.
    """
    return _matcher(tuple(patterns))(project)


@lru_cache(maxsize=1024)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Return what tells whether a name matches; a list of projects asks it of each of them."""
    if "*" in patterns:
        return lambda _project: True
    meant = {normalized(pattern.strip()) for pattern in patterns}
    wild = [pattern for pattern in meant if _WILD.search(pattern)]
    exact = frozenset(meant).difference(wild)
    if not wild:
        return exact.__contains__
    match = re.compile("|".join(map(translate, wild))).match
    return lambda project: project in exact or match(project) is not None


def parse_version(text: str) -> Version | None:
    """Return *text* as a version, ``None`` where it is none (PEP 440) or an endless one."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text) if len(text) <= _LONGEST_VERSION else None
    except InvalidVersion:
        return None


def is_file_name(name: str) -> bool:
    """Tell whether *name* could be a distribution's: one plain path segment, ASCII, no tricks."""
    return len(name) <= _LONGEST_FILE_NAME and _FILE.fullmatch(name) is not None


def parse_file_name(name: str) -> DistributionName:
    """Return what *name* says. Raises `BadUpload` with a sentence where it is no distribution's."""
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    if not is_file_name(name):
        raise BadUpload(_refusal(name))
    if _count_tags(name) > _MOST_TAGS:
        raise BadUpload(f"The file name {name!r} stands for more than {_MOST_TAGS} tags.")
    try:
        if name.endswith(".whl"):
            project, version, build, tags = parse_wheel_filename(name)
            parsed = DistributionName(name, "wheel", normalized(project), version, build, tags)
        else:
            project, version = parse_sdist_filename(name)
            parsed = DistributionName(name, "sdist", normalized(project), version)
    except (InvalidWheelFilename, InvalidSdistFilename) as error:
        raise BadUpload(f"The file name {name!r} is not a distribution's: {error}.") from error
    if not is_normalized(parsed.project):
        raise BadUpload(f"The file name {name!r} does not begin with a project's name.")
    return parsed


def version_in(file_name: str) -> str:
    """Return the version in the name of a distribution that was taken, as PEP 440 writes it.

    It costs a tenth of `parse_file_name`, which has checked the name then. Raises ``ValueError``.
    """
    if not is_file_name(file_name):
        raise ValueError(f"{file_name[:200]!r} is not a distribution's name")
    if file_name.endswith(".whl"):
        version = file_name.partition("-")[2].partition("-")[0]
    else:
        version = file_name.removesuffix(".tar.gz").rpartition("-")[2]
    return _canonical(version)


@lru_cache(maxsize=4096)
def version_of(text: str) -> Version:
    """Return the version *text* (PEP 440): a project asks for those of all its files each time.

    Raises ``ValueError``.
    """
    from packaging.version import Version

    return Version(text)


@lru_cache(maxsize=4096)
def _canonical(version: str) -> str:
    return str(version_of(version))


def _count_tags(file_name: str) -> int:
    """Return how many tags the compressed tag sets (PEP 425) of a wheel's name stand for."""
    if not file_name.endswith(".whl"):
        return 0
    sets = file_name.removesuffix(".whl").split("-")[-3:]
    return prod(tags.count(".") + 1 for tags in sets)


def _refusal(name: str) -> str:
    shown = ascii(name if len(name) <= 100 else f"{name[:100]}…")
    if not name.endswith((".whl", ".tar.gz")):
        return f"The file name {shown} is neither a wheel's (.whl) nor an sdist's (.tar.gz)."
    if len(name) > _LONGEST_FILE_NAME:
        return f"The file name {shown} is longer than {_LONGEST_FILE_NAME} characters."
    return f"The file name {shown} has characters that a distribution's name cannot have."
