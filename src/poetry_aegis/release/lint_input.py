"""Where the messages to check come from: the history, a range of it, or git's commit-msg hook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.errors import IncompleteHistory, UsageError
from poetry_aegis.release.history.commits import Commit
from poetry_aegis.release.history.shallow import (
    UNSHALLOW,
    require_readable_history,
    shorn_commits,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.packages.workspace import Package
    from poetry_aegis.settings import Settings

SCISSORS = "------------------------ >8 ------------------------"
AUTOMATIC_COMMENTS = "#;@!$%^&|:"  # what core.commentChar=auto chooses from


def read_range(repository: GitRepository, span: str) -> tuple[Commit, ...]:
    """Return the commits in *span*, which is written as for ``git log``, newest first.

    Raises `UsageError` for what git does not know as a range, `NoCommits` where there are none yet,
    and `IncompleteHistory` for a range that goes on where a shallow clone is cut off.
    """
    if span.startswith("-"):
        raise UsageError(
            f"{span!r} is an option, not a range of commits.",
            hint="For example: poetry aegis lint main..HEAD",
        )
    outcome = repository.try_run("log", "-z", "--format=%H%x1f%P%x1f%B", span, "--")
    if outcome.status:
        repository.head()  # Of no commit at all, this tells better.
        raise UsageError(
            f"Git does not know the range {span!r}: {outcome.reason}",
            hint="For example: poetry aegis lint main..HEAD",
        )
    entries = (entry.split("\x1f", 2) for entry in outcome.output.split("\0") if entry)
    commits = tuple(
        Commit(sha, "", "", message, parents=tuple(parents.split()))
        for sha, parents, message in entries
    )
    if ".." in span:
        _require_ends(repository, commits, span)
    return commits


def _require_ends(repository: GitRepository, commits: tuple[Commit, ...], span: str) -> None:
    cut = shorn_commits(repository)
    if any(commit.sha in cut for commit in commits):
        raise IncompleteHistory(
            f"This clone is shallow: commits of {span!r} may be missing.", hint=UNSHALLOW
        )


def read_unreleased(
    repository: GitRepository, settings: Settings, packages: Sequence[Package] = ()
) -> tuple[Commit, ...]:
    """Return the commits since the last release, newest first; of *packages* where there are any.

    Of a package they are those that change something of it, since the last release of that one.
    Raises `NoCommits`, and `IncompleteHistory` as `require_readable_history` does.
    """
    from poetry_aegis.release.history.reading import read_tags

    if packages:
        from poetry_aegis.release.packages import histories

        return histories.read_unreleased(repository, packages)
    require_readable_history(repository, settings)
    last = read_tags(repository, settings.tag_format).last
    return read_range(repository, f"refs/tags/{last.name}..HEAD" if last else "HEAD")


def read_message_file(path: str, repository: GitRepository) -> Commit:
    """Return the message in the file *path* as the commit that git is going to make of it.

    Comment lines go, and all from the scissors on, as *repository* is configured, which need not
    be one. Raises `UsageError` where the file cannot be read.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise UsageError(
            f"The message file {path!r} cannot be read: {error.strerror}.",
            hint="As a hook: poetry aegis lint --message-file .git/COMMIT_EDITMSG",
        ) from error
    comment = repository.try_run("config", "--get", "core.commentChar").output.strip()
    return Commit("", "", "", clean(text, comment or "#"))


def clean(text: str, comment: str = "#") -> str:
    """Return the message that git makes of the edited *text*; *comment* is core.commentChar."""
    lines = text.splitlines()
    mark = _last_mark(lines) if comment == "auto" else comment
    if f"{mark} {SCISSORS}" in lines:
        lines = lines[: lines.index(f"{mark} {SCISSORS}")]
    return "\n".join(line for line in lines if not line.startswith(mark)).strip("\n")


def _last_mark(lines: list[str]) -> str:
    """Return what ``core.commentChar=auto`` chose: an edited message ends with git's comments."""
    last = next((line for line in reversed(lines) if line.strip()), "#")
    return last[0] if last[0] in AUTOMATIC_COMMENTS else "#"
