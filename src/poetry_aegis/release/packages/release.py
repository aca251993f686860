"""One package as it is to be released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poetry_aegis.release.packages.constraints import ConstraintEdit
    from poetry_aegis.release.packages.workspace import Package
    from poetry_aegis.release.version.decision import Decision


@dataclass(frozen=True)
class PackageRelease:
    """One package of a wave. *edits* are its constraints that follow their dependencies.

    *along* tells whether it is released for their sake alone.
    """

    package: Package
    decision: Decision
    edits: tuple[ConstraintEdit, ...] = ()
    along: bool = False

    @property
    def news(self) -> tuple[str, ...]:
        """What the changelog says of the edits, for its heading Changed: ``core 2.0.0``."""
        return tuple(dict.fromkeys(f"{edit.dependency} {edit.version.text}" for edit in self.edits))

    def announce(self, changelog: str, date: str) -> str:
        """Return the text of the *changelog* with the news in the section of the new version.

        What the commits tell comes into that section afterwards: see `notes.compose`.
        """
        if not self.news:
            return changelog
        from poetry_aegis.release.changelog.file import insert
        from poetry_aegis.release.changelog.section import Section

        section = Section(groups={"Changed": [f"- {item}" for item in self.news]})
        return insert(changelog, self.decision.version.text, section, date)

    def to_json(self) -> dict[str, object]:
        """Return the release as ``--json`` prints it."""
        return {
            "package": self.package.name,
            "current": self.decision.current.text,
            "version": self.decision.version.text,
            "bump": self.decision.bump,
            "along": self.along,
            "constraints": [edit.to_json() for edit in self.edits],
        }
