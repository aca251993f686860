"""Version constraints between the packages of a repository, and how they follow a new version.

poetry-core judges them, in its own notation (``^1.2``) as in PEP 440's (``>=1.2,<2.0``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tomlkit
from poetry.core.constraints.version import parse_constraint
from poetry.core.constraints.version.exceptions import ParseConstraintError

from poetry_aegis.errors import CorruptProject, ReleaseError
from poetry_aegis.release.packages.requirements import Requirement, read_requirements, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from poetry.core.constraints.version import Version

TERM = re.compile(
    r"(?P<operator>\^|~=|~|===|==|!=|>=|<=|>|<|=)?(?P<space>\s*)"
    r"v?(?P<release>\d+(?:\.\d+)*)(?P<rest>\.\*|[^\s,|]*)"
)


@dataclass(frozen=True)
class ConstraintEdit:
    """A constraint on the package *dependency* that follows it to *version*.

    *distribution* is what requirements call the package.
    """

    dependency: str
    distribution: str
    version: Version
    before: str
    after: str

    def to_json(self) -> dict[str, object]:
        """Return the edit as ``--json`` prints it."""
        return {
            "dependency": self.dependency,
            "version": self.version.text,
            "before": self.before,
            "after": self.after,
        }


def admits(constraint: str, version: Version) -> bool:
    """Return whether *version* fits *constraint*. Raises `CorruptProject` where that is none."""
    try:
        return parse_constraint(constraint).allows(version)
    except (ParseConstraintError, ValueError):
        raise CorruptProject(
            f"{constraint!r} is not a version constraint.",
            hint='Constraints are written like ">=1.2,<2.0", or "^1.2" in a table of Poetry\'s.',
        ) from None


def compatible_with(version: Version) -> str:
    """Return what a caret means, in PEP 440's notation: 1.2.0 gives ``>=1.2.0,<2.0.0``."""
    return f">={version.text},<{version.next_breaking().text}"


def follow(constraint: str, version: Version) -> str:
    """Return *constraint* moved so that it admits *version*, as wide and as precise as it was.

    ``^1.2`` becomes ``^2.0``, ``>=1.2,<2.0`` becomes ``>=2.0,<3.0``, ``==1.2.3`` becomes
    ``==2.0.0``; to alternatives another one is added. What cannot be moved so becomes what a
    caret would mean.
    """
    _, bar, last = constraint.rpartition("||")
    moved = TERM.sub(lambda term: _move(term, version), last)
    if bar:
        moved = f"{constraint.rstrip()} || {moved.strip()}"
    try:
        return moved if admits(moved, version) else compatible_with(version)
    except CorruptProject:
        return compatible_with(version)


def _move(term: re.Match[str], version: Version) -> str:
    operator = term["operator"] or ""
    places = term["release"].count(".") + 1
    if operator in {"", "=", "==", "==="} and term["rest"] != ".*":
        moved = version.text
    elif operator == "<":
        moved = _ceiling(term["release"], version)
    elif operator == "!=":
        return term.group()
    elif operator == "<=" or version.is_unstable():
        moved = version.text
    else:
        moved = _release(version, places) + ("" if term["rest"] != ".*" else ".*")
    return f"{'>=' if operator == '>' else operator}{term['space']}{moved}"


def _ceiling(release: str, version: Version) -> str:
    """Return the ceiling over *version* that is to it what *release* was: 2.0 becomes 3.0."""
    numbers = [int(number) for number in release.split(".")]
    level = max((index for index, number in enumerate(numbers) if number), default=0)
    above = [int(number) for number in _release(version, level + 1).split(".")]
    above[level] += 1
    return ".".join(map(str, above + [0] * (len(numbers) - len(above))))


def _release(version: Version, places: int) -> str:
    """Return the first so many *places* of the release number of *version*: 2.0 of 2.0.1."""
    numbers = [*version.parts, *([0] * places)]
    return ".".join(map(str, numbers[:places]))


# In pyproject.toml


def with_edits(content: bytes, edits: Iterable[ConstraintEdit]) -> bytes:
    """Return the ``pyproject.toml`` *content* with the *edits* made, everything else as it was.

    A dependency group that holds the same constraint follows, too. Raises `CorruptProject`.
    """
    moves = {(edit.distribution, edit.before): edit.after for edit in edits}
    return _rewritten(content, lambda item: moves.get((item.name, item.constraint or "")))


def without_path_dependencies(content: bytes, versions: Mapping[str, Version]) -> bytes:
    """Return the ``pyproject.toml`` *content* as it may be built and published.

    A path dependency on a package in *versions*, by its distribution's name, gets the constraint
    that a caret before that version would mean. Raises `ReleaseError` for a path that leads to no
    such package: on the index it would lead nowhere.
    """
    document = tomlkit.parse(content.decode("utf-8")).unwrap()
    by_path = {item.name for item in read_requirements(document) if item.path is not None}

    def constrain(requirement: Requirement) -> str | None:
        version = versions.get(requirement.name)
        if requirement.path is None:
            # Beside a path in Poetry's table, "core" in the project's means what the path leads to.
            bare = requirement.constraint is None and requirement.name in by_path
            return compatible_with(version) if bare and version is not None else None
        if version is not None:
            return requirement.constraint or compatible_with(version)
        if not requirement.published:
            return None
        raise ReleaseError(
            f"{requirement.name} is required from the path {requirement.path!r}, which is no "
            "package of this repository, so that nobody else could install it.",
            hint="List it under [tool.poetry-aegis.packages], or require a version of it.",
        )

    return _rewritten(content, constrain)


def _rewritten(content: bytes, choose: Callable[[Requirement], str | None]) -> bytes:
    document = tomlkit.parse(content.decode("utf-8"))
    rewrite(document, choose)
    return tomlkit.dumps(document).encode("utf-8")
