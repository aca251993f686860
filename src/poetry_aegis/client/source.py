"""The index as a source of a project: ``pyproject.toml``, and which packages come from it."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from poetry_aegis.client import lines as text
from poetry_aegis.client import shape
from poetry_aegis.errors import AegisError, CorruptProject, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poetry_aegis.client.poetry import Index
    from poetry_aegis.settings import Priority

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
Path = tuple[str, ...]


def with_source(
    content: bytes, index: Index, priority: Priority, packages: Sequence[str] = ()
) -> bytes:
    """Return *content*, a ``pyproject.toml``'s, with *index* as a source of this *priority*.

    Each of *packages* is made to come from it, and nothing else is changed. Raises `UsageError`
    for a package that the project does not depend on, and `CorruptProject`.
    """
    wanted = {"name": index.name, "url": index.simple_url, "priority": priority}
    after = _with_table(content, wanted)
    for package in packages:
        after = _with_package(after, package, index.name)
    return after


def priority_of(content: bytes, name: str) -> str | None:
    """Return the priority of the source *name*, ``None`` where there is no such source.

    Raises `CorruptProject`.
    """
    known = _at(_values(content), ("tool", "poetry")).get("source", [])
    found = next((item for item in known if _is_named(item, name)), None)
    return None if found is None else str(found.get("priority", "primary")).lower()


def _with_table(content: bytes, wanted: dict[str, str]) -> bytes:
    values = _values(content)
    poetry = _descend(values, ("tool", "poetry"))
    known = poetry.setdefault("source", [])
    place = next(
        (i for i, item in enumerate(known) if _is_named(item, wanted["name"])),
        None,
    )
    if place is None:
        known.append(wanted)
        block = ["[[tool.poetry.source]]", *(f'{key} = "{value}"' for key, value in wanted.items())]
        return _checked(text.appended(content, block), values)
    if wanted.items() <= known[place].items():
        return content
    document = _parse(content)
    item = document["tool"]["poetry"]["source"][place]
    for key, value in wanted.items():
        if item.get(key) != value:
            _put(item, key, value)
    known[place] = {**known[place], **wanted}
    return _checked(text.like(content, _dump(document)), values)


def _is_named(item: Any, name: str) -> bool:
    return str(item.get("name", "")).lower() == name.lower()


def _with_package(content: bytes, package: str, source: str) -> bytes:
    """Return *content* with the *source* of one dependency named, where Poetry looks for it."""
    values = _values(content)
    places = list(_places(values, package))
    if not places:
        raise UsageError(
            f"The project does not depend on {package[:80]!a}.",
            hint=f"Add it with: poetry add --source {source} NAME",
        )
    for path in places:
        content = _with_dependency(content, path, source)
    return content


def _places(values: dict[str, Any], package: str) -> Iterator[Path]:
    """Yield where the source of *package* belongs: what Poetry itself knows of it comes first.

    What ``[project]`` and ``[dependency-groups]`` list can name no source. Poetry takes one from
    its own table beside them.
    """
    found = list(_own_places(values, package))
    yield from found
    listed = _listed(values, package)
    yield from (path for path in dict.fromkeys(listed) if path[:-1] not in {p[:-1] for p in found})


def _own_places(values: dict[str, Any], package: str) -> Iterator[Path]:
    poetry = _at(values, ("tool", "poetry"))
    tables: list[Path] = [("dependencies",), ("dev-dependencies",)]
    tables += [("group", group, "dependencies") for group in _at(poetry, ("group",))]
    for table in tables:
        for name in _at(poetry, table):
            if _same(name, package):
                yield ("tool", "poetry", *table, name)


def _listed(values: dict[str, Any], package: str) -> Iterator[Path]:
    project = _at(values, ("project",))
    lists = [project.get("dependencies", []), *_at(project, ("optional-dependencies",)).values()]
    for name in _required(lists, package):
        yield "tool", "poetry", "dependencies", name
    for group, requirements in _at(values, ("dependency-groups",)).items():
        for name in _required([requirements], package):
            yield "tool", "poetry", "group", group, "dependencies", name


def _required(lists: Sequence[Any], package: str) -> Iterator[str]:
    for requirement in (item for found in lists for item in found if isinstance(item, str)):
        name = _NAME.match(requirement.strip())
        if name and _same(name[0], package):
            yield name[0]


def _same(one: str, other: str) -> bool:
    return canonicalize_name(one) == canonicalize_name(other)


def _with_dependency(content: bytes, path: Path, source: str) -> bytes:
    values = _values(content)
    *above, name = path
    table = _descend(values, tuple(above))
    is_new_table = not _at(_values(content), tuple(above))
    wanted = _from_source(table.get(name), source)
    if table.get(name) == wanted:
        return content
    table[name] = wanted
    if is_new_table:
        header = ".".join(_spelled(key) for key in above)
        block = [f"[{header}]", f'{_spelled(name)} = {{ source = "{source}" }}']
        return _checked(text.appended(content, block), values)
    document = _parse(content)
    place: Any = document
    for key in above:
        place = place[key]
    _set_source(place, name, source)
    return _checked(text.like(content, _dump(document)), values)


def _from_source(value: Any, source: str) -> Any:
    """Return the dependency *value* with its *source*; one of several, with each of theirs."""
    if isinstance(value, list):
        return [_from_source(item, source) for item in value]
    if isinstance(value, dict):
        return {**value, "source": source}
    return {"source": source} if value is None else {"version": value, "source": source}


def _set_source(table: Any, name: str, source: str) -> None:
    """Do in a *table* of tomlkit's what `_from_source` says."""
    import tomlkit

    value = table.get(name)
    if isinstance(value, dict):
        value["source"] = source
        return
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        for item in value:
            item["source"] = source
        return
    inline = tomlkit.inline_table()
    inline.update(_from_source(None if value is None else value.unwrap(), source))
    if value is not None:
        inline.trivia.comment_ws = value.trivia.comment_ws
        inline.trivia.comment = value.trivia.comment
    _put(table, name, inline)


def _put(table: Any, name: str, value: Any) -> None:
    """Set a value above comments and empty lines at the end of *table*: they are of the next."""
    body = table.value.body if name not in table and hasattr(table.value, "body") else []
    trailing = []
    while body and body[-1][0] is None:
        trailing.append(body.pop())
    table[name] = value
    body.extend(reversed(trailing))


def _values(content: bytes) -> dict[str, Any]:
    try:
        return deepcopy(shape.toml(content))
    except AegisError as error:
        raise CorruptProject(f"pyproject.toml: {error}", hint=error.hint) from None


def _parse(content: bytes) -> Any:
    import tomlkit

    return tomlkit.parse(content.decode("utf-8-sig"))


def _dump(document: Any) -> str:
    import tomlkit

    return tomlkit.dumps(document)


def _at(values: Any, path: Path) -> dict[str, Any]:
    """Return the table at *path*, an empty one where there is none."""
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else {}


def _descend(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the table at *path* of *values*, made where there is none."""
    for key in path:
        values = values.setdefault(key, {})
    return values


def _spelled(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'


def _checked(after: bytes, wanted: dict[str, Any]) -> bytes:
    """Return *after* where it says just what is *wanted*. Raises `CorruptProject`."""
    try:
        if shape.toml(after) == wanted:
            return after
    except AegisError:
        pass
    raise CorruptProject(
        "pyproject.toml is written so that it cannot be changed without harm.",
        hint="Add the source there by hand.",
    )
