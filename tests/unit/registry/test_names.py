from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.names import (
    as_pattern,
    is_file_name,
    is_normalized,
    is_project_name,
    matches_any,
    normalized,
    parse_file_name,
    version_in,
)


@pytest.mark.parametrize(
    ("file_name", "kind", "project", "version"),
    [
        ("demo-1.0-py3-none-any.whl", "wheel", "demo", "1.0"),
        ("My_Lib.Core-1!2.0rc1+local.1-1b-py3-none-any.whl", "wheel", "my-lib-core", "1!2.0rc1"),
        ("My.Lib-1.0.0.tar.gz", "sdist", "my-lib", "1.0.0"),
        ("legacy-name-1.0.tar.gz", "sdist", "legacy-name", "1.0"),
    ],
)
def test_a_file_name_tells_project_and_version(
    file_name: str, kind: str, project: str, version: str
) -> None:
    name = parse_file_name(file_name)

    assert (name.kind, name.project) == (kind, project)
    assert str(name.version).partition("+")[0] == version


@pytest.mark.parametrize(
    ("file_name", "reason"),
    [
        ("../demo-1.0.tar.gz", "characters"),
        ("..\\demo-1.0.tar.gz", "characters"),
        ("/etc/demo-1.0.tar.gz", "characters"),
        ("a/demo-1.0.tar.gz", "characters"),
        (".demo-1.0.tar.gz", "characters"),
        ("demo-1.0\0.tar.gz", "characters"),
        ("demo-1.0\n.tar.gz", "characters"),
        ("dеmo-1.0.tar.gz", "characters"),  # noqa: RUF001 -- a Cyrillic letter, on purpose
        ("demo 1.0.tar.gz", "characters"),
        ("demo-1.0.zip", "neither a wheel's"),
        ("demo-1.0.exe", "neither a wheel's"),
        ("", "neither a wheel's"),
        ("demo-1.0.whl", "not a distribution's"),
        ("demo-one-py3-none-any.whl", "not a distribution's"),
        ("demo.tar.gz", "not a distribution's"),
        ("demo-one.tar.gz", "not a distribution's"),
        (f"{'a' * 300}-1.0.tar.gz", "longer"),
    ],
)
def test_a_bad_file_name_is_refused_with_a_sentence(file_name: str, reason: str) -> None:
    with pytest.raises(BadUpload, match=reason) as caught:
        parse_file_name(file_name)

    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(".")


@given(st.text(max_size=60))
def test_what_may_touch_the_disk_is_one_plain_segment(text: str) -> None:
    for safe in (is_file_name(text), is_normalized(text)):
        if safe:
            assert text.isascii()
            assert not set(text) & {"/", "\\", "\0", ":", " "}
            assert not text.startswith(".")


@pytest.mark.parametrize("name", ["Demo", "a.b", "a__b", "A-._b"])
def test_names_are_normalised_as_pep_503_says(name: str) -> None:
    assert is_project_name(name)
    assert is_normalized(normalized(name))
    assert not is_normalized(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a/b", "..", "ä", "a" * 201])
def test_what_is_no_project_name_is_not_taken_for_one(name: str) -> None:
    assert not is_project_name(name)
    assert not is_normalized(name)


@pytest.mark.parametrize("project", ["foo_", "_", "foo.", "foo_._"])
def test_the_project_of_a_wheel_is_one_that_may_be_a_folder(project: str) -> None:
    with pytest.raises(BadUpload, match=r"begin with a project's name|not a distribution's|charac"):
        parse_file_name(f"{project}-1.0-py3-none-any.whl")


def test_a_name_stands_for_so_many_tags_at_most() -> None:
    def tags(count: int) -> str:
        return ".".join(f"x{number}" for number in range(count))

    assert len(parse_file_name(f"demo-1.0-{tags(25)}-{tags(20)}-a.b.whl").tags) == 1000
    with pytest.raises(BadUpload, match="more than 1000 tags"):
        parse_file_name(f"demo-1.0-1-{tags(27)}-{tags(19)}-a.b.whl")


@pytest.mark.parametrize(
    "file_name",
    [
        "demo-1.0-py3-none-any.whl",
        "My_Lib.Core-1!2.0RC1+local.1-1b-py3-none-any.whl",
        "legacy-name-1.0.0.tar.gz",
        "demo-v01.0.tar.gz",
    ],
)
def test_the_version_in_a_name_is_the_one_that_parsing_finds(file_name: str) -> None:
    assert version_in(file_name) == str(parse_file_name(file_name).version)


@pytest.mark.parametrize(
    "file_name", ["", "demo.whl", "demo.tar.gz", "demo-one.tar.gz", "../demo-1.0.tar.gz", "demo-1"]
)
def test_where_no_version_is_in_a_name(file_name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        version_in(file_name)


@pytest.mark.parametrize(
    "pattern", ["acme-core", "Acme_Core", " acme.core ", "ACME_*", "a[a-f]me-*"]
)
def test_a_pattern_is_in_any_spelling_of_a_name(pattern: str) -> None:
    for patterns in ([pattern], ["other", pattern], ["other-*", pattern]):
        assert matches_any("acme-core", patterns)
        assert not matches_any("core", patterns)
    assert matches_any("acme-core", [as_pattern(pattern)])


@pytest.mark.parametrize(
    "text", ["", "[", "a[b", "a]", "[]", "\ud55c\uae00-*", "a b", "a/b", "a" * 201]
)
def test_what_no_name_can_match_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match="is not a pattern of project names") as caught:
        as_pattern(text)
    assert repr(text[:200]) in str(caught.value)


PATTERNS = st.text("ab-*?[]!", min_size=1, max_size=5)


@given(st.from_regex(r"[ab]+(-[ab]+)?", fullmatch=True), st.lists(PATTERNS, max_size=4))
def test_patterns_match_as_those_of_a_shell(name: str, patterns: list[str]) -> None:
    one_by_one = any(fnmatchcase(name, normalized(pattern)) for pattern in patterns)

    assert matches_any(name, patterns) == matches_any(name, tuple(patterns)) == one_by_one
