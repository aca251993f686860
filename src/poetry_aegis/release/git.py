"""The one place that runs git: a repository in the few verbs that a release needs.

The processes are started here and not by GitPython, whose import takes longer than git takes for a
version; what they print is read with the settings pinned that would change it
(``log.showSignature``, the output encoding, the locale). `versions_of` needs no process per commit:
there GitPython earns its import.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Thread
from typing import TYPE_CHECKING, cast

from poetry_aegis.errors import (
    CommitRefused,
    GitError,
    GitMissing,
    NoCommits,
    NoRepository,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from io import BufferedReader
    from typing import IO

SHOWN_LINES = 12
LOG_IN = (
    "Let git log in to the remote: a credential helper (git config credential.helper), an ssh key, "
    "or in a pipeline the token that its checkout step keeps."
)
FIND = "Look at the remote's address, and whether you may read it: git remote -v"
WAYS_OUT = {
    "could not read Username": LOG_IN,
    "could not read Password": LOG_IN,
    "Authentication failed": LOG_IN,
    "Permission denied (publickey": LOG_IN,
    "' not found": FIND,
    "Repository not found": FIND,
    "does not appear to be a git repository": FIND,
    "Could not resolve host": FIND,
    "unable to access": FIND,
    "Could not read from remote repository": FIND,
}
PINNED = (
    *("-c", "log.showSignature=false"),
    *("-c", "i18n.logOutputEncoding=UTF-8", "-c", "i18n.commitEncoding=UTF-8"),
)
PUSH_PLACE = "poetry-aegis-push"  # a remote that exists for one question
BROKEN_PIPE = (-13, 128 + 13)  # as the system tells it, and as a shell does
CHUNK = 1 << 16


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
    def way_out(self) -> str:
        """What helps where a remote did not let git in; empty for anything else."""
        return next((hint for sign, hint in WAYS_OUT.items() if sign in self.errors), "")

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

    @property
    def label(self) -> str:
        """The remote as it may be shown: a URL without the token that is in it."""
        return re.sub(r"(?<=://)[^/]*@", "", self.remote)


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
                    hint="Trust it with: git config --global --add safe.directory "
                    f"{shlex.quote(str(directory))}",
                )
            raise NoRepository(
                f"{directory} is not inside a git repository.",
                hint="A release is read from git's history; start one with: git init",
            )
        return cls(Path(found.output.rstrip("\r\n")))

    def run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, text: str = ""
    ) -> str:
        """Return what ``git ARGUMENTS`` prints, given *text* to read.

        Raises `GitError` where git refuses.
        """
        outcome = self.try_run(*arguments, environment=environment, text=text)
        if outcome.status:
            raise _refusal(arguments, outcome)
        return outcome.output

    def try_run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, text: str = ""
    ) -> Outcome:
        """Return how ``git ARGUMENTS`` ended, whichever way. Raises `GitMissing`.

        *environment* comes on top of this process's own; *text* is what git gets to read.
        """
        process = self._start(arguments, environment, reads=bool(text))
        try:
            output, errors = process.communicate(text.encode("utf-8") if text else None)
        except BaseException:
            # What is undone next must not be done after all by a git that still runs.
            process.terminate()
            process.wait()
            raise
        return Outcome(process.returncode, _decode(output), _decode(errors))

    def stream(self, *arguments: str) -> Iterator[str]:
        """Return what ``git ARGUMENTS`` prints while it prints it, cut at each NUL.

        Git starts now, and has ended when the iteration has, whichever way. Raises `GitMissing`,
        and at the end `GitError` where git refuses.
        """
        return _follow(self._start(arguments), arguments)

    def _start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        reads: bool = False,
    ) -> Popen[bytes]:
        """Return git at work."""
        try:
            return Popen(
                ["git", *PINNED, *arguments],
                cwd=self.root,
                env={**_english(os.environ), **(environment or {})},
                stdin=PIPE if reads else DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
            )
        except FileNotFoundError:
            raise GitMissing(
                "There is no git on PATH.", hint="Install git and run the command again."
            ) from None

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
        # Not --short: that says "heads/main" where a tag has the name, too.
        outcome = self.try_run("symbolic-ref", "--quiet", "HEAD")
        return None if outcome.status else outcome.output.strip().removeprefix("refs/heads/")

    def changed_files(self) -> list[str]:
        """Return the tracked files with uncommitted changes, staged or not."""
        status = self.run("status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames")
        return [entry[3:] for entry in status.split("\0") if entry]

    def object_of(self, ref: str) -> str | None:
        """Return the id that the full name *ref* points to, ``None`` where there is no such ref."""
        outcome = self.try_run("rev-parse", "--verify", "--quiet", ref)
        return outcome.output.strip() if outcome.status == 0 else None

    def paths_of(self, *names: str) -> list[Path]:
        """Return where *names* are in the git directory of this work tree, ``index`` for one."""
        options = [part for name in names for part in ("--git-path", name)]
        listing = self.run("rev-parse", *options).splitlines()
        return [self.root / line for line in listing]

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

    def versions_of(self, path: str) -> Iterator[tuple[str, bytes]]:
        """Yield the commits of the main line that changed the file *path*, newest first.

        Each comes with its id and what the file held then; one that deleted it ends the iteration.
        """
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        from git import Repo

        with Repo(self.root, search_parent_directories=True) as repo:
            for commit in repo.iter_commits("HEAD", paths=path, first_parent=True):
                try:
                    blob = commit.tree / path
                except KeyError:
                    return
                yield commit.hexsha, blob.data_stream.read()

    def entries(self, paths: Sequence[str], index: Path | None = None) -> dict[str, str]:
        """Return what the index has for each of *paths*: mode, object id and stage.

        *index* is another index file than the one of the work tree.
        """
        environment = {"GIT_INDEX_FILE": str(index)} if index else None
        listing = self.run(
            "--literal-pathspecs",
            "ls-files",
            "--stage",
            "-z",
            "--",
            *paths,
            environment=environment,
        )
        entries = (entry.partition("\t") for entry in listing.split("\0") if entry)
        return {path: entry for entry, _, path in entries}

    # Writing

    def push(
        self, upstream: Upstream, refspecs: Sequence[str], *, dry_run: bool = False
    ) -> Outcome:
        """Push *refspecs* all together or not at all. A dry run runs no hook of the user's."""
        options = ["--dry-run", "--no-verify"] if dry_run else []
        if not upstream.tracked and not dry_run:
            options.append("--set-upstream")
        arguments = ("push", "--atomic", *options, upstream.remote, *refspecs)
        outcome = self.try_run(*arguments)
        if dry_run and outcome.status in BROKEN_PIPE:
            # A dry run names its push options to a remote that has been asked for nothing and may
            # be gone by then. Whether the remote takes such options is known before that.
            outcome = self.try_run("-c", "push.pushOption=", *arguments)
        return outcome

    def remote_objects(self, remote: str, refs: Sequence[str]) -> dict[str, str]:
        """Return the id that each of *refs* has on *remote* now, without those it does not have.

        Raises `GitError` where the remote does not answer.
        """
        environment, place = self._push_place(remote)
        listing = self.run("ls-remote", "--quiet", place, *refs, environment=environment)
        found = (line.split("\t", 1) for line in listing.splitlines())
        return {ref: sha for sha, ref in found if ref in refs}

    def _push_place(self, remote: str) -> tuple[dict[str, str], str]:
        """Return how git is asked about the place that pushes to *remote* go to.

        That may be another one than fetches come from. Its address may hold a token, so it is told
        in the environment and not on the command line. Needs git 2.31 where there is such a place.
        """
        outcome = self.try_run("config", "--get", f"remote.{remote}.pushurl")
        if outcome.status:
            return {}, remote
        count = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        configuration = {
            "GIT_CONFIG_COUNT": str(count + 1),
            f"GIT_CONFIG_KEY_{count}": f"remote.{PUSH_PLACE}.url",
            f"GIT_CONFIG_VALUE_{count}": outcome.output.rstrip("\r\n"),
        }
        return configuration, PUSH_PLACE


