"""What a publication does: a step per file, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.repository import Repository

Action = Literal["upload", "skip", "sign", "replace", "refuse"]
DONE: dict[Action, str] = {
    "upload": "uploaded",
    "skip": "skipped",
    "sign": "signed",
    "replace": "replaced",
    "refuse": "refused",
}


@dataclass(frozen=True)
class Step:
    """What one file needs. *found* is the SHA-256 of the file of that name on the index."""

    distribution: Distribution
    action: Action
    found: str | None = None


@dataclass(frozen=True)
class Publication:
    """The files of one version and one repository: what is to be done, and once done, what was.

    *first_goes_alone* where the index showed nothing of the project before. *signed_files* and
    *unsigned_files* are the names of those whose signatures were sent: whether the index shows
    them.
    """

    repository: Repository
    steps: tuple[Step, ...]
    verified: bool = False
    first_goes_alone: bool = False
    signed_files: tuple[str, ...] = ()
    unsigned_files: tuple[str, ...] = ()

    @property
    def uploaded(self) -> tuple[Distribution, ...]:
        """The files that the index did not have."""
        return self._with("upload")

    @property
    def skipped(self) -> tuple[Distribution, ...]:
        """The files that were there already, with the same hash."""
        return self._with("skip")

    @property
    def signed(self) -> tuple[Distribution, ...]:
        """The files that were there already, and lacked a signature."""
        return self._with("sign")

    @property
    def replaced(self) -> tuple[Distribution, ...]:
        """The files that were there with another hash."""
        return self._with("replace")

    @property
    def refused(self) -> tuple[Distribution, ...]:
        """The files that cannot be sent: another one of that name is there."""
        return self._with("refuse")

    @property
    def version(self) -> str:
        """The version that was published."""
        return self.steps[0].distribution.version

    def to_json(self, *, planned: bool = False) -> dict[str, object]:
        """Return the publication as ``--json`` prints it; *planned* where nothing is done yet."""
        return {
            "repository": self.repository.name,
            "url": self.repository.upload_url,
            "project": self.steps[0].distribution.name,
            "version": self.version,
            "files": [
                {
                    "filename": step.distribution.filename,
                    "sha256": step.distribution.sha256,
                    "size": step.distribution.size,
                    "status": step.action if planned else DONE[step.action],
                    **self._signature(step.distribution.filename),
                }
                for step in self.steps
            ],
            "verified": self.verified,
        }

    def _signature(self, filename: str) -> dict[str, bool]:
        """Return whether a file is signed on the index, where a signature was sent with it."""
        sent = filename in (*self.signed_files, *self.unsigned_files)
        return {"signed": filename in self.signed_files} if sent else {}

    def _with(self, action: Action) -> tuple[Distribution, ...]:
        return tuple(step.distribution for step in self.steps if step.action == action)
