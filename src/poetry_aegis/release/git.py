"""The one place that runs git: a repository in the few verbs that a release needs.

GitPython runs the processes; what they print is read here, with the settings pinned that would
change it (``log.showSignature``, the output encoding, the locale).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from poetry_aegis.errors import (
    CommitRefused,
    GitError,
    GitMissing,
    NoCommits,
    NoRepository,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from subprocess import Popen

SHOWN_LINES = 12
PINNED = ("-c", "log.showSignature=false", "-c", "i18n.logOutputEncoding=UTF-8")


@dataclass(frozen=True)
class Outcome:
    """How a git process ended."""

    status: int
    output: str
    errors: str

    @property
    def reason(self) -> str:
        """The line that says why it failed, without git's ``fatal:`` before it."""
        telling = [line for line in self.lines if line.startswith(("fatal:", "error:", "remote:"))]
        line = next(iter(telling or self.lines), f"exit code {self.status}")
        return line.split(":", 1)[1].strip() if telling else line

    @property
    def lines(self) -> list[str]:
        """All that was said, without empty lines."""
        text = self.errors if self.errors.strip() else self.output
        return [line.strip() for line in text.splitlines() if line.strip()]

    @property
    def words(self) -> str:
        """The last lines of what was said, for a person to read; empty for a single line."""
        return (
            "\n".join(f"  {line}" for line in self.lines[-SHOWN_LINES:]) if self.lines[1:] else ""
        )


@dataclass(frozen=True)
class Upstream:
    """Where a branch is pushed to. *tracked* tells whether git's configuration says so."""

    remote: str
    branch: str
    tracked: bool


@dataclass(frozen=True)
class HeadCommit:
    """The commit that is checked out. *paths* are those that it changes."""

    sha: str
    parents: str
    message: str
    paths: frozenset[str]


