"""What a distribution says of itself to people: its core metadata, within bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.core_metadata import parse_core_fields, read_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from poetry_aegis.registry.core_metadata import CoreFields

_LONGEST_DESCRIPTION = 512 * 1024  # characters
_LONGEST_VALUE = 2_000  # the same
_MOST_VALUES = 500

# Only these are followed: a page must not become a way to run a script.
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """A place to go, *url* being one of http, https or mailto."""

    label: str
    url: str


@dataclass(frozen=True)
class ProjectMetadata:
    """The fields that a project page shows, as the distribution has them.

    The description's *content_type* is as it was given, empty where it was not.
    """

    name: str = ""
    summary: str = ""
    description: str = ""
    content_type: str = ""
    license: str = ""
    keywords: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


def read_project_metadata(path: Path) -> ProjectMetadata:
    """Return what a ``.metadata`` file says, nothing where it is not there. Raises ``OSError``."""
    return parse_project_metadata(read_metadata(path))


def parse_project_metadata(content: bytes) -> ProjectMetadata:
    """Return what METADATA or PKG-INFO says. What is beyond bounds is left out."""
    fields = parse_core_fields(content)
    keywords = _line(fields.first("keywords"))
    return ProjectMetadata(
        name=_line(fields.first("name")),
        summary=fields.summary,
        description=(fields.description or "")[:_LONGEST_DESCRIPTION],
        content_type=_line(fields.first("description-content-type")),
        license=_license(fields),
        keywords=_lines(re.split("[,;]", keywords) if re.search("[,;]", keywords) else [keywords]),
        people=_people(fields),
        classifiers=_lines(fields.all("classifier")),
        requires=_lines(fields.all("requires-dist")),
        links=_links(fields),
    )


def _license(fields: CoreFields) -> str:
    """Return the licence, of one that is given as a whole text its first line."""
    expression = fields.first("license-expression")
    return _line(expression or (fields.first("license") or "").partition("\n")[0])


def _people(fields: CoreFields) -> tuple[str, ...]:
    """Return authors, then maintainers, nobody twice."""
    names = ("author", "author-email", "maintainer", "maintainer-email")
    return _lines(dict.fromkeys(_line(fields.first(name)) for name in names))


def _links(fields: CoreFields) -> tuple[Link, ...]:
    given = [("Homepage", fields.first("home-page")), ("Download", fields.first("download-url"))]
    for value in fields.all("project-url"):
        label, _, address = value.partition(",")
        given.append((label, address))
    found: dict[str, Link] = {}
    for label, url in ((_line(label), _line(url)) for label, url in given):
        if _SAFE_LINK.fullmatch(url):
            found.setdefault(url, Link(label or url, url))
    return tuple(found.values())[:_MOST_VALUES]


def _lines(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(line for line in map(_line, values) if line)[:_MOST_VALUES]


def _line(value: str | None) -> str:
    """Return *value* as one line of text."""
    return " ".join((value or "")[:_LONGEST_VALUE].split())
