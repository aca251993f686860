"""The one push of a release: the branch and its tags arrive together or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.errors import GitError, PushRejected
from poetry_aegis.release.journal import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.release.git import GitRepository, Outcome, Upstream


@dataclass
class Push(Step):
    """Pushes the commit that *target* returns, and *tags*, in one atomic push.

    *branch* tells whether the branch is pushed, too: a release that is finished on a merged branch
    has only its tags to push.
    """

    repository: GitRepository
    upstream: Upstream
    tags: tuple[str, ...]
    target: Callable[[], str]
    branch: bool = True
    name: str = "push"
    _arrived: bool = field(default=False, init=False)

    def describe(self) -> str:
        """Say what goes where."""
        what = [self.upstream.branch] if self.branch else []
        return f"push {' and '.join([*what, *self.tags])} to {self.upstream.label}, atomically"

    def do(self) -> None:
        """Push, and ask the remote where the answer was lost. Raises `PushRejected`.

        A push that has arrived does no harm a second time, and brings what git notes of a push.
        """
        refspecs = self._refspecs
        outcome = self.repository.push(self.upstream, refspecs)
        self._arrived = outcome.status == 0
        if self._arrived:
            return
        arrived = self._ask()
        if arrived is False:
            raise push_rejected(self.upstream, outcome)
        if arrived is None:
            raise PushRejected(
                f"The push to {self.upstream.label!r} broke off, and the remote does not say "
                f"whether it arrived: {outcome.reason}",
                hint="When it answers again, go on with: poetry aegis release --resume",
            )

    def is_final(self) -> bool:
        """Return whether the remote has it, or may have: what others fetched is never rewritten.

        Where the push did not say, an interrupt or a lost connection, the remote is asked.
        """
        return self._arrived or self._ask() is not False

    def _ask(self) -> bool | None:
        """Return whether the remote has what was pushed, ``None`` where it does not say."""
        ours = {ref: self.repository.object_of(ref) for ref in self._tag_refs}
        if None in ours.values():
            return False  # Not even made.
        branch = f"refs/heads/{self.upstream.branch}"
        try:
            theirs = self.repository.remote_objects(self.upstream.remote, [*ours, branch])
        except GitError:
            return None
        if ours:
            self._arrived = all(theirs.get(ref) == sha for ref, sha in ours.items())
        else:
            self._arrived = theirs.get(branch) == self.target()
        return self._arrived

    @property
    def _tag_refs(self) -> list[str]:
        return [f"refs/tags/{tag}" for tag in self.tags]

    @property
    def _refspecs(self) -> list[str]:
        branch = [f"{self._source}:refs/heads/{self.upstream.branch}"] if self.branch else []
        return [*branch, *(f"{ref}:{ref}" for ref in self._tag_refs)]

    @property
    def _source(self) -> str:
        """What to push: the commit, by the branch's name where git shall note its upstream."""
        target, branch = self.target(), self.repository.branch()
        ref = f"refs/heads/{branch}"
        return ref if branch and self.repository.object_of(ref) == target else target


def push_rejected(upstream: Upstream, outcome: Outcome) -> PushRejected:
    """Return the error for a push that the remote did not take."""
    if any(sign in outcome.errors for sign in ("fetch first", "non-fast-forward")):
        return PushRejected(
            f"The remote {upstream.label!r} has commits on {upstream.branch} that are not here.",
            hint="Get them, then try again: git pull --rebase",
        )
    said = [line[7:].strip() for line in outcome.lines if line[:7] == "remote:"]
    words = [line for line in said if line and not line.startswith("error:")]
    if not words and "failed to push some refs" in outcome.errors:
        return PushRejected(
            f"The push to {upstream.label!r} was refused.", hint=f"Git said:\n{outcome.words}"
        )
    return PushRejected(
        f"The push to {upstream.label!r} failed: {words[0] if words else outcome.reason}",
        hint=outcome.way_out
        or "Settle it with the remote, then run the command again. Where the branch takes only "
        'pull requests: poetry aegis release auto --branch "release/{version}" --push-tag',
    )
