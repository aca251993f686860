from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.release.changelog.file import NEW_FILE, extract, insert
from poetry_aegis.release.changelog.markdown import escape, lines_of
from poetry_aegis.release.changelog.section import NOTHING, Section, parse_section, write_section
from poetry_aegis.release.history.commits import Change, Commit
from poetry_aegis.settings import Settings


def change(kind: str, description: str, **more: object) -> Change:
    commit = Commit("abcdef0123" * 4, "Ada", "2026-01-01T00:00:00+00:00", "")
    return Change(commit, kind, description=description, **{"scope": None} | more)  # type: ignore[arg-type]


ADDED = Section(groups={"Added": ["- new (abcdef0)"]})


def test_breaking_changes_come_first_and_the_oldest_first() -> None:
    section = write_section(
        [
            change("feat", "third", scope="api"),
            change("fix", "second"),
            change("feat", "first"),
            change("chore", "hidden"),
            change("chore", "dropped", breaking=True, note="all of it"),
        ],
        Settings(),
    )
    assert section.render() == (
        "### Breaking\n\n- dropped (abcdef0)\n  all of it\n\n"
        "### Added\n\n- first (abcdef0)\n- **api:** third (abcdef0)\n\n"
        "### Fixed\n\n- second (abcdef0)\n"
    )


def test_a_version_without_changes_says_so() -> None:
    assert write_section([change("chore", "x")], Settings()).render() == "No notable changes.\n"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("<img src=x>", "&lt;img src=x>"),
        (r"\<img src=x>", r"\&lt;img src=x>"),
        ("`` <b>x</b> `", r"\`\` &lt;b>x&lt;/b> \`"),
        ("`<code>` stays", "`<code>` stays"),
        ("``a ` <b>`` stays", "``a ` <b>`` stays"),
    ],
)
def test_a_commit_cannot_put_html_into_a_page(told: str, shown: str) -> None:
    section = write_section([change("fix", told)], Settings())
    assert section.render() == f"### Fixed\n\n- {shown} (abcdef0)\n"


def test_a_new_file_gets_a_title() -> None:
    assert insert("", "1.0.0", ADDED, "2026-01-01") == (
        NEW_FILE + "\n## [1.0.0] - 2026-01-01\n\n### Added\n\n- new (abcdef0)\n"
    )


def test_a_section_that_said_nothing_says_what_is_added() -> None:
    text = insert("", "1.0.0", Section(), "2026-01-01")
    assert "No notable changes." in text
    assert "No notable changes." not in insert(text, "1.0.0", ADDED)


HAND_WRITTEN = """\
# Our history

Prose of ours.

## [Unreleased]

Words before the list.

### Added

- by hand,
  over two lines

## [1.0.0] - 2025-01-01

```
## [9.9.9] is only in a code block
```

- whatever *we* like

[Unreleased]: https://example.com/compare
[1.0.0]: https://example.com/1.0.0
"""


def test_unreleased_entries_move_into_the_release() -> None:
    after = insert(HAND_WRITTEN, "1.1.0", ADDED, "2026-01-01", absorb=True)
    assert extract(after, "1.1.0") == (
        "## [1.1.0] - 2026-01-01\n\nWords before the list.\n\n"
        "### Added\n\n- by hand,\n  over two lines\n- new (abcdef0)\n"
    )
    assert extract(after, "Unreleased") == "## [Unreleased]\n"
    assert after.index("[Unreleased]\n") < after.index("## [1.1.0]") < after.index("## [1.0.0]")
    old = HAND_WRITTEN[HAND_WRITTEN.index("## [1.0.0]") :]
    assert after.endswith(old)


def test_a_second_time_changes_nothing() -> None:
    once = insert(HAND_WRITTEN, "1.1.0", ADDED, "2026-01-01", absorb=True)
    assert insert(once, "1.1.0", ADDED, "2026-01-02", absorb=True) == once


def test_what_stands_under_a_version_stays() -> None:
    text = "# C\n\n## 1.1.0\n\n### Added\n\n- ours\n"
    assert insert(text, "1.1.0", ADDED, "2026-01-01") == (
        "# C\n\n## 1.1.0\n\n### Added\n\n- ours\n- new (abcdef0)\n"
    )


def test_a_past_version_goes_where_it_belongs() -> None:
    text = "# C\n\n## [2.0.0]\n\n- two\n\n## [1.0.0]\n\n- one\n"
    after = insert(text, "1.5.0", ADDED, "2026-01-01")
    assert after.index("[2.0.0]") < after.index("[1.5.0]") < after.index("[1.0.0]")
    oldest = insert(text, "0.5.0", ADDED, "2026-01-01")
    assert oldest.startswith(text)


