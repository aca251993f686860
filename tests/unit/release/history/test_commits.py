from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import UnconventionalCommit
from poetry_aegis.release.history.commits import (
    Change,
    Commit,
    is_other,
    parse,
    read_changes,
    render,
)
from poetry_aegis.settings import Settings


def read(message: str) -> Change | None:
    return parse(Commit("0" * 40, "Ada", "2026-01-01T00:00:00+00:00", message))


def must(message: str) -> Change:
    change = read(message)
    assert change is not None
    return change


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("feat: add", ("feat", None, "add", False)),
        ("FIX: mend", ("fix", None, "mend", False)),
        ("fix(api): mend it", ("fix", "api", "mend it", False)),
        ("feat(한국어)!: 새 기능", ("feat", "한국어", "새 기능", True)),
        ("feat!: break", ("feat", None, "break", True)),
        ("build-deps: raise", ("build-deps", None, "raise", False)),
        ("fix: mend\r\n\r\nbody\r\n", ("fix", None, "mend", False)),
    ],
)
def test_headers(message: str, expected: tuple[str, str | None, str, bool]) -> None:
    change = must(message)
    assert (change.type, change.scope, change.description, change.breaking) == expected


@pytest.mark.parametrize(
    "message",
    ["", "\n\n", "Merge branch 'x'", "feat add", "feat:", "feat: ", "feat(): x", ": x", "1: x"],
)
def test_what_is_not_conventional_is_no_change(message: str) -> None:
    assert read(message) is None


def test_prose_that_looks_like_a_commit_changes_nothing() -> None:
    change = must("docs: tell\n\nfeat: this is prose\nand BREAKING CHANGE: is, too")
    assert (change.type, change.breaking) == ("docs", False)


@pytest.mark.parametrize("token", ["BREAKING CHANGE", "BREAKING-CHANGE"])
def test_a_breaking_footer_breaks(token: str) -> None:
    change = must(f"fix: mend\n\nbody\n\n{token}: all is new\n  and different\nRefs: #12")
    assert change.breaking
    assert change.note == "all is new and different"
    assert change.footers[-1] == ("Refs", "#12")


def test_a_breaking_footer_may_have_paragraphs() -> None:
    change = must("feat: x\n\nBREAKING CHANGE: first\n\nsecond paragraph")
    assert change.note == "first second paragraph"


def test_the_text_of_a_breaking_change_may_start_on_the_next_line() -> None:
    change = must("feat: x\n\nBREAKING CHANGE:\nall of it")
    assert (change.breaking, change.note) == (True, "all of it")


@pytest.mark.parametrize(
    "message",
    ["fix: x\n\nbreaking change: lower case", "fix: x\n\nsee BREAKING CHANGE: no", "fix: x!"],
)
def test_what_does_not_break(message: str) -> None:
    assert not must(message).breaking


def test_footers_are_read_in_both_forms() -> None:
    change = must("fix: x\n\nReviewed-by: Z\nCloses #133")
    assert change.footers == (("Reviewed-by", "Z"), ("Closes", "133"))


@given(st.text())
def test_no_message_crashes_the_parser(message: str) -> None:
    change = read(message)
    assert change is None or change.description.strip()


WORD = st.text(st.characters(categories=["Ll", "Lu"]), min_size=1)
LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)


@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.none() | WORD, LINE, st.booleans())
def test_what_is_written_by_the_rules_is_read_again(
    kind: str, scope: str | None, description: str, breaking: bool
) -> None:
    head = kind + (f"({scope})" if scope else "") + ("!" if breaking else "")
    change = must(f"{head}: {description}")
    assert (change.type, change.scope, change.breaking) == (kind, scope, breaking)
    assert change.description == description


@given(
    st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
    st.none() | WORD,
    LINE,
    st.booleans(),
    st.lists(
        st.tuples(st.from_regex(r"[A-Z][a-z]{0,5}(-[a-z]{1,5})?", fullmatch=True), LINE)
        | st.tuples(st.sampled_from(["BREAKING CHANGE", "BREAKING-CHANGE"]), st.just("") | LINE)
    ),
)
def test_what_is_rendered_is_read_as_the_same(
    kind: str,
    scope: str | None,
    description: str,
    breaking: bool,
    footers: list[tuple[str, str]],
) -> None:
    notes = [value for token, value in footers if token.startswith("BREAKING")]
    change = Change(
        Commit("0" * 40, "Ada", "", ""),
        kind,
        scope,
        description,
        breaking or bool(notes),
        notes[0] if notes else None,
        tuple(footers),
    )
    assert replace(must(render(change)), commit=change.commit) == change


