"""A distribution's requirements, grouped by the extra that asks for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.names import normalized

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.specifiers import SpecifierSet

_EXTRA = re.compile(r"""\s*(?:\band\s+)?\bextra\s*==\s*["']([^"']*)["']\s*""")
_LONGEST = 500  # characters


@dataclass(frozen=True)
class Dependency:
    """A requirement (PEP 508) to show: its *project*, and what it says after the name.

    *project* is the normalised name, empty for what is no requirement.
    """

    name: str
    project: str
    specifier: str
    marker: str


@dataclass(frozen=True)
class Group:
    """The dependencies of an extra, which is empty for those that are always needed."""

    extra: str
    dependencies: tuple[Dependency, ...]


def grouped(requirements: Iterable[str]) -> tuple[Group, ...]:
    """Return the groups, the one without an extra first, the others by name."""
    groups: dict[str, list[Dependency]] = {}
    for text in requirements:
        extra, dependency = _read(text[:_LONGEST])
        groups.setdefault(extra, []).append(dependency)
    return tuple(Group(extra, tuple(groups[extra])) for extra in sorted(groups))


def _read(text: str) -> tuple[str, Dependency]:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return "", Dependency(text, "", "", "")
    marker = str(requirement.marker or "")
    extra = _EXTRA.search(marker)
    extras = f"[{', '.join(sorted(requirement.extras))}]" if requirement.extras else ""
    specifier = f"@ {requirement.url}" if requirement.url else _bounds(requirement.specifier)
    return (
        extra[1] if extra else "",
        Dependency(
            f"{requirement.name}{extras}",
            normalized(requirement.name),
            specifier,
            _without_extra(marker) if extra else marker,
        ),
    )


def _bounds(specifier: SpecifierSet) -> str:
    """Return the clauses with those first that say what is wanted: ``>=2,!=2.3,<3``."""
    return ",".join(sorted(map(str, specifier), key=lambda clause: (clause[0] in "<!", clause)))


def _without_extra(marker: str) -> str:
    """Return *marker* without the one extra that it names; another condition stays as it is."""
    if " or " in marker or marker.count("extra") > 1:
        return marker
    return _EXTRA.sub("", marker).removeprefix("and ").strip()
