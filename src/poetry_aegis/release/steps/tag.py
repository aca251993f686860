"""The tag of a release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import CommitRefused, TagExists
from poetry_aegis.release.journal import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.release.git import GitRepository


@dataclass
class MakeTag(Step):
    """Makes the annotated tag on the commit that *target* returns."""

    repository: GitRepository
    tag: str
    message: str
    target: Callable[[], str]
    sign: bool = False
    name: str = "tag"

    def describe(self) -> str:
        """Name the tag."""
        return f"tag {self.tag}"

    @property
    def ref(self) -> str:
        """The full name of the tag."""
        return f"refs/tags/{self.tag}"

    def do(self) -> None:
        """Make the tag, unless it is there. Raises `CommitRefused` and `TagExists`."""
        if self.is_done():
            return
        if self.repository.object_of(self.ref):
            raise TagExists(f"There is another tag {self.tag} by now, on another commit.")
        # A changelog's headings start with '#', which git would take for comments.
        signing = ["--sign"] if self.sign else ["--annotate"]
        outcome = self.repository.try_run(
            *("tag", *signing, "--cleanup=verbatim", "-F", "-", self.tag, self.target()),
            text=self.message,  # A long one is too long for a command line.
        )
        if outcome.status:
            raise CommitRefused(
                f"Git refused the tag {self.tag}: {outcome.reason}", hint=outcome.words
            )

    def undo(self) -> None:
        """Delete the tag, if it is there and on the commit that was tagged."""
        made = self.repository.object_of(self.ref)
        if made and self.is_done():
            self.repository.run("update-ref", "-d", self.ref, made)

    def is_done(self) -> bool:
        """Return whether the tag is there and on the release commit."""
        tagged = self.repository.object_of(f"{self.ref}^{{commit}}")
        return tagged is not None and tagged == self.target()
