"""The steps of a release, each able to take itself back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from poetry_aegis import atomic
from poetry_aegis.errors import PushRejected
from poetry_aegis.release.journal import Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.release.git import GitRepository, Outcome, Upstream


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

    def describe(self) -> str:
        """Name the files, relative to the repository."""
        paths = ", ".join(change.path.relative_to(self.root).as_posix() for change in self.changes)
        return f"write {paths}"

    def do(self) -> None:
        """Write the new contents."""
        for change in self.changes:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(change.path, change.after)

    def undo(self) -> None:
        """Put the old contents back, byte for byte."""
        for change in self.changes:
            if change.before is None:
                change.path.unlink(missing_ok=True)
            else:
                atomic.write_bytes(change.path, change.before)


@dataclass
class MakeCommit(Step):
    """Commits exactly the files that the release changes."""

    name: ClassVar[str] = "commit"

    repository: GitRepository
    paths: tuple[Path, ...]
    message: str
    _parent: str | None = field(default=None, init=False)
    _made: str | None = field(default=None, init=False)

    def describe(self) -> str:
        """Give the subject of the commit."""
        return f"commit {self.message.splitlines()[0]!r}"

    def do(self) -> None:
        """Stage and commit."""
        self._parent = self.repository.head()
        self.repository.stage(self.paths)
        self._made = self.repository.commit(self.paths, self.message)

    def undo(self) -> None:
        """Go back to the commit before, unless somebody has committed on top since."""
        if self._parent is None:
            return
        head = self.repository.head()
        if head == (self._made or self._child_of_parent()):
            self.repository.run("update-ref", "HEAD", self._parent, head)
        self.repository.unstage(self.paths)

    def _child_of_parent(self) -> str | None:
        """Return the commit that was made where an interrupt came before its id was noted."""
        child, _, parents = (
            self.repository.run("log", "-1", "--format=%H %P").strip().partition(" ")
        )
        return child if parents == self._parent else None


@dataclass
class MakeTag(Step):
    """Makes the annotated tag."""

    name: ClassVar[str] = "tag"

    repository: GitRepository
    tag: str
    message: str
    _made: str | None = field(default=None, init=False)

    def describe(self) -> str:
        """Name the tag."""
        return f"tag {self.tag}"

    def do(self) -> None:
        """Tag HEAD."""
        self.repository.tag(self.tag, self.message)
        self._made = self.repository.object_of(f"refs/tags/{self.tag}")

    def undo(self) -> None:
        """Delete the tag, if it is still the one that was made."""
        if self._made is not None:
            self.repository.run("update-ref", "-d", f"refs/tags/{self.tag}", self._made)


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

    def is_final(self) -> bool:
        """Return whether the remote has it: what others may have fetched is never rewritten.

        Where the push did not say, an interrupt or a lost connection, the remote is asked.
        """
        if not self._arrived:
            ours = self.repository.object_of(self._ref)
            theirs = self.repository.remote_object_of(self.upstream.remote, self._ref)
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


def push_rejected(upstream: Upstream, outcome: Outcome) -> PushRejected:
    """Return the error for a push that the remote did not take."""
    if any(sign in outcome.errors for sign in ("fetch first", "non-fast-forward")):
        return PushRejected(
            f"The remote {upstream.remote!r} has commits on {upstream.branch} that are not here.",
            hint="Get them, then try again: git pull --rebase",
        )
    return PushRejected(
        f"The remote {upstream.remote!r} refused the push: {_reason(outcome)}",
        hint="Settle it with the remote, then run the command again.",
    )


def _reason(outcome: Outcome) -> str:
    """Return the remote's own words, where it has any."""
    remote = [line[7:].strip() for line in outcome.errors.splitlines() if line[:7] == "remote:"]
    words = [line for line in remote if line and not line.startswith("error:")]
    return words[0] if words else outcome.reason
