"""What an index tells of a project as a whole: whether it takes uploads (PEP 792)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLOSED = frozenset({"archived", "quarantined"})
_MARKER = "pypi:project-status"


@dataclass(frozen=True)
class ProjectStatus:
    """The status of a project, and why it has it, where that is told."""

    name: str = "active"
    reason: str = ""

    @property
    def takes_uploads(self) -> bool:
        """Whether an index takes files of the project. What is not known is no refusal."""
        return self.name not in _CLOSED


def status_in_json(document: Mapping[str, object]) -> ProjectStatus:
    """Return the status that a page in JSON tells of."""
    marker = document.get("project-status")
    return _status(marker.get("status"), marker.get("reason")) if isinstance(marker, dict) else _NO


def status_in_html(markers: Mapping[str, str | None]) -> ProjectStatus:
    """Return the status that the ``meta`` elements of a page in HTML tell of."""
    return _status(markers.get(_MARKER), markers.get(f"{_MARKER}-reason"))


def _status(name: object, reason: object) -> ProjectStatus:
    return ProjectStatus(_line(name), _line(reason)) if isinstance(name, str) else _NO


def _line(value: object) -> str:
    """Return what a server has written as one line, without what could steer a terminal."""
    text = value if isinstance(value, str) else ""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


_NO = ProjectStatus()