@pytest.mark.parametrize("text", ["# C\n", "# C", "no title at all\n", "# C\n\n\n\n"])
def test_a_file_without_sections_keeps_its_text(text: str) -> None:
    after = insert(text, "1.0.0", ADDED, "2026-01-01")
    assert after == text.rstrip("\n") + "\n\n## [1.0.0] - 2026-01-01\n\n" + ADDED.render()


def test_equal_entries_of_peoples_own_all_stay() -> None:
    own = "### Added\n\n- a\n\n#### Sub\n\n- a\n- b\n\n#### Sub2\n\n- a\n- b\n"
    text = f"# C\n\n## [Unreleased]\n\n{own}"
    after = insert(text, "1.0.0", ADDED, "2026-01-01", absorb=True)
    assert own.rstrip("\n") + "\n- new (abcdef0)\n" in after


def test_a_comment_is_no_section() -> None:
    text = "# C\n\n<!--\n## [Unreleased]\n-->\n\n## [0.9.0]\n\n- x\n"
    after = insert(text, "1.0.0", ADDED, "2026-01-01", absorb=True)
    assert after.startswith("# C\n\n<!--\n## [Unreleased]\n-->\n\n## [1.0.0] - 2026-01-01\n")


@pytest.mark.parametrize(
    "old",
    [
        "1.0.0 (2026-01-01)\n------------------\n\n- first\n",
        "v1.0.0\n======\n\n- first\n",
        "# 1.0.0\n\n- first\n",
        "# [1.0.0] - 2026-01-01\n\n- first\n",
    ],
)
def test_the_newest_comes_first_in_a_file_of_another_format(old: str) -> None:
    text = f"Changes\n=======\n\n{old}"
    once = insert(text, "1.1.0", ADDED, "2026-02-01", absorb=True)
    twice = insert(once, "1.2.0", ADDED, "2026-03-01", absorb=True)
    assert twice.endswith(old)
    assert twice.index("[1.2.0]") < twice.index("[1.1.0]") < twice.index(old)
    assert twice.startswith("Changes\n=======\n\n")


def test_windows_line_endings_stay() -> None:
    text = HAND_WRITTEN.replace("\n", "\r\n")
    after = insert(text, "1.1.0", ADDED, "2026-01-01", absorb=True)
    assert after.count("\n") == after.count("\r\n")
    assert after.replace("\r\n", "\n") == insert(
        HAND_WRITTEN, "1.1.0", ADDED, "2026-01-01", absorb=True
    )


@pytest.mark.parametrize("title", ["## [1.3.0rc1]", "## v1.3.0-rc.1 (2025)", "## [v1.3.0-rc.1]"])
def test_a_version_is_found_in_any_spelling(title: str) -> None:
    assert extract(f"# C\n\n{title}\n\n- x\n", "1.3.0rc1") == f"{title}\n\n- x\n"


def test_a_version_that_is_not_there_is_not_found() -> None:
    assert extract(HAND_WRITTEN, "9.9.9") is None


# A fence that nothing closes changes what the text around it is, so code comes in whole blocks.
BLOCKS = ["", "text", "- entry", "  more", "### Added", "### Other", "## [1.0.0]", "## [0.9]"]
BLOCKS += ["## [Unreleased]", "# T", "[1.0.0]: x", "* star", "```\n## [3.0]\n### Code\n- x\n```"]
LINES = st.lists(st.sampled_from(BLOCKS), max_size=25).map(lambda b: "\n".join(b).split("\n"))


@given(LINES, st.sampled_from(["1.0.0", "2.0.0", "0.5.0"]), st.booleans())
def test_no_hand_written_line_is_ever_lost(lines: list[str], name: str, absorb: bool) -> None:
    text = "\n".join(lines)
    after = insert(text, name, ADDED, "2026-01-01", absorb=absorb).split("\n")
    kept = {line for line in lines if line.strip() and not line.startswith("### ")}
    assert kept <= set(after)
    assert extract("\n".join(after), name) is not None


@given(LINES)
def test_inserting_is_idempotent(lines: list[str]) -> None:
    once = insert("\n".join(lines), "2.0.0", ADDED, "2026-01-01", absorb=True)
    assert insert(once, "2.0.0", ADDED, "2026-01-01", absorb=True) == once


