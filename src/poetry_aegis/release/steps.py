"""The steps of a release, each able to take itself back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from poetry_aegis import atomic
from poetry_aegis.errors import GitError, PushRejected, ReleaseError
from poetry_aegis.release.journal import Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.release.git import GitRepository, HeadCommit, Outcome, Upstream


@dataclass(frozen=True)
class FileChange:
    """The content of a file before (``None`` where there is no such file) and after a release."""

    path: Path
    before: bytes | None
    after: bytes


@dataclass
class WriteFiles(Step):
    """Writes the files that the release changes, each atomically."""

    name: ClassVar[str] = "files"

    root: Path
    changes: tuple[FileChange, ...]
    _made: list[Path] = field(default_factory=list, init=False)

    def describe(self) -> str:
        """Name the files, relative to the repository."""
        paths = ", ".join(change.path.relative_to(self.root).as_posix() for change in self.changes)
        return f"write {paths}"

    def do(self) -> None:
        """Write the new contents."""
        for change in self.changes:
            self._make_directory(change.path.parent)
            atomic.write_bytes(change.path, change.after)

    def undo(self) -> None:
        """Put the old contents back, byte for byte."""
        for change in self.changes:
            if change.before is None:
                change.path.unlink(missing_ok=True)
            else:
                atomic.write_bytes(change.path, change.before)
        for directory in reversed(self._made):
            with contextlib.suppress(OSError):  # Something else may have come to be in it.
                directory.rmdir()

    def _make_directory(self, directory: Path) -> None:
        if not directory.exists():
            self._make_directory(directory.parent)
            directory.mkdir()
            self._made.append(directory)


@dataclass
class MakeCommit(Step):
    """Commits exactly the files that the release changes, on top of *parent*."""

    name: ClassVar[str] = "commit"

    repository: GitRepository
    parent: str
    paths: tuple[Path, ...]
    message: str
    _made: str | None = field(default=None, init=False)

    def describe(self) -> str:
        """Give the subject of the commit."""
        return f"commit {self.message.splitlines()[0]!r}"

    def do(self) -> None:
        """Stage and commit. Raises `ReleaseError` where HEAD is not *parent* any more."""
        require_head(self.repository, self.parent)
        self.repository.stage(self.paths)
        self._made = self.repository.commit(self.message)

    def undo(self) -> None:
        """Go back to the commit before, unless HEAD is somebody else's commit by now."""
        if self._is_ours(self.repository.describe_head()):
            self.repository.drop_commit(self.parent)
        else:
            self.repository.unstage_all()

    def _is_ours(self, head: HeadCommit) -> bool:
        """Tell whether *head* was made here, also where an interrupt came before it was noted."""
        if self._made is not None:
            return head.sha == self._made
        root = self.repository.root
        ours = {path.relative_to(root).as_posix() for path in self.paths}
        same_message = head.message.startswith(self.message.strip())
        return head.parents == self.parent and same_message and ours <= head.paths


@dataclass
class MakeTag(Step):
    """Makes the annotated tag."""

    name: ClassVar[str] = "tag"

    repository: GitRepository
    tag: str
    message: str
    _commit: str | None = field(default=None, init=False)

    def describe(self) -> str:
        """Name the tag."""
        return f"tag {self.tag}"

    def do(self) -> None:
        """Tag HEAD."""
        self._commit = self.repository.head()
        self.repository.tag(self.tag, self.message)

    def undo(self) -> None:
        """Delete the tag, if it is there and on the commit that was tagged."""
        ref = f"refs/tags/{self.tag}"
        made = self.repository.object_of(ref)
        if made and self.repository.object_of(f"{ref}^{{commit}}") == self._commit:
            self.repository.run("update-ref", "-d", ref, made)


