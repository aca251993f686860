"""What must hold before a release writes its first byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import DetachedHead, DirtyTree, GitError, NoUpstream, TagExists
from poetry_aegis.release.git import Upstream
from poetry_aegis.release.steps import push_rejected

if TYPE_CHECKING:
    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.plan import Plan

SHOWN_FILES = 5


def require_releasable(repository: GitRepository) -> str:
    """Return the branch that is checked out, ready to be committed to.

    Raises `DetachedHead`, `DirtyTree` and `CommitRefused`, and `GitError` for a shallow clone.
    """
    _require_whole_history(repository)
    branch = repository.branch()
    if branch is None:
        raise DetachedHead(
            "No branch is checked out, so the release commit would belong to none.",
            hint="Check one out: git switch BRANCH",
        )
    changed = repository.changed_files()
    if changed:
        shown = ", ".join(changed[:SHOWN_FILES]) + (", ..." if len(changed) > SHOWN_FILES else "")
        raise DirtyTree(
            f"There are uncommitted changes: {shown}",
            hint="Commit them, or put them aside with: git stash",
        )
    repository.require_identity()
    return branch


def _require_whole_history(repository: GitRepository) -> None:
    """Raise `GitError` for a shallow clone: what it lacks may decide the version."""
    if repository.run("rev-parse", "--is-shallow-repository").strip() == "true":
        raise GitError(
            "This clone is shallow, and the commits it lacks may decide the version.",
            hint="Get them: git fetch --unshallow --tags",
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
        return Upstream(remote, branch, tracked=False)
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
            f"Branch {branch!r} tracks {upstream.remote}/{upstream.branch}, "
            "so the release would be pushed there.",
            hint="Push it under its own name with: git branch --unset-upstream\n"
            "Or say that it is meant: git config push.default upstream",
        )


def require_free(repository: GitRepository, plan: Plan) -> None:
    """Check that the tag is free here and that the remote would take the branch.

    Raises `TagExists` and `PushRejected`.
    """
    if repository.object_of(f"refs/tags/{plan.tag}"):
        raise TagExists(
            f"There is a tag {plan.tag} already, on a commit that this branch does not contain.",
            hint=f"Name another version, or delete the tag if it is wrong: git tag -d {plan.tag}",
        )
    if plan.upstream:
        _require_pushable(repository, plan.upstream, plan.tag)


def _require_pushable(repository: GitRepository, upstream: Upstream, tag: str) -> None:
    refspec = f"HEAD:refs/heads/{upstream.branch}"
    outcome = repository.push(upstream, [refspec], dry_run=True)
    if outcome.status:
        raise push_rejected(upstream, outcome)
    if repository.remote_object_of(upstream.remote, f"refs/tags/{tag}"):
        raise TagExists(
            f"The remote {upstream.remote!r} has a tag {tag} already, which is not here.",
            hint="Get it, then try again: git fetch --tags",
        )
