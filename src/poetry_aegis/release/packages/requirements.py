"""What a ``pyproject.toml`` requires: PEP 621's strings and Poetry's tables, read and rewritten.

https://packaging.python.org/en/latest/specifications/dependency-specifiers/ ,
https://python-poetry.org/docs/dependency-specification/
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from packaging.utils import canonicalize_name

from poetry_aegis.errors import CorruptProject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from packaging.utils import NormalizedName

NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*")
ELSEWHERE = ("git", "url")


@dataclass(frozen=True)
class Requirement:
    """One requirement. *constraint* is as written, ``None`` for any version.

    *path* is where a path dependency lies, relative to ``pyproject.toml`` or absolute. What is
    not *published* is for developers only: a dependency group.
    """

    name: NormalizedName
    constraint: str | None = None
    path: str | None = None
    optional: bool = False
    published: bool = True


@dataclass(frozen=True)
class _Place:
    """Where a requirement stands, and how to write another constraint there."""

    requirement: Requirement
    write: Callable[[str], None]


def read_requirements(document: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """Return what the project *document* requires, but for Python and what comes from git or a URL.

    Raises `CorruptProject`.
    """
    return tuple(place.requirement for place in _places(document))


def rewrite(document: Mapping[str, Any], choose: Callable[[Requirement], str | None]) -> None:
    """Write into the TOML *document* the constraint that *choose* returns for each requirement.

    ``None`` leaves a requirement as it is. A path gives way to the constraint; extras, markers
    and everything else stay. Raises `CorruptProject`.
    """
    for place in list(_places(document)):
        constraint = choose(place.requirement)
        if constraint is not None:
            place.write(constraint)


def _places(document: Mapping[str, Any]) -> Iterator[_Place]:
    project, poetry = table_at(document, "project"), table_at(document, "tool", "poetry")
    yield from _strings(project.get("dependencies"))
    for extra in table_at(project, "optional-dependencies").values():
        yield from _strings(extra, optional=True)
    for group in table_at(document, "dependency-groups").values():
        yield from _strings(group, published=False)
    yield from _entries(table_at(poetry, "dependencies"))
    yield from _entries(table_at(poetry, "dev-dependencies"), published=False)
    for name in table_at(poetry, "group"):
        yield from _entries(table_at(poetry, "group", name, "dependencies"), published=False)


# PEP 508: "core[fast] (>=1.0,<2.0) ; python_version < '3.13'", "core @ file:../core"


def _strings(array: Any, *, optional: bool = False, published: bool = True) -> Iterator[_Place]:
    for index, text in enumerate(array if isinstance(array, list) else ()):
        if not isinstance(text, str):  # {include-group = "..."}
            continue
        head, body, tail = _split(text)
        constraint, path = _read_body(body)
        if body.startswith("@") and path is None:
            continue
        name = canonicalize_name(_match_name(text)[1])
        requirement = Requirement(name, constraint, path, optional=optional, published=published)

        def write(constraint: str, index: int = index, head: str = head, tail: str = tail) -> None:
            written = f"{head.rstrip()} ({constraint}){tail and ' '}{tail}"
            array[index] = _like(array[index], written)

        yield _Place(requirement, write)


def _split(text: str) -> tuple[str, str, str]:
    """Return the name with its extras, the constraint or ``@ URL``, and the marker of *text*."""
    head = _match_name(text).group()
    body, semicolon, marker = text[len(head) :].partition(" ;" if "@" in text else ";")
    return head, body.strip(), f"; {marker.strip()}" if semicolon else ""


def _match_name(text: str) -> re.Match[str]:
    match = NAME.match(text)
    if match is None:
        raise CorruptProject(
            f"{text!r} is not a requirement.",
            hint='A dependency in pyproject.toml is written like "httpx (>=0.27,<1)".',
        )
    return match


def _read_body(body: str) -> tuple[str | None, str | None]:
    """Return the constraint and the path that *body* holds, at most one of them."""
    if not body.startswith("@"):
        return body.strip("() ") or None, None
    url = body[1:].strip().partition("#")[0]
    if url.startswith("file:"):
        return None, unquote(url.removeprefix("file:").removeprefix("//"))
    return (None, None) if ":" in url[2:] else (None, url)


# Poetry: core = "^1.0", core = {path = "../core", develop = true}, or a list of such tables


def _entries(table: Any, *, published: bool = True) -> Iterator[_Place]:
    for key, value in table.items():
        if key.lower() == "python":
            continue
        alternatives = isinstance(value, list)
        container = value if alternatives else table
        for place in range(len(value)) if alternatives else (key,):
            found = _read_entry(canonicalize_name(key), container[place], published=published)
            if found:
                yield _Place(found, _entry_writer(container, place))


def _read_entry(name: NormalizedName, entry: Any, *, published: bool) -> Requirement | None:
    if isinstance(entry, str):
        return Requirement(name, _narrow(entry), published=published)
    if not hasattr(entry, "get") or any(key in entry for key in ELSEWHERE):
        return None
    path = entry.get("path") or entry.get("file")
    return Requirement(
        name,
        _narrow(entry.get("version")),
        None if path is None else str(path),
        optional=bool(entry.get("optional", False)),
        published=published,
    )


def _entry_writer(container: Any, place: Any) -> Callable[[str], None]:
    def write(constraint: str) -> None:
        entry = container[place]
        if isinstance(entry, str):
            container[place] = _like(entry, constraint)
            return
        for key in ("path", "file", "develop", "subdirectory"):
            entry.pop(key, None)
        entry["version"] = constraint

    return write


def _narrow(constraint: Any) -> str | None:
    """Return *constraint* as text, ``None`` where it admits every version."""
    return None if constraint is None or str(constraint).strip() == "*" else str(constraint)


def _like(old: Any, text: str) -> Any:
    """Return *text* as a TOML string in the quotes of *old*."""
    import tomlkit

    return tomlkit.string(text, literal=old.as_string().startswith("'"))


def table_at(document: Any, *keys: str) -> Any:
    """Return the table in *document* that *keys* lead to, an empty one where there is none."""
    for key in keys:
        document = document.get(key) if hasattr(document, "get") else None
    return document if hasattr(document, "get") else {}
