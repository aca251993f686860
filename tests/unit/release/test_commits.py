from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.release.commits import Change, Commit, parse


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
