"""The release commit: exactly the release's files, whatever else is staged or edited.

The commit is made through an index file of its own, so that what the user has staged is neither
taken along nor touched; git's hooks see it as they see the index of ``git commit --only``.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import CommitRefused, ReleaseError
from poetry_aegis.release.journal import Step
from poetry_aegis.release.steps.contents import remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from poetry_aegis.release.git import GitRepository, Outcome
    from poetry_aegis.release.steps.files import WriteFiles

NO_OBJECT = "0" * 40


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
    that had edits of the user's before. *ref* is where the commit is looked for.
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
    ref: str = "HEAD"
    name: str = "commit"

    def describe(self) -> str:
        """Give the subject of the commit."""
        return f"commit {self.message.splitlines()[0]!r}"

    @property
    def paths(self) -> list[str]:
        """The paths to commit, relative to the repository."""
        root = self.repository.root
        ours = [change.path.relative_to(root).as_posix() for change in self.files.changes]
        return list(dict.fromkeys([*ours, *self.also()]))

    def do(self) -> None:
        """Commit, unless that was done, and bring the user's index up to it.

        Raises `ReleaseError` where HEAD is not *parent* any more, `CommitRefused` where a hook or
        git says no.
        """
        if self.find() is None:
            require_head(self.repository, self.parent)
            self._prepare()
            self._commit()
        commit = self.require()
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
        if commit is None:
            self._restore_index(self.paths)
            return
        if commit.sha != self.repository.head():
            raise ReleaseError(
                f"There are commits on top of the release commit {commit.sha[:7]}.",
                hint="Take those back first, or leave everything as it is and forget the release: "
                "poetry aegis release --abort --force",
            )
        self._restore_files(commit)
        self._restore_index(sorted(commit.paths))
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
            if parents == self.parent and (sha == self._sha or self._is_message(message)):
                found = FoundCommit(sha, self._paths_of(sha))
                return found if found.paths.issuperset(self._planned()) else None
        return None

    @property
    def _sha(self) -> str | None:
        """The id of the commit, once it is noted."""
        sha: str | None = self.recall().get("sha")
        return sha

    def _is_message(self, message: str) -> bool:
        return self.message.strip().splitlines()[0] in message

    def _planned(self) -> set[str]:
        root = self.repository.root
        return {change.path.relative_to(root).as_posix() for change in self.files.changes}

    def _paths_of(self, sha: str) -> frozenset[str]:
        names = self.repository.run(
            "diff-tree", "--no-commit-id", "--name-only", "--no-renames", "-r", "-z", sha
        )
        return frozenset(filter(None, names.split("\0")))

    # Committing

    @property
    def _index(self) -> Path:
        return self.workspace / "index"

    @property
    def _before(self) -> Path:
        return self.workspace / "index.before"

    def _prepare(self) -> None:
        """Make the index of the commit out of the user's: what that knows of the files saves time.

        A copy of the user's own is kept for `undo`.
        """
        self.workspace.mkdir(parents=True, exist_ok=True)
        (theirs,) = self.repository.paths_of("index")
        for leftover in self.workspace.glob("index*.lock"):
            leftover.unlink()
        self._index.unlink(missing_ok=True)
        if theirs.exists():
            shutil.copy2(theirs, self._index)
            self._keep_index(theirs)
        self._git("read-tree", "--reset", self.parent)
        self._stage()

    def _keep_index(self, theirs: Path) -> None:
        part = self._before.with_suffix(".part")
        shutil.copy2(theirs, part)
        part.replace(self._before)

    def _stage(self) -> None:
        self._git("--literal-pathspecs", "add", "--force", "--", *self.paths)

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
            self._git("commit", "--quiet", "--amend", "--no-edit", "--no-verify", *self._signing)
            self.remember(sha=self.repository.head())

    def _try_commit(self) -> Outcome:
        environment = {"GIT_INDEX_FILE": str(self._index)}
        outcome = self.repository.try_run(
            *("commit", "--quiet", "--cleanup=whitespace", *self._signing, "-m", self.message),
            environment=environment,
        )
        self.settle()
        return outcome

    @property
    def _signing(self) -> list[str]:
        return ["--gpg-sign"] if self.sign else []

    def _were_rewritten(self) -> bool:
        """Return whether a hook has changed files of ours without staging them."""
        return bool(
            self._git("--literal-pathspecs", "diff-files", "--name-only", "--", *self.paths)
        )

    def _git(self, *arguments: str) -> str:
        environment = {"GIT_INDEX_FILE": str(self._index)}
        return self.repository.run(*arguments, environment=environment)

    # Taking back

    def _restore_index(self, paths: Iterable[str]) -> None:
        """Put the entries for *paths* back that the user's index had before the commit."""
        paths = list(paths)
        if not paths or not self._before.exists():
            return
        before = self.repository.entries(paths, self._before)
        missing = f"0 {NO_OBJECT}"
        lines = [f"{before.get(path, missing)}\t{path}\0" for path in paths]
        if before != self.repository.entries(paths):
            self.repository.run("update-index", "-z", "--index-info", text="".join(lines))

    def _restore_files(self, commit: FoundCommit) -> None:
        """Put the files back that hooks have added to the commit, unless they were edited since."""
        for path in sorted(commit.paths - self._planned() - self.dirty):
            file = self.repository.root / path
            content = self.repository.run("hash-object", "--", path) if file.is_file() else ""
            if content and content != self._object_of(commit.sha, path):
                continue
            if self._object_of(self.parent, path):
                source = f"--source={self.parent}"
                self.repository.run(
                    "--literal-pathspecs", "restore", source, "--worktree", "--", path
                )
            else:
                remove(file, self.repository.root)

    def _object_of(self, commit: str, path: str) -> str:
        """Return the id of *path* in *commit* and a line break, or nothing."""
        outcome = self.repository.try_run("rev-parse", "--verify", "--quiet", f"{commit}:{path}")
        return outcome.output


def require_head(repository: GitRepository, planned: str) -> None:
    """Raise `ReleaseError` where commits have come that the plan knows nothing of."""
    if repository.head() != planned:
        raise ReleaseError(
            "The branch has moved since the release was planned.",
            hint="Look at the new commits and run the command again.",
        )
