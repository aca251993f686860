from __future__ import annotations

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from poetry.core.constraints.version import Version

from poetry_aegis.errors import CorruptProject, ReleaseError
from poetry_aegis.release.packages.constraints import (
    ConstraintEdit,
    admits,
    compatible_with,
    follow,
    with_edits,
    without_path_dependencies,
)


def v(text: str) -> Version:
    return Version.parse(text)


@pytest.mark.parametrize(
    ("constraint", "version", "after"),
    [
        ("^1.2", "2.0.0", "^2.0"),
        ("^1.2.3", "2.0.0", "^2.0.0"),
        ("^1", "2.3.4", "^2"),
        ("^0.3", "0.4.0", "^0.4"),
        ("~1.2", "1.3.0", "~1.3"),
        ("~=1.2", "2.1.3", "~=2.1"),
        (">=1.2,<2.0", "2.0.0", ">=2.0,<3.0"),
        (">=1.2, <2", "2.4.1", ">=2.4, <3"),
        (">=0.1.5,<0.2.0", "0.2.0", ">=0.2.0,<0.3.0"),
        (">=1.2 <1.3", "1.3.0", ">=1.3 <1.4"),
        (">1.2,<2.0", "2.0.0", ">=2.0,<3.0"),
        ("<2.0", "2.0.0", "<3.0"),
        ("<=1.9", "2.0.0", "<=2.0.0"),
        ("==1.2.3", "1.2.4", "==1.2.4"),
        ("== 1.2.3", "1.2.4", "== 1.2.4"),
        ("1.2.3", "1.2.4", "1.2.4"),
        ("==1.2.*", "1.3.7", "==1.3.*"),
        ("1.*", "2.0.0", "2.*"),
        ("^1.0 || ^2.0", "3.0.0", "^1.0 || ^2.0 || ^3.0"),
        (">=1.0,!=2.0.0", "2.0.0", ">=2.0.0,<3.0.0"),
        ("^1.2", "2.0.0rc1", "^2.0.0rc1"),
        (">=1.2,<2.0", "2.0.0b1", ">=2.0.0b1,<3.0"),
        ("^1.2", "2.0.0.dev3", "^2.0.0.dev3"),
    ],
)
def test_a_constraint_follows_as_wide_and_precise_as_it_was(
    constraint: str, version: str, after: str
) -> None:
    assert follow(constraint, v(version)) == after
    assert admits(after, v(version))


NUMBERS = st.lists(st.integers(0, 30), min_size=1, max_size=3).map(lambda n: ".".join(map(str, n)))
TERMS = st.builds(
    "{}{}".format, st.sampled_from(["^", "~", ">=", "<", "<=", ">", "==", "!=", "", "~="]), NUMBERS
)
CONSTRAINTS = st.one_of(
    st.lists(TERMS, min_size=1, max_size=3).map(",".join),
    st.tuples(TERMS, TERMS).map(" || ".join),
    NUMBERS.map("=={}.*".format),
)
VERSIONS = st.tuples(*[st.integers(0, 30)] * 3, st.sampled_from(["", "a1", "rc2", ".dev1"])).map(
    lambda parts: v("{}.{}.{}{}".format(*parts))
)


@given(constraint=CONSTRAINTS, version=VERSIONS)
def test_what_follows_always_admits_the_version(constraint: str, version: Version) -> None:
    assert admits(follow(constraint, version), version)


@pytest.mark.parametrize(
    ("constraint", "version", "fits"),
    [
        ("^1.0", "1.9", True),
        ("^1.0", "2.0.0", False),
        ("^1.0", "2.0.0rc1", False),
        (">=1,<2 || >=3", "2.5", False),
        ("*", "9.0", True),
    ],
)
def test_poetrys_own_judgement_counts(constraint: str, version: str, fits: bool) -> None:
    assert admits(constraint, v(version)) is fits