@dataclass
class Push(Step):
    """Pushes the branch and the tag in one atomic push."""

    name: ClassVar[str] = "push"

    repository: GitRepository
    upstream: Upstream
    tag: str
    _arrived: bool = field(default=False, init=False)

    def describe(self) -> str:
        """Say what goes where."""
        return f"push {self.upstream.branch} and {self.tag} to {self.upstream.remote}, atomically"

    def do(self) -> None:
        """Push, and ask the remote where the answer was lost. Raises `PushRejected`."""
        refspecs = [f"HEAD:refs/heads/{self.upstream.branch}", f"{self._ref}:{self._ref}"]
        outcome = self.repository.push(self.upstream, refspecs)
        self._arrived = outcome.status == 0
        if not self.is_final():
            raise push_rejected(self.upstream, outcome)
        if not self._arrived:
            raise PushRejected(
                f"The push to {self.upstream.remote!r} broke off, and the remote does not say "
                f"whether it arrived: {outcome.reason}",
                hint="When it answers again, push once more: git push --atomic "
                f"{self.upstream.remote} {' '.join(refspecs)}",
            )

    def is_final(self) -> bool:
        """Return whether the remote has it, or may have: what others fetched is never rewritten.

        Where the push did not say, an interrupt or a lost connection, the remote is asked.
        """
        if self._arrived:
            return True
        ours = self.repository.object_of(self._ref)
        try:
            theirs = self.repository.remote_object_of(self.upstream.remote, self._ref)
        except GitError:
            return ours is not None
        self._arrived = ours is not None and ours == theirs
        return self._arrived

    @property
    def _ref(self) -> str:
        return f"refs/tags/{self.tag}"


@dataclass
class Build(Step):
    """Builds the distributions, so that a release that cannot be built is never committed."""

    name: ClassVar[str] = "build"

    build: Callable[[], None]

    def describe(self) -> str:
        """Say what is built."""
        return "build the sdist and the wheel"

    def do(self) -> None:
        """Build. Raises `BuildFailed`."""
        self.build()


@dataclass
class Publish(Step):
    """Uploads the distributions to an index and reads them back.

    *publish* uploads, *uploaded* tells whether any file has arrived, and *discard* removes what
    was built where none has.
    """

    name: ClassVar[str] = "publish"

    repository: str
    publish: Callable[[], None]
    uploaded: Callable[[], bool]
    discard: Callable[[], None]

    def describe(self) -> str:
        """Name the index."""
        return f"publish to {self.repository} and verify"

    def do(self) -> None:
        """Upload and verify. Raises `PublishError`."""
        self.publish()

    def undo(self) -> None:
        """Remove the distributions of a version that is not released."""
        self.discard()

    def is_final(self) -> bool:
        """Return whether a file has arrived: somebody may have installed it."""
        return self.uploaded()


def require_head(repository: GitRepository, planned: str) -> None:
    """Raise `ReleaseError` where commits have come that the plan knows nothing of."""
    if repository.head() != planned:
        raise ReleaseError(
            "The branch has moved since the release was planned.",
            hint="Look at the new commits and run the command again.",
        )


def push_rejected(upstream: Upstream, outcome: Outcome) -> PushRejected:
    """Return the error for a push that the remote did not take."""
    if any(sign in outcome.errors for sign in ("fetch first", "non-fast-forward")):
        return PushRejected(
            f"The remote {upstream.remote!r} has commits on {upstream.branch} that are not here.",
            hint="Get them, then try again: git pull --rebase",
        )
    said = [line[7:].strip() for line in outcome.lines if line[:7] == "remote:"]
    words = [line for line in said if line and not line.startswith("error:")]
    if not words and "failed to push some refs" in outcome.errors:
        return PushRejected(
            f"The push to {upstream.remote!r} was refused.", hint=f"Git said:\n{outcome.words}"
        )
    return PushRejected(
        f"The push to {upstream.remote!r} failed: {words[0] if words else outcome.reason}",
        hint="Settle it with the remote, then run the command again.",
    )
