"""Commits, and the changes that their messages tell of by Conventional Commits 1.0.0.

`parse` reads one message by the specification alone; `read_changes` by the rules of a project,
which say what merges, squashed branches and messages of another kind mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poetry_aegis.errors import UnconventionalCommit
from poetry_aegis.release.history.messages import (
    BREAKING_TOKENS,
    HEADER,
    footers_of,
    paragraphs_of,
    subject_of,
    unsquash,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.settings import Settings

FIXUPS = ("fixup! ", "squash! ", "amend! ")  # what `git rebase --autosquash` folds into others
REVERT = re.compile(r'(?P<verb>Revert|Reapply) "(?P<subject>.+)"')
REVERTING = "This reverts commit "
PULL_NUMBER = re.compile(r" \([#!]\d+\)$")
MOST_REVERTS = 16  # of one another: nobody goes further, and a message must stay cheap to read
SHOWN_LENGTH = 100
OTHER = "other"
COMMON_TYPES = frozenset(
    ("build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test")
)


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as git tells of it. *date* is ISO 8601, *message* the whole of it.

    *paths* are those that it changes, relative to the repository, where they were asked for.
    """

    sha: str
    author: str
    date: str
    message: str
    parents: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def short_sha(self) -> str:
        """The first seven digits of the id."""
        return self.sha[:7]

    @property
    def subject(self) -> str:
        """The first paragraph of the message in one line."""
        return subject_of(self.message)

    @property
    def is_merge(self) -> bool:
        """Whether it has more than one parent."""
        return len(self.parents) > 1


@dataclass(frozen=True, slots=True)
class Change:
    """A conventional commit, taken apart.

    *type* is in lower case; *note* is what a ``BREAKING CHANGE:`` footer says; *footers* are
    (token, value) pairs.
    """

    commit: Commit
    type: str
    scope: str | None
    description: str
    breaking: bool = False
    note: str | None = None
    footers: tuple[tuple[str, str], ...] = ()

    @property
    def release_as(self) -> str | None:
        """The version that a ``Release-As:`` footer asks for, as it is written there."""
        return next((text for token, text in self.footers if token.lower() == "release-as"), None)

    def to_json(self) -> dict[str, object]:
        """Return the change as ``--json`` prints it."""
        return {
            "sha": self.commit.sha,
            "type": self.type,
            "scope": self.scope,
            "description": self.description,
            "breaking": self.breaking,
            "author": self.commit.author,
            "date": self.commit.date,
        }


def parse(commit: Commit) -> Change | None:
    """Return *commit* as a change, ``None`` where its message is not a conventional one."""
    return _parse(commit, paragraphs_of(commit.message))


def render(change: Change) -> str:
    """Return a message that `parse` reads as *change*; the body of its commit is not in it."""
    scope = f"({change.scope})" if change.scope else ""
    header = f"{change.type}{scope}{'!' if change.breaking else ''}: {change.description}\n"
    footers = [f"{token}: {value}".rstrip() + "\n" for token, value in change.footers]
    return "".join([header, *["\n"][: len(footers)], *footers])


def read_changes(commit: Commit, settings: Settings) -> tuple[Change, ...]:
    """Return what *commit* says by the project's rules: nothing, a change, or several.

    Raises `UnconventionalCommit` for one that is not conventional, where *settings* refuse those.
    """
    if is_passed_over(commit, settings):
        return ()
    if settings.squash_bodies and not commit.is_merge:
        squashed = _squashed_changes(commit, settings)
        if squashed:
            return squashed
    paragraphs = paragraphs_of(commit.message)
    if commit.is_merge and settings.merge_commits == "body":
        by_git = bool(paragraphs) and paragraphs[0][0].startswith("Merge ")
        paragraphs = paragraphs[by_git:]
    change = _parse(commit, paragraphs) or _parse_revert(commit)
    if change:
        return (change,)
    return () if commit.is_merge else _other_changes(commit, settings)