def test_what_is_no_constraint_is_told() -> None:
    with pytest.raises(CorruptProject, match="'newest' is not a version constraint"):
        admits("newest", v("1.0"))


@pytest.mark.parametrize(
    ("version", "constraint"),
    [
        ("1.2.0", ">=1.2.0,<2.0.0"),
        ("0.3.1", ">=0.3.1,<0.4.0"),
        ("2.0.0rc1", ">=2.0.0rc1,<3.0.0"),
    ],
)
def test_a_path_means_what_a_caret_means(version: str, constraint: str) -> None:
    assert compatible_with(v(version)) == constraint


PYPROJECT = """\
[project]   # \u2603
name = "app"
dependencies = [
    "core (>=1.2,<2.0)",  # keep me
    "core-extra (>=1.2,<2.0)",
    'util==1.0 ; python_version < "3.13"',
]

[tool.poetry.dependencies]
core = { path = "../core", develop = true }

[tool.poetry.group.dev.dependencies]
Core = ">=1.2,<2.0"
util = "^1.0"
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_edits_change_nothing_but_their_constraints(newline: str) -> None:
    edits = [
        ConstraintEdit("Core", "core", v("2.0.0"), ">=1.2,<2.0", ">=2.0,<3.0"),
        ConstraintEdit("util", "util", v("1.1"), "==1.0", "==1.1"),
    ]
    content = PYPROJECT.replace("\n", newline)
    expected = (
        content.replace("core (>=1.2,<2.0)", "core (>=2.0,<3.0)")
        .replace('Core = ">=1.2,<2.0"', 'Core = ">=2.0,<3.0"')
        .replace("util==1.0 ;", "util (==1.1) ;")
    )
    assert with_edits(content.encode(), edits) == expected.encode()
    assert with_edits(content.encode(), []) == content.encode()


def test_path_dependencies_become_what_can_be_published() -> None:
    content = """\
[project]
dependencies = ["core[fast] @ ../core ; os_name == 'nt'", "httpx (>=0.27)"]

[tool.poetry.dependencies]
util = {path = "../util", develop = true, extras = ["x"]}
pinned = {path = "../pinned", version = "^1.1"}

[tool.poetry.group.dev.dependencies]
strange = {path = "/nowhere"}
core = {path = "../core"}
"""
    versions = {"core": v("1.2.0"), "util": v("0.3.0"), "pinned": v("1.4.0")}
    after = without_path_dependencies(content.encode(), versions)
    assert tomlkit.parse(after.decode()).unwrap() == {
        "project": {
            "dependencies": [
                "core[fast] (>=1.2.0,<2.0.0) ; os_name == 'nt'",
                "httpx (>=0.27)",
            ]
        },
        "tool": {
            "poetry": {
                "dependencies": {
                    "util": {"extras": ["x"], "version": ">=0.3.0,<0.4.0"},
                    "pinned": {"version": "^1.1"},
                },
                "group": {
                    "dev": {
                        "dependencies": {
                            "strange": {"path": "/nowhere"},
                            "core": {"version": ">=1.2.0,<2.0.0"},
                        }
                    }
                },
            }
        },
    }


def test_a_bare_name_beside_a_path_gets_the_version_that_the_path_leads_to() -> None:
    content = b"""\
[project]
dependencies = ["core", "httpx"]

[tool.poetry.dependencies]
core = {path = "../core", develop = true}
"""
    after = without_path_dependencies(content, {"core": v("1.2.0")})
    assert tomlkit.parse(after.decode()).unwrap()["project"]["dependencies"] == [
        "core (>=1.2.0,<2.0.0)",
        "httpx",
    ]


def test_a_path_that_leads_to_no_package_is_never_published() -> None:
    content = b'[project]\ndependencies = ["vendored @ ../vendored"]\n'
    with pytest.raises(ReleaseError, match=r"vendored is required from the path '\.\./vendored'"):
        without_path_dependencies(content, {"core": v("1.0")})
