"""The release commit: exactly the release's files, whatever else is staged or edited.

The commit is made through an index file of its own, so that what the user has staged is neither
taken along nor touched; git's hooks see it as they see the index of ``git commit --only``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import CommitRefused, ReleaseError
from poetry_aegis.release.journal import Step
from poetry_aegis.release.steps.contents import remove
from poetry_aegis.release.steps.index import OwnIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from poetry_aegis.release.git import GitRepository, Outcome
    from poetry_aegis.release.steps.files import WriteFiles


@dataclass(frozen=True)
class FoundCommit:
    """The release commit as it is in the repository; *paths* are those that it changes."""

    sha: str
    paths: frozenset[str]


@dataclass
class MakeCommit(Step):
    """Commits the release's files on top of *parent*, and what hooks add to them.

    *also* returns further paths to commit, relative to the repository; *settle* is called when
    git's hooks have run. *workspace* is a directory for the index files, and *dirty* are the paths
    that had edits of the user's before. *ref* is where the commit is looked for. *rebuild* is
    called where git's hooks have committed something else than what was built.
    """

    repository: GitRepository
    files: WriteFiles
    parent: str
    message: str
    workspace: Path
    settle: Callable[[], None]
    sign: bool = False
    dirty: frozenset[str] = frozenset()
    also: Callable[[], Sequence[str]] = tuple
    rebuild: Callable[[], None] = lambda: None
    ref: str = "HEAD"
    name: str = "commit"

    def describe(self) -> str:
        """Give the subject of the commit."""
        return f"commit {self.message.splitlines()[0]!r}"

    @property
    def paths(self) -> list[str]:
        """The paths to commit, relative to the repository."""
        return list(dict.fromkeys([*self.files.paths, *self.also()]))

    def do(self) -> None:
        """Commit, unless that was done, and bring the user's index up to it.

        Raises `ReleaseError` where HEAD is not *parent* any more, `CommitRefused` where a hook or
        git says no.
        """
        if self.find() is None:
            require_head(self.repository, self.parent)
            self._index.begin()
            self._stage()
            self._commit()
        commit = self.require()
        if commit.paths != frozenset(self.paths) or not self.files.is_done():
            self.rebuild()
        if commit.sha == self.repository.head():
            # Only the paths of the commit: what else the user has staged stays staged.
            self.repository.run(
                "--literal-pathspecs", "reset", "--quiet", commit.sha, "--", *commit.paths
            )

    def undo(self) -> None:
        """Go back to the commit before, the user's index and files as they were.

        Raises `ReleaseError` where somebody has committed on top of the release commit.
        """
        commit = self.find()
        index = self._index
        if commit is None:
            self._restore({path: index.object_of(path) for path in self._of_hooks(index.staged())})
            index.restore_theirs(self.paths)
            return
        if commit.sha != self.repository.head():
            raise ReleaseError(
                f"There are commits on top of the release commit {commit.sha[:7]}.",
                hint="Take those back first, or leave everything as it is and forget the release: "
                "poetry aegis release --abort --force",
            )
        self._restore(
            {
                path: self.repository.object_of(f"{commit.sha}:{path}")
                for path in self._of_hooks(commit.paths)
            }
        )
        index.restore_theirs(commit.paths)
        reason = "release: taken back"
        self.repository.run("update-ref", "-m", reason, "HEAD", self.parent, commit.sha)

    def is_done(self) -> bool | None:
        """Return ``False`` where the commit is not there; the journal knows if it is complete."""
        return None if self.find() else False

    def require(self) -> FoundCommit:
        """Return the release commit. Raises `ReleaseError` where it is not there any more."""
        commit = self.find()
        if commit is None:
            raise ReleaseError(
                f"The release commit {(self._sha or '')[:7]} is not on this branch any more.",
                hint="Bring it back, or leave everything as it is: "
                "poetry aegis release --abort --force",
            )
        return commit

    def find(self) -> FoundCommit | None:
        """Return the release commit below *ref*, ``None`` where it is not there.

        Also where the process was killed before it could note the id: its parent, its message and
        its paths tell.
        """
        tip = self.repository.object_of(self.ref)
        if tip in {None, self.parent}:
            return None
        log = self.repository.run(
            "log", "-z", "--format=%H%x00%P%x00%B", "--first-parent", f"{self.parent}..{tip}", "--"
        ).split("\0")
        for sha, parents, message in zip(*(iter(log),) * 3, strict=False):
            if parents == self.parent and (
                sha == self._sha or self._is_message(message) or self._has_our_tree(sha)
            ):
                found = FoundCommit(sha, self._paths_of(sha))
                return found if found.paths.issuperset(self.files.paths) else None
        return None

    @property
    def _sha(self) -> str | None:
        """The id of the commit, once it is noted."""
        sha: str | None = self.recall().get("sha")
        return sha

    def _is_message(self, message: str) -> bool:
        return self.message.strip().splitlines()[0] in message

    def _has_our_tree(self, sha: str) -> bool:
        """Return whether the commit is what was staged for it, whatever its message is by now."""
        if not self._index.path.exists():
            return False
        return self._index.git("write-tree").strip() == self.repository.object_of(f"{sha}^{{tree}}")

    def _paths_of(self, sha: str) -> frozenset[str]:
        names = self.repository.run(
            "diff-tree", "--no-commit-id", "--name-only", "--no-renames", "-r", "-z", sha
        )
        return frozenset(filter(None, names.split("\0")))

    # Committing

    @property
    def _index(self) -> OwnIndex:
        return OwnIndex(self.repository, self.workspace, self.parent)

    def _stage(self) -> None:
        self._index.git("--literal-pathspecs", "add", "--force", "--", *self.paths)

    def _commit(self) -> None:
        outcome = self._try_commit()
        if outcome.status and self._were_rewritten():
            # The usual formatters rewrite files and refuse; a second time they are content.
            self._stage()
            outcome = self._try_commit()
        if outcome.status:
            raise CommitRefused(
                f"Git refused the release commit: {outcome.reason}",
                hint=outcome.words or "A hook or a signing key may be the cause.",
            )
        self.remember(sha=self.repository.head())
        if self._were_rewritten():
            # Rewritten, and let pass: without this the tree would not be clean after the release.
            self._stage()
            self._index.git(
                "commit", "--quiet", "--amend", "--no-edit", "--no-verify", *self._signing
            )
            self.remember(sha=self.repository.head())

    def _try_commit(self) -> Outcome:
        outcome = self.repository.try_run(
            *("commit", "--quiet", "--cleanup=whitespace", *self._signing, "-m", self.message),
            environment=self._index.environment,
        )
        self.settle()
        return outcome

    @property
    def _signing(self) -> list[str]:
        return ["--gpg-sign"] if self.sign else []

    def _were_rewritten(self) -> bool:
        """Return whether a hook has changed files of ours without staging them."""
        return bool(
            self._index.git("--literal-pathspecs", "diff-files", "--name-only", "--", *self.paths)
        )

    # Taking back

    def _restore(self, made: Mapping[str, str | None]) -> None:
        """Put the files back that hooks have *made*, by their ids, but those edited since."""
        for path, made_id in made.items():
            file = self.repository.root / path
            content = self.repository.run("hash-object", "--", path) if file.is_file() else None
            if content and content.strip() != made_id:
                continue
            if self.repository.object_of(f"{self.parent}:{path}"):
                source = f"--source={self.parent}"
                self.repository.run(
                    "--literal-pathspecs", "restore", source, "--worktree", "--", path
                )
            else:
                remove(file, self.repository.root)

    def _of_hooks(self, paths: Iterable[str]) -> list[str]:
        """Return those of *paths* that git's hooks have added."""
        return sorted({*paths} - {*self.paths} - self.dirty)


def require_head(repository: GitRepository, planned: str) -> None:
    """Raise `ReleaseError` where commits have come that the plan knows nothing of."""
    if repository.head() != planned:
        raise ReleaseError(
            "The branch has moved since the release was planned.",
            hint="Look at the new commits and run the command again.",
        )