def is_passed_over(commit: Commit, settings: Settings) -> bool:
    """Return whether the rules do not read *commit* at all: a fixup, or merges are ignored."""
    if commit.is_merge and settings.merge_commits == "ignore":
        return True
    return commit.message.startswith(FIXUPS)


def is_other(commit: Commit, changes: Sequence[Change]) -> bool:
    """Return whether *commit*, which says *changes*, is of a kind that the rules do not know.

    Merges, reverts and fixups are known, whatever their text.
    """
    if changes and changes[0].type != OTHER:
        return False
    return not commit.is_merge and not commit.message.startswith(FIXUPS)


def _parse(commit: Commit, paragraphs: list[list[str]]) -> Change | None:
    if not paragraphs:
        return None
    header = HEADER.fullmatch(" ".join(paragraphs[0]))
    if header is None:
        return None
    kind, scope, mark, description = header.groups()
    footers = footers_of(paragraphs[1:]) if len(paragraphs) > 1 else ()
    notes = [value for token, value in footers if token in BREAKING_TOKENS]
    return Change(
        commit,
        kind.lower(),
        scope.strip() if scope else None,
        description.strip(),
        breaking=bool(mark or notes),
        note=notes[0] if notes else None,
        footers=footers,
    )


def _parse_revert(commit: Commit) -> Change | None:
    """Return what a commit by ``git revert`` says: a revert, or once more what it brings back."""
    quoted = quoted_by(commit.subject)
    if quoted is None:
        worded_otherwise = f"\n{REVERTING}" in commit.message
        return Change(commit, "revert", None, commit.subject) if worded_otherwise else None
    subject, undone = quoted
    original = _parse(commit, [[subject]])
    if original is None:
        return Change(commit, "revert", None, subject)
    return Change(commit, "revert", original.scope, original.description) if undone else original


def quoted_by(subject: str) -> tuple[str, bool] | None:
    """Return the subject that git's ``Revert "…"`` in *subject* quotes, and whether it is undone.

    A revert of a revert does not undo it; nor does ``Reapply "…"``, as newer gits say. ``None``
    where *subject* is neither.
    """
    undone = found = False
    for _ in range(MOST_REVERTS):
        match = REVERT.fullmatch(PULL_NUMBER.sub("", subject))
        if match is None:
            break
        undone ^= match["verb"] == "Revert"
        found, subject = True, match["subject"]
    return (subject, undone) if found else None


def _squashed_changes(commit: Commit, settings: Settings) -> tuple[Change, ...]:
    """Return the changes that the commits squashed into *commit* made; empty for a plain one."""
    pieces = unsquash(commit.message, COMMON_TYPES.union(settings.bumps, settings.sections))
    if len(pieces) == 1:
        return ()
    told: dict[tuple[str, str | None, str], list[Change]] = {}
    for piece in pieces:
        change = _parse(commit, paragraphs_of(piece))
        if change:
            # Forges put the number of the pull request behind a title that says the same again.
            key = (change.type, change.scope, PULL_NUMBER.sub("", change.description).lower())
            told.setdefault(key, []).append(change)
    return tuple(_fold(same) for same in told.values())


def _fold(same: Sequence[Change]) -> Change:
    """Return the first of changes that say the *same*, with what the others say beyond it."""
    if len(same) == 1:
        return same[0]
    return replace(
        same[0],
        breaking=any(change.breaking for change in same),
        note=next((change.note for change in same if change.note), None),
        footers=tuple(dict.fromkeys(footer for change in same for footer in change.footers)),
    )


def _other_changes(commit: Commit, settings: Settings) -> tuple[Change, ...]:
    if settings.other_commits == "ignore":
        return ()
    subject = commit.subject
    if settings.other_commits == "refuse":
        raise UnconventionalCommit(
            f"Commit {commit.short_sha} is not a conventional commit: {subject[:SHOWN_LENGTH]!r}.",
            hint="Reword it as TYPE: DESCRIPTION, or let such commits be: "
            'other_commits = "ignore" in [tool.poetry-aegis].',
        )
    return (Change(commit, OTHER, None, subject),)