def test_a_fence_that_nothing_closes_loses_nothing() -> None:
    text = "# C\n\n## [1.0.0]\n\n```\n- x\n"
    assert insert(text, "2.0.0", ADDED, "2026-01-01").endswith(text.removeprefix("# C\n\n"))


def test_a_section_is_read_as_it_was_written() -> None:
    section = Section(["Prose."], {"Added": ["- a\n  b", "- c"], "Fixed": ["- d"]})
    assert parse_section(section.render()).render() == section.render()


# More kinds of text that people write, each with any line ending.
MORE_BLOCKS = [
    *BLOCKS,
    "<details>\n## [0.1]\n- x\n</details>",
    "<!-- ## [1.0.0] -->",
    "<!--\n### Added\n-->",
    "### Fixed\n\n- by hand (abcdef0)",
    "1.0.0\n-----",
    "# v0.3",
    "## Release 0.5.0 (2025)",
    NOTHING,
]
ANY_LINES = st.lists(
    st.tuples(st.sampled_from(MORE_BLOCKS), st.sampled_from(["\n", "\r\n"])), max_size=20
).map(lambda blocks: "".join(text.replace("\n", end) + end for text, end in blocks))


@given(ANY_LINES, st.sampled_from(["1.0.0", "2.0.0", "0.5.0"]))
def test_every_hand_written_line_keeps_its_ending_and_its_order(text: str, name: str) -> None:
    """An empty heading and the words for "nothing" are ours to take away."""
    after = lines_of(insert(text, name, ADDED, "2026-01-01"))
    remaining = iter(after)
    for line in lines_of(text):
        if line.strip() and line.strip() != NOTHING:
            assert line in remaining


@given(ANY_LINES, st.booleans())
def test_a_second_time_changes_nothing_whatever_the_file(text: str, absorb: bool) -> None:
    once = insert(text, "2.0.0", ADDED, "2026-01-01", absorb=absorb)
    assert insert(once, "2.0.0", ADDED, "2026-01-02", absorb=absorb) == once


HOSTILE = st.text(
    st.sampled_from("\\`<>[]()!#-*|~=:1. \n\r\t\x0c\x1b\u2028\u202eahttps/x"), max_size=40
)


@given(HOSTILE)
def test_whatever_a_commit_says_stays_one_line_without_html(text: str) -> None:
    escaped = escape(text)
    outside = re.sub(r"(?<![`\\])(`+)(?!`)(.*?[^`])\1(?!`)", "", escaped)
    assert "\x1b" not in escaped
    assert len(lines_of(escaped)) <= 1
    assert len(escaped.splitlines()) <= 1
    assert not re.search(r"(?<!\\)(\\\\)*<", outside)
    assert not re.search(r"(?<!\\)(\\\\)*\]\((?!https?://)", outside)


@given(HOSTILE, HOSTILE)
def test_whatever_a_commit_says_the_file_keeps_its_structure(told: str, note: str) -> None:
    section = write_section([change("feat", told, breaking=True, note=note)], Settings())
    text = insert(HAND_WRITTEN, "1.1.0", section, "2026-01-01")
    assert extract(text, "1.1.0") == f"## [1.1.0] - 2026-01-01\n\n{section.render()}"
    assert extract(text, "1.0.0") == extract(HAND_WRITTEN, "1.0.0")


def test_a_megabyte_of_backticks_is_read_at_once() -> None:
    runs = " ".join("`" * length for length in range(1, 1400))
    assert escape(runs).count("\\`") == runs.count("`")


def test_an_entry_of_the_same_commit_is_told_already() -> None:
    own = "# C\n\n## [1.0.0]\n\n### Fixed\n\n- better words ([abcdef0](https://example.com))\n"
    assert insert(own, "1.0.0", ADDED) == own


def test_a_new_heading_stands_in_its_place() -> None:
    text = "# C\n\n## [Unreleased]\n\n### Fixed\n\n- by hand\n"
    section = write_section([change("feat", "new"), change("fix", "x", breaking=True)], Settings())
    after = insert(text, "1.0.0", section, "2026-01-01", absorb=True)
    assert after.index("### Breaking") < after.index("### Added") < after.index("### Fixed")


def test_after_html_an_entry_needs_an_empty_line() -> None:
    text = "# C\n\n## 1.0.0\n\n### Added\n\n<details>\n\n- x\n\n</details>\n"
    assert insert(text, "1.0.0", ADDED) == f"{text}\n- new (abcdef0)\n"