@given(st.text())
def test_whatever_is_read_is_read_the_same_when_rendered(text: str) -> None:
    change = must(f"feat: x\n\n{text}")
    assert replace(must(render(change)), commit=change.commit) == change


@pytest.mark.parametrize(
    "message",
    [
        "feat(" * 200_000,
        "feat: x\n\n" + "Refs: a\n\n" * 100_000,
        "feat: x\n\n" + "BREAKING CHANGE: " * 60_000,
        "a" * 1_000_000,
        "feat:" + " " * 1_000_000,
        'Revert "' * 120_000 + '"' * 120_000,
        "x" + " (#1" * 250_000,
        "x\n" + "* feat: y\n" * 90_000,
        "x\n\n" + "This reverts commit " * 50_000,
        "x\n\n" + "- " * 500_000,
        "x\n" + "".join(f"\n* feat: y\n\n  Refs: {number}\n" for number in range(35_000)),
    ],
    ids=range(11),
)
def test_a_megabyte_of_anything_is_read_in_linear_time(message: str) -> None:
    # Were it quadratic, this would take hours.
    settings = Settings(other_commits="patch", squash_bodies=True)
    assert len(read_changes(commit_of(message), settings)) >= 1


# The project's rules


def commit_of(message: str, *, parents: int = 1) -> Commit:
    return Commit("abcdef0" + "0" * 33, "Ada", "2026-01-01", message, ("p",) * parents)


def told(message: str, *, parents: int = 1, **rules: Any) -> list[str]:
    settings = Settings(**rules)
    changes = read_changes(commit_of(message, parents=parents), settings)
    return [render(replace(change, footers=())).strip() for change in changes]


def test_a_release_can_be_asked_for_by_number() -> None:
    assert must("chore: x\n\nRelease-As: 2.0.0").release_as == "2.0.0"
    assert must("chore: x\n\nrelease-as: 3.0.0\nRefs: #1").release_as == "3.0.0"
    assert must("chore: x\n\nIn prose Release-As: 2.0.0").release_as is None


def test_a_breaking_change_may_have_a_number_for_its_text() -> None:
    assert must("fix: x\n\nBREAKING CHANGE #12").breaking


@pytest.mark.parametrize("word", ["fixup", "squash", "amend"])
def test_fixups_say_nothing_and_are_not_complained_about(word: str) -> None:
    commit = commit_of(f"{word}! feat: x")
    assert read_changes(commit, Settings(other_commits="refuse")) == ()
    assert not is_other(commit, ())


MERGE = "Merge pull request #12 from ada/login\n\nfeat(api)!: a login\n\nRefs: #3"


@pytest.mark.parametrize(
    ("rule", "message", "expected"),
    [
        ("header", MERGE, []),
        ("header", "feat: x (#12)", ["feat: x (#12)"]),
        ("body", MERGE, ["feat(api)!: a login"]),
        ("body", "feat: x (#12)", ["feat: x (#12)"]),
        ("body", "Merge branch 'x'", []),
        ("body", "", []),
        ("ignore", MERGE, []),
        ("ignore", "feat: x (#12)", []),
    ],
)
def test_merges_are_read_by_the_rule(rule: str, message: str, expected: list[str]) -> None:
    assert told(message, parents=2, merge_commits=rule, other_commits="refuse") == expected


def test_a_commit_with_one_parent_is_no_merge_whatever_it_says() -> None:
    assert told("feat: x", merge_commits="ignore") == ["feat: x"]


def test_other_commits_are_ignored_patched_or_refused() -> None:
    assert told("Tidy up\n\nwith a body") == []
    assert told("Tidy up\nat last", other_commits="patch") == ["other: Tidy up at last"]
    with pytest.raises(UnconventionalCommit, match=r"abcdef0 .*'Tidy up'") as caught:
        told("Tidy up", other_commits="refuse")
    assert "other_commits" in caught.value.hint


