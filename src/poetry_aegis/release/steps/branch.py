"""A branch of its own for the release commit, where the main one takes only pull requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import ReleaseError
from poetry_aegis.release.journal import Step

if TYPE_CHECKING:
    from poetry_aegis.release.git import GitRepository


@dataclass
class MakeBranch(Step):
    """Makes *branch* on the commit *head* and checks it out, *origin* being checked out now."""

    repository: GitRepository
    branch: str
    origin: str
    head: str
    name: str = "branch"
    lasting = False

    def describe(self) -> str:
        """Name the branch."""
        return f"make the branch {self.branch}"

    def do(self) -> None:
        """Make and check out the branch, unless that was done. Raises `ReleaseError`."""
        made = self.repository.object_of(self._ref)
        if made is None:
            self.repository.run("switch", "--quiet", "--no-track", "-c", self.branch, self.head)
        elif not self.is_done():
            self.repository.run("switch", "--quiet", self.branch)

    def undo(self) -> None:
        """Check out the branch before, and delete this one where it holds nothing of its own."""
        made = self.repository.object_of(self._ref)
        if made is not None and made != self.head:
            raise ReleaseError(
                f"The branch {self.branch} has commits of its own by now.",
                hint=f"Look at them: git log {self.head[:7]}..{self.branch}\n"
                "Or leave everything as it is: poetry aegis release --abort --force",
            )
        if self.repository.branch() == self.branch:
            # Only the name changes: both branches are on the same commit, and no file differs.
            self.repository.run("symbolic-ref", "HEAD", f"refs/heads/{self.origin}")
        if made is not None:
            self.repository.run("update-ref", "-d", self._ref, made)

    def is_done(self) -> bool:
        """Return whether the branch is checked out."""
        return self.repository.branch() == self.branch

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.branch}"


@dataclass
class ReturnToBranch(Step):
    """Checks out *origin* again, the branch that was checked out before the release."""

    repository: GitRepository
    branch: str
    origin: str
    name: str = "return"

    def describe(self) -> str:
        """Name the branch."""
        return f"go back to {self.origin}"

    def do(self) -> None:
        """Check it out. Raises `GitError`."""
        if not self.is_done():
            self.repository.run("switch", "--quiet", self.origin)

    def undo(self) -> None:
        """Check out the release's branch again."""
        if self.is_done():
            self.repository.run("switch", "--quiet", self.branch)

    def is_done(self) -> bool:
        """Return whether *origin* is checked out."""
        return self.repository.branch() == self.origin
