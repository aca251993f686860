"""What must hold before a release writes its first byte."""

from __future__ import annotations

import shlex
from time import monotonic, sleep
from typing import TYPE_CHECKING

from poetry_aegis.errors import (
    CommitRefused,
    DetachedHead,
    DirtyTree,
    GitError,
    NoUpstream,
    ReleaseError,
    TagExists,
)
from poetry_aegis.release.git import Upstream
from poetry_aegis.release.history.pipelines import is_pull_request
from poetry_aegis.release.steps.push import push_rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.plan import Plan

SHOWN_FILES = 5
LOCK_PATIENCE = 1.0  # seconds
# What git keeps in its directory while it waits for the user to finish something.
UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "BISECT_LOG": "bisect",
}


def require_branch(branch: str | None, environ: Mapping[str, str]) -> str:
    """Return *branch*. Raises `DetachedHead` where there is none; *environ* may tell why."""
    if branch is None and is_pull_request(environ):
        raise DetachedHead(
            "This pipeline runs for a pull request, which is not released.",
            hint="Release in the pipeline of the branch that it is merged into.",
        )
    if branch is None:
        raise DetachedHead(
            "No branch is checked out, so the release commit would belong to none.",
            hint="Check one out: git switch BRANCH",
        )
    return branch


def require_quiet(repository: GitRepository) -> None:
    """Raise `DirtyTree` where git is in the middle of a merge, a rebase or the like."""
    for verb, path in zip(UNDER_WAY.values(), repository.paths_of(*UNDER_WAY), strict=True):
        if path.exists():
            raise DirtyTree(
                f"A {verb} is under way in this work tree.",
                hint=f"Finish it, or take it back: git {verb} --abort"
                if verb != "bisect"
                else "End it: git bisect reset",
            )


def require_unlocked(repository: GitRepository, branches: Iterable[str]) -> None:
    """Raise `GitError` where git's index, HEAD or one of *branches* stays locked.

    A git that was killed leaves its locks behind. Whose they are nobody can tell, so they are named
    and not removed; one that is at work lets go of them in a moment.
    """
    names = ["index", "HEAD", "packed-refs", "config", *(f"refs/heads/{name}" for name in branches)]
    paths = repository.paths_of(*(f"{name}.lock" for name in names))
    deadline = monotonic() + LOCK_PATIENCE
    while locks := [path for path in paths if path.exists()]:
        if monotonic() > deadline:
            raise GitError(
                "Another git is at work in this work tree, or one was killed "
                "and has left its lock.",
                hint=f"If none is running, remove the lock: rm {shlex.join(map(str, locks))}",
            )
        sleep(0.05)


def find_edits(
    repository: GitRepository, *, allowed: bool, allowable: bool = False
) -> frozenset[str]:
    """Return the tracked files with uncommitted changes. Raises `DirtyTree` unless *allowed*.

    *allowable* tells whether the command that asks can be told to allow them.
    """
    changed = repository.changed_files()
    if changed and not allowed:
        ways = "Commit them, or put them aside with: git stash"
        if allowable:
            ways = (
                "Commit them, put them aside with git stash, or release without them: --allow-dirty"
            )
        raise DirtyTree(f"There are uncommitted changes: {_some(changed)}", hint=ways)
    return frozenset(changed)


def require_unedited(plan: Plan) -> None:
    """Raise `DirtyTree` where a file that the release writes has edits of the user's."""
    edited = sorted(plan.dirty & plan.paths)
    if edited:
        raise DirtyTree(
            f"The release would write files that have uncommitted changes: {_some(edited)}",
            hint="Commit those, or put them aside: git stash push -- " + shlex.join(edited),
        )


def require_signing(repository: GitRepository, *, sign: bool) -> None:
    """Raise `CommitRefused` where commits or tags are signed and git cannot sign now.

    Git's own code signs an object that nothing refers to, so that a missing key, an agent that is
    not running or a wrong passphrase shows before the first change.
    """
    keys = r"^(commit|tag)\.gpgsign$"
    configured = repository.try_run("config", "--type=bool", "--get-regexp", keys).output.split()
    if not sign and "true" not in configured:
        return
    outcome = repository.try_run("commit-tree", "-S", "HEAD^{tree}", "-m", "signing, tried out")
    if outcome.status:
        raise CommitRefused(
            f"Git cannot sign: {outcome.reason}",
            hint=outcome.words or "Look at: git config user.signingKey, git config gpg.format",
        )


