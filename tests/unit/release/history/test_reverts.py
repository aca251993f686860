from __future__ import annotations

import pytest

from poetry_aegis.release.history.commits import Commit
from poetry_aegis.release.history.reverts import net_changes
from poetry_aegis.settings import Settings

A, B, C, D, E = (letter * 40 for letter in "abcde")
FOREIGN = "f" * 40


def commit(sha: str, message: str, *parents: str) -> Commit:
    return Commit(sha, "Ada", "2026-01-01", message, parents)


def told(*commits: Commit) -> list[tuple[str, str]]:
    """Return what is left of *commits*, oldest first."""
    changes = net_changes(commits[::-1], Settings(other_commits="refuse"))
    return [(change.type, change.description) for change in changes[::-1]]


def reverting(sha: str, what: str = "feat: x") -> str:
    return f'Revert "{what}"\n\nThis reverts commit {sha}.\n'


FEAT = commit(A, "feat: x")
FIX = commit(E, "fix: y")


@pytest.mark.parametrize(
    "message",
    [
        reverting(A),
        reverting(A[:7]),
        f'Revert "feat: x"\r\n\r\nIt broke.\r\n\r\nThis reverts commit {A}.\r\n',
        f"revert: feat: x\n\nRefs: {A}",
        f"revert: two\n\nRefs: {A[:8]}, {A[:12]}",
        f"fix: go back\n\nThis reverts commit {A}.",
        f"Go back\n\nThis reverts commit {A}.",
    ],
)
def test_a_commit_and_its_revert_both_vanish(message: str) -> None:
    assert told(FEAT, FIX, commit(B, message)) == [("fix", "y")]


def test_several_commits_are_reverted_at_once() -> None:
    message = f"Back\n\nThis reverts commit {A}.\nThis reverts commit {E}."
    assert told(FEAT, FIX, commit(B, message)) == []


def test_a_revert_of_a_revert_lets_the_commit_stand() -> None:
    first = commit(B, reverting(A))
    second = commit(C, reverting(B, 'Revert "feat: x"'))
    assert told(FEAT, first, second) == [("feat", "x")]
    assert told(FEAT, first, second, commit(D, reverting(C, "again"))) == []


def test_a_revert_of_something_released_is_a_change() -> None:
    assert told(commit(B, reverting(FOREIGN))) == [("revert", "x")]
    assert told(FEAT, commit(B, f"revert: z\n\nRefs: {FOREIGN}")) == [
        ("feat", "x"),
        ("revert", "z"),
    ]


def test_a_revert_of_the_released_and_the_unreleased_still_counts() -> None:
    message = f"Back\n\nThis reverts commit {A}.\nThis reverts commit {FOREIGN}."
    assert told(FEAT, commit(B, message)) == [("revert", "Back")]


def test_an_abbreviation_of_two_commits_means_neither() -> None:
    twin = commit(A[:39] + "0", "feat: twin")
    assert ("feat", "x") in told(FEAT, twin, commit(B, reverting(A[:10])))


def test_prose_about_a_revert_is_none() -> None:
    message = f"fix: z\n\nUnlike before, when This reverts commit {A} was said."
    assert told(FEAT, commit(B, message)) == [("feat", "x"), ("fix", "z")]


def test_what_else_was_squashed_with_a_revert_stays() -> None:
    message = f'feat: z (#3)\n\n* feat: z\n\n* Revert "feat: x"\n\nThis reverts commit {A}.'
    assert told(FEAT, commit(B, message)) == [("feat", "z (#3)")]


def test_a_reverted_merge_takes_back_what_it_brought_in() -> None:
    base = commit(E, "fix: base")
    side = commit(A, "feat: x", E)
    main = commit(B, "fix: main", E)
    merge = commit(C, "Merge branch 'side'", B, A)
    message = f"Revert \"Merge branch 'side'\"\n\nThis reverts commit {C}, reversing\n"
    back = commit(D, message + f"changes made to {B}.", C)
    assert told(base, side, main, merge, back) == [("fix", "base"), ("fix", "main")]
    other = commit(D, message + f"changes made to {A}.", C)
    assert told(base, side, main, merge, other) == [("fix", "base"), ("feat", "x")]


@pytest.mark.parametrize(
    ("landed", "back"),
    [
        ("feat: x (#12)", 'Revert "feat: x" (#13)\n\nReverts acme/lib#12'),
        (
            "Merge pull request #12 from ada/x\n\nfeat: x",
            'Revert "feat: x" (#13)\n\nReverts acme/lib#12',
        ),
        (
            "Merge branch 'x' into 'main'\n\nfeat: x\n\nSee merge request acme/lib!12",
            "Revert \"Merge branch 'x' into 'main'\"\n\nThis reverts merge request !12",
        ),
    ],
)
def test_forges_revert_by_the_number_of_a_pull_request(landed: str, back: str) -> None:
    settings = Settings(merge_commits="body")
    parents = (E, D) if landed.startswith("Merge") else (E,)
    commits = [commit(B, back, A), commit(A, landed, *parents)]
    assert net_changes(commits, settings) == ()
    alien = commit(B, back.replace("12", "14"), A)
    assert [change.type for change in net_changes([alien, commits[1]], settings)] == [
        "revert",
        "feat",
    ]