def _english(environ: Mapping[str, str]) -> dict[str, str]:
    """Return *environ* with git's messages in English; the user's hooks keep their characters."""
    kept = dict(environ)
    everything = kept.pop("LC_ALL", None)
    if everything:
        kept["LC_CTYPE"] = everything
    return kept | {"LANGUAGE": "C", "LC_MESSAGES": "C"}


def _follow(process: Popen[bytes], arguments: Sequence[str]) -> Iterator[str]:
    output, errors = cast("BufferedReader", process.stdout), cast("IO[bytes]", process.stderr)
    said: list[bytes] = []
    # A pipe full of warnings, which nobody reads meanwhile, would stop git for good.
    listener = Thread(target=lambda: said.append(errors.read()), daemon=True)
    listener.start()
    try:
        yield from _records(output)
        process.wait()
    finally:
        process.terminate()
        process.wait()
        listener.join()
        output.close()
        errors.close()
    outcome = Outcome(process.returncode, "", _decode(b"".join(said)))
    if outcome.status:
        raise _refusal(arguments, outcome)


def _records(output: BufferedReader) -> Iterator[str]:
    """Yield the pieces of *output* between NULs, and what follows the last NUL if there is any."""
    rest = b""
    while chunk := output.read1(CHUNK):
        whole, found, tail = chunk.rpartition(b"\0")
        if found:
            yield from _decode(rest + whole).split("\0")
            rest = tail
        else:
            rest += tail
    if rest:
        yield _decode(rest)


def _decode(output: bytes) -> str:
    """Return *output* as text; old histories hold bytes that are none, which must not matter."""
    return output.decode("utf-8", errors="replace")


def _refusal(arguments: Sequence[str], outcome: Outcome) -> GitError:
    verb = next(argument for argument in arguments if not argument.startswith("-"))
    return GitError(f"git {verb} failed: {outcome.reason}", hint=outcome.way_out)
