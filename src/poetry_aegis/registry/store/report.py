"""What a look through the store found."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Report:
    """What does not match between pages and files, each as ``project/file: what``.

    *missing*: a page tells of it and it is not there. *extra*: it is there and no page tells of
    it. *changed*: it is not what its page says. *unreadable*: no distribution, or not to be read.
    *unverified*: its uploads must be signed, and it is not as they have to be. It may have come in
    another way, or a key counts no longer: pages and files agree all the same.
    """

    projects: int = 0
    files: int = 0
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()

    def __add__(self, other: Report) -> Report:
        """Return both in one."""
        names = (field.name for field in fields(Report))
        return Report(*(getattr(self, name) + getattr(other, name) for name in names))

    @property
    def is_clean(self) -> bool:
        """Whether pages and files match."""
        return not (self.missing or self.extra or self.changed or self.unreadable)

    def to_json(self) -> dict[str, Any]:
        """Return the report as ``--json`` prints it."""
        return {field.name: getattr(self, field.name) for field in fields(Report)}
