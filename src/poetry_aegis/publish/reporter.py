"""How a publication tells of its progress, without knowing who is listening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.publish.distributions import Distribution


class Reporter(Protocol):
    """What is told while distributions are uploaded; several may be under way at a time.

    One thread tells all of it: the one that publishes.
    """

    def planned(self, distributions: Sequence[Distribution]) -> None:
        """Hear which *distributions* are going to be uploaded."""

    def started(self, distribution: Distribution) -> None:
        """Hear that the upload of *distribution* begins."""

    def advanced(self, distribution: Distribution, sent: int) -> None:
        """Hear that *sent* bytes have left; a repeated try starts again from 0."""

    def sent(self, distribution: Distribution) -> None:
        """Hear that all of *distribution* has left: from now on the server may have it."""

    def absent(self, distribution: Distribution) -> None:
        """Hear that the server does not have *distribution* after all."""

    def finished(self, distribution: Distribution, status: str) -> None:
        """Hear that the server has *distribution*: ``uploaded`` or ``replaced``."""

    def skipped(self, distribution: Distribution, reason: str) -> None:
        """Hear that *distribution* is not sent, because of *reason*."""

    def unsent(self, distribution: Distribution, reason: str) -> None:
        """Hear that the publication has failed before *distribution* was known to be there."""

    def note(self, message: str) -> None:
        """Hear a sentence that belongs to no single file."""