class GitRepository:
    """The repository around a project. Every method may raise `GitError`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def around(cls, directory: Path) -> GitRepository:
        """Return the repository whose work tree holds *directory*.

        Raises `GitMissing` and `NoRepository`.
        """
        found = cls(directory).try_run("rev-parse", "--show-toplevel")
        if found.status:
            if "dubious ownership" in found.errors:
                raise NoRepository(
                    f"Git does not trust the repository in {directory}: another user owns it.",
                    hint=f"Trust it with: git config --global --add safe.directory {directory}",
                )
            raise NoRepository(
                f"{directory} is not inside a git repository.",
                hint="A release is read from git's history; start one with: git init",
            )
        return cls(Path(found.output.rstrip("\r\n")))

    def run(self, *arguments: str) -> str:
        """Return what ``git ARGUMENTS`` prints. Raises `GitError` where git refuses."""
        outcome = self.try_run(*arguments)
        if outcome.status:
            verb = next(a for a in arguments if not a.startswith("-"))
            raise GitError(f"git {verb} failed: {outcome.reason}")
        return outcome.output

    def try_run(self, *arguments: str) -> Outcome:
        """Return how ``git ARGUMENTS`` ended, whichever way. Raises `GitMissing`."""
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else `import git` wants git on PATH
        from git import Git, GitCommandNotFound

        try:
            running = Git(str(self.root)).execute(["git", *PINNED, *arguments], as_process=True)
        except GitCommandNotFound:
            raise GitMissing(
                "There is no git on PATH.", hint="Install git and run the command again."
            ) from None
        # GitPython's own wrapper raises for a git that failed.
        process = cast("Popen[bytes]", running.proc)
        try:
            output, errors = process.communicate()
        except BaseException:
            # What is undone next must not be done after all by a git that still runs.
            process.terminate()
            process.wait()
            raise
        # Old histories hold bytes that are no text; a name may look odd, a release must not fail.
        texts = (stream.decode("utf-8", errors="replace") for stream in (output, errors))
        return Outcome(process.returncode, *texts)

    # Reading

    def head(self) -> str:
        """Return the id of the commit that is checked out. Raises `NoCommits`."""
        outcome = self.try_run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if outcome.status:
            raise NoCommits(
                f"The repository {self.root} has no commit yet.",
                hint="Commit your work first: git add . && git commit",
            )
        return outcome.output.strip()

    def branch(self) -> str | None:
        """Return the branch that is checked out, ``None`` for a detached HEAD."""
        outcome = self.try_run("symbolic-ref", "--quiet", "--short", "HEAD")
        return outcome.output.strip() if outcome.status == 0 else None

    def changed_files(self) -> list[str]:
        """Return the tracked files with uncommitted changes, staged or not."""
        status = self.run("status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames")
        return [entry[3:] for entry in status.split("\0") if entry]

    def object_of(self, ref: str) -> str | None:
        """Return the id that the full name *ref* points to, ``None`` where there is no such ref."""
        outcome = self.try_run("rev-parse", "--verify", "--quiet", ref)
        return outcome.output.strip() if outcome.status == 0 else None

    def git_directory(self) -> Path:
        """Return the directory of the repository, which all of its work trees share."""
        return self.root / self.run("rev-parse", "--git-common-dir").rstrip("\r\n")

    def require_identity(self) -> None:
        """Raise `CommitRefused` where git would not know whom to name as the author."""
        outcome = self.try_run("var", "GIT_COMMITTER_IDENT")
        if outcome.status:
            raise CommitRefused(
                "Git does not know who makes the release commit.",
                hint='Tell it: git config user.name "NAME" && git config user.email ADDRESS',
            )

    def remotes(self) -> list[str]:
        """Return the names of the remotes."""
        return self.run("remote").split()

    def upstream_of(self, branch: str) -> Upstream | None:
        """Return where git's configuration says *branch* is pushed to."""
        remote = self.try_run("config", "--get", f"branch.{branch}.remote").output.strip()
        merge = self.try_run("config", "--get", f"branch.{branch}.merge").output.strip()
        if not remote or remote == "." or not merge:
            return None
        return Upstream(remote, merge.removeprefix("refs/heads/"), tracked=True)

    # Writing

    def stage(self, paths: Sequence[Path]) -> None:
        """Stage exactly *paths*."""
        self.run("add", "--force", "--", *map(str, paths))

    def unstage_all(self) -> None:
        """Set the whole index back to HEAD; the files stay as they are."""
        self.run("reset", "--quiet")

    def commit(self, message: str) -> str:
        """Commit what is staged, with the user's hooks and signing; return the commit's id.

        What a hook adds to the commit goes with it. Raises `CommitRefused`.
        """
        outcome = self.try_run("commit", "--quiet", "-m", message)
        if outcome.status:
            raise CommitRefused(
                f"Git refused the release commit: {outcome.reason}",
                hint=outcome.words or "A hook or a signing key may be the cause.",
            )
        return self.head()

    def drop_commit(self, parent: str) -> None:
        """Go back from HEAD to *parent*, files included, unless that would lose an edit."""
        if self.try_run("reset", "--quiet", "--keep", parent).status:
            self.run("reset", "--quiet", parent)

    def describe_head(self) -> HeadCommit:
        """Return what HEAD is and what it changes."""
        told = self.run("log", "-1", "--format=%H%x00%P%x00%B")
        sha, parents, message = told.split("\0", 2)
        names = self.run("diff-tree", "--no-commit-id", "--name-only", "-r", "-z", "--root", "HEAD")
        return HeadCommit(sha, parents, message.strip(), frozenset(filter(None, names.split("\0"))))

    def tag(self, name: str, message: str) -> None:
        """Make the annotated tag *name* on HEAD. Raises `CommitRefused`."""
        # A changelog's headings start with '#', which git would take for comments.
        outcome = self.try_run("tag", "--annotate", "--cleanup=verbatim", "-m", message, name)
        if outcome.status:
            raise CommitRefused(f"Git refused the tag {name}: {outcome.reason}")

    def push(
        self, upstream: Upstream, refspecs: Sequence[str], *, dry_run: bool = False
    ) -> Outcome:
        """Push *refspecs* all together or not at all. A dry run runs no hook of the user's."""
        options = ["--dry-run", "--no-verify"] if dry_run else []
        if not upstream.tracked and not dry_run:
            options.append("--set-upstream")
        return self.try_run("push", "--atomic", *options, upstream.remote, *refspecs)

    def remote_object_of(self, remote: str, ref: str) -> str | None:
        """Return the id that *ref* has on *remote* now, ``None`` for no such ref.

        Raises `GitError` where the remote does not answer.
        """
        fields = self.run("ls-remote", "--quiet", remote, ref).split()
        return fields[0] if fields else None