def test_others_are_told_apart_from_what_the_rules_know() -> None:
    plain, merge = commit_of("Tidy up"), commit_of("Merge branch 'x'", parents=2)
    patched = read_changes(plain, Settings(other_commits="patch"))
    assert is_other(plain, ())
    assert is_other(plain, patched)
    assert not is_other(merge, ())
    assert not is_other(commit_of("feat: x"), read_changes(commit_of("feat: x"), Settings()))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('Revert "feat: x"', ["revert: x"]),
        ('Revert "feat(api)!: x" (#13)', ["revert(api): x"]),
        ('Revert "Revert "feat: x (#1)" (#2)" (#3)', ["feat: x (#1)"]),
        ('Reapply "feat: x"', ["feat: x"]),
        ('Revert "Reapply "feat: x""', ["revert: x"]),
        ('Revert "Tidy up"', ["revert: Tidy up"]),
        ('Reapply "Tidy up"', ["revert: Tidy up"]),
        ("Undo it\n\nThis reverts commit 0123456.", ["revert: Undo it"]),
        ("revert: feat: x\n\nRefs: 0123456", ["revert: feat: x"]),
    ],
)
def test_reverts_are_changes_of_their_own(message: str, expected: list[str]) -> None:
    assert told(message, other_commits="refuse") == expected


GITHUB = """\
Login (#12)

* feat!: add a login

With a body: it has prose.
fix: this line is prose, for it goes on with the paragraph

* fix(api): mend it

  BREAKING CHANGE: another address

* typo

---------

Co-authored-by: Bob <bob@example.com>
"""


def test_the_bullets_of_a_squashed_branch_are_changes() -> None:
    assert told(GITHUB, squash_bodies=True) == ["feat!: add a login", "fix(api)!: mend it"]
    assert told(GITHUB) == []
    last = read_changes(commit_of(GITHUB), Settings(squash_bodies=True))[-1]
    assert last.note == "another address"
    assert ("Co-authored-by", "Bob <bob@example.com>") in last.footers


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("feat: a (#1)\n\n* feat: a\n* fix: b", ["feat: a (#1)", "fix: b"]),
        ("feat: a (#1)\n\n* feat!: a", ["feat!: a (#1)"]),
        ("feat: a\n\nfix: b\nfix: c\n", ["feat: a", "fix: b", "fix: c"]),
        ("Squashed\n\nfix: b\n\nwith words\n\nfeat: c", ["fix: b", "feat: c"]),
        ("feat: a\n\n- note: no type of ours\n- Fix: b", ["feat: a", "fix: b"]),
        ("feat: a\n\nProse first\nfix: not a start", ["feat: a"]),
        ("feat: a\n\nRefs: #1\nReviewed-by: Z", ["feat: a"]),
        ("feat: a\nfix: b", ["feat: a", "fix: b"]),
        ("x\n\n* feat: a\n* fix(cli): b\n* typo\n  at last", ["feat: a", "fix(cli): b"]),
        ("x\n\n* typo\n* fix: b", ["fix: b"]),
        ("x\n\n* fix: a\n  - a detail\n\nRefs: #1\n* fix: b", ["fix: a", "fix: b"]),
        ("x\n\n* fix: a\n* typo\n  - it was\n\nBREAKING CHANGE: c\n", ["fix!: a"]),
    ],
)
def test_squashed_commits_are_counted_once_each(message: str, expected: list[str]) -> None:
    assert told(message, squash_bodies=True) == expected


def test_a_merge_that_lists_its_commits_does_not_double_them() -> None:
    message = "Merge branch 'x'\n\n* x:\n  feat: a\n* feat: b"
    assert told(message, parents=2, squash_bodies=True) == []


@given(st.text(), st.sampled_from(["header", "body", "ignore"]), st.integers(0, 3))
def test_the_rules_read_any_text(text: str, rule: str, parents: int) -> None:
    for message in (text, f"feat: x\n\n{text}", f"x\n\n* {text}"):
        told(message, parents=parents, merge_commits=rule, squash_bodies=True)