def find_upstream(repository: GitRepository, branch: str, remote: str) -> Upstream:
    """Return where to push *branch*: what git has configured, else the same name on *remote*.

    Raises `NoUpstream`.
    """
    upstream = repository.upstream_of(branch)
    if upstream:
        _require_same_name(repository, branch, upstream)
        return upstream
    remotes = repository.remotes()
    if remote in remotes:
        # On a detached HEAD there is no branch to give an upstream to.
        return Upstream(remote, branch, tracked=repository.branch() is None)
    known = f"its remotes are: {', '.join(remotes)}" if remotes else "it has no remote"
    raise NoUpstream(
        f"Branch {branch!r} has no upstream and there is no remote {remote!r} ({known}).",
        hint=f"Add it with: git remote add {remote} URL",
    )


def _require_same_name(repository: GitRepository, branch: str, upstream: Upstream) -> None:
    """Raise `NoUpstream` where the push would go to a branch of another name unasked.

    ``git switch -c hotfix origin/main`` tracks ``main``; git's own push refuses that, too, unless
    ``push.default`` says that it is meant.
    """
    meant = repository.try_run("config", "--get", "push.default").output.strip()
    if upstream.branch != branch and meant not in {"upstream", "tracking"}:
        raise NoUpstream(
            f"Branch {branch!r} tracks {upstream.label}/{upstream.branch}, "
            "so the release would be pushed there.",
            hint="Push it under its own name with: git branch --unset-upstream\n"
            "Or say that it is meant: git config push.default upstream",
        )


def require_free_branch(repository: GitRepository, branch: str) -> None:
    """Raise `ReleaseError` where *branch* cannot be made: it is there, or is no name of one."""
    if repository.try_run("check-ref-format", "--branch", branch).status:
        raise ReleaseError(
            f"{branch!r} cannot be the name of a branch.",
            hint="For example: --branch release/{version}",
        )
    if repository.branch() == branch:
        raise ReleaseError(
            f"{branch} is the branch that is checked out; --branch makes a new one.",
            hint="For example: --branch release/{version}",
        )
    if repository.object_of(f"refs/heads/{branch}"):
        raise ReleaseError(
            f"There is a branch {branch} already.",
            hint=f"Name another one, or delete it if it is not needed: git branch -D {branch}",
        )


def require_free_branch_on(repository: GitRepository, upstream: Upstream) -> None:
    """Raise `ReleaseError` where the remote has the branch already: from an earlier release."""
    ref = f"refs/heads/{upstream.branch}"
    if repository.remote_objects(upstream.remote, [ref]):
        raise ReleaseError(
            f"The remote {upstream.label!r} has a branch {upstream.branch} already.",
            hint="Merge or close its pull request, and delete it: "
            f"git push {upstream.label} --delete {upstream.branch}",
        )


def require_free_tags(repository: GitRepository, tags: Iterable[str]) -> None:
    """Raise `TagExists` where one of *tags* is there, whatever it stands on."""
    for tag in tags:
        if repository.object_of(f"refs/tags/{tag}"):
            raise TagExists(
                f"There is a tag {tag} already.",
                hint=f"Name another version, or delete the tag if it is wrong: git tag -d {tag}",
            )


def require_pushable(
    repository: GitRepository, upstream: Upstream, tags: Sequence[str], *, branch: bool = True
) -> None:
    """Check that the remote would take the branch and has none of *tags*.

    Raises `TagExists` and `PushRejected`.
    """
    if branch:
        refspec = f"HEAD:refs/heads/{upstream.branch}"
        outcome = repository.push(upstream, [refspec], dry_run=True)
        if outcome.status:
            raise push_rejected(upstream, outcome)
    refs = {f"refs/tags/{tag}": tag for tag in tags}
    taken = repository.remote_objects(upstream.remote, list(refs)) if refs else {}
    for ref in taken:
        raise TagExists(
            f"The remote {upstream.label!r} has a tag {refs[ref]} already, which is not here.",
            hint="Get it, then try again: git fetch --tags",
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN_FILES]) + (", ..." if len(names) > SHOWN_FILES else "")
