from __future__ import annotations

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement as PackagingRequirement

from poetry_aegis.errors import CorruptProject
from poetry_aegis.release.packages.requirements import Requirement, read_requirements, rewrite

DOCUMENT = """\
[project]
name = "app"
dependencies = [
    "core (>=1.0,<2.0)",   # the heart
    'util[fast] >=1.2 ; python_version < "3.13"',
    "plain",
    "beside @ ../beside",
    "Far.Off @ file:../far%20off ; sys_platform == 'linux'",
    "there @ file:///srv/there",
    "git-one @ git+https://example.com/x.git",
    "web @ https://example.com/web-1.0.tar.gz",
]

[project.optional-dependencies]
more = ["extra-one ~=1.4"]

[dependency-groups]
test = ["tester == 1.0", {include-group = "lint"}]
lint = ["linter @ ../linter"]

[tool.poetry.dependencies]
python = "^3.10"
core = { path = "../core", develop = true }  # in the tree
caret = "^1.2"
any = "*"
off = { git = "https://example.com/off.git" }
maybe = { version = "1.2.*", optional = true }
many = [{ version = "^1", python = "<3.12" }, { path = "../many", python = ">=3.12" }]

[tool.poetry.dev-dependencies]
old = "^1"

[tool.poetry.group.docs.dependencies]
writer = { path = "../writer" }
"""


def test_all_places_are_read() -> None:
    document = tomlkit.parse(DOCUMENT)
    found = read_requirements(document)
    assert [(item.name, item.constraint, item.path) for item in found] == [
        ("core", ">=1.0,<2.0", None),
        ("util", ">=1.2", None),
        ("plain", None, None),
        ("beside", None, "../beside"),
        ("far-off", None, "../far off"),
        ("there", None, "/srv/there"),
        ("extra-one", "~=1.4", None),
        ("tester", "== 1.0", None),
        ("linter", None, "../linter"),
        ("core", None, "../core"),
        ("caret", "^1.2", None),
        ("any", None, None),
        ("maybe", "1.2.*", None),
        ("many", "^1", None),
        ("many", None, "../many"),
        ("old", "^1", None),
        ("writer", None, "../writer"),
    ]
    assert [item.name for item in found if item.optional] == ["extra-one", "maybe"]
    unpublished = {"tester", "linter", "old", "writer"}
    assert {item.name for item in found if not item.published} == unpublished
    assert read_requirements(document.unwrap()) == found


def test_only_what_is_chosen_is_rewritten_and_all_around_it_stays() -> None:
    document = tomlkit.parse(DOCUMENT)
    rewrite(document, lambda item: ">=2.0,<3.0" if item.path or item.name == "util" else None)
    # But for spaces in inline tables, which tomlkit sets as it likes.
    assert tomlkit.dumps(document).replace(" ", "") == (
        DOCUMENT.replace("util[fast] >=1.2 ; ", "util[fast] (>=2.0,<3.0) ; ")
        .replace("beside @ ../beside", "beside (>=2.0,<3.0)")
        .replace("Far.Off @ file:../far%20off ;", "Far.Off (>=2.0,<3.0) ;")
        .replace("there @ file:///srv/there", "there (>=2.0,<3.0)")
        .replace("linter @ ../linter", "linter (>=2.0,<3.0)")
        .replace('path = "../core", develop = true', 'version = ">=2.0,<3.0"')
        .replace('path = "../many", python = ">=3.12"', 'python = ">=3.12", version = ">=2.0,<3.0"')
        .replace('path = "../writer"', 'version = ">=2.0,<3.0"')
        .replace(" ", "")
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("core>=1;python_version<'3.13'", "core (^2) ; python_version<'3.13'"),
        ("core[a, b]~=1.0", "core[a, b] (^2)"),
        ("core", "core (^2)"),
        ("core @ ../core", "core (^2)"),
        ("core[a] @ file:../core ; os_name == 'nt'", "core[a] (^2) ; os_name == 'nt'"),
    ],
)
def test_a_requirement_keeps_its_extras_and_its_marker(before: str, after: str) -> None:
    document = tomlkit.document()
    document["project"] = {"dependencies": [before]}
    rewrite(document, lambda _: "^2")
    assert document["project"].unwrap() == {"dependencies": [after]}
    (requirement,) = read_requirements(document)
    assert requirement == Requirement(requirement.name, "^2")


REQUIREMENTS = st.builds(
    "{}{}{}{}".format,
    st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True),
    st.sampled_from(["", "[a]", " [a,b-c]"]),
    st.sampled_from(["", ">=1.0,<2", " (~=1.2)", "==1.*", " @ file:///srv/x"]),
    st.sampled_from(["", " ; python_version < '3.13'", " ;extra == 'x' and os_name != 'nt'"]),
)


@given(text=REQUIREMENTS)
def test_rewritten_requirements_mean_what_packaging_says(text: str) -> None:
    document = tomlkit.document()
    document["project"] = {"dependencies": [text]}
    rewrite(document, lambda _: ">=3,<4")
    before = PackagingRequirement(text)
    after = PackagingRequirement(document.unwrap()["project"]["dependencies"][0])
    assert (after.name, after.extras, str(after.marker)) == (
        before.name,
        before.extras,
        str(before.marker),
    )
    assert (str(after.specifier), after.url) == ("<4,>=3", None)


def test_tables_of_their_own_and_out_of_order_are_rewritten() -> None:
    text = """\
[tool.poetry.dependencies.core]
path = "../core"  # here
develop = true
extras = ["fast"]

[project]
name = "app"

[tool.poetry.group.dev.dependencies]
core = "^1.0"

[tool.ruff]
line-length = 100
"""
    document = tomlkit.parse(text)
    rewrite(document, lambda _: "^2.0")
    assert tomlkit.parse(tomlkit.dumps(document)).unwrap() == {
        "tool": {
            "poetry": {
                "dependencies": {"core": {"extras": ["fast"], "version": "^2.0"}},
                "group": {"dev": {"dependencies": {"core": "^2.0"}}},
            },
            "ruff": {"line-length": 100},
        },
        "project": {"name": "app"},
    }


def test_an_odd_requirement_is_told() -> None:
    with pytest.raises(CorruptProject, match="'->core' is not a requirement"):
        read_requirements({"project": {"dependencies": ["->core"]}})


@pytest.mark.parametrize("document", [{}, {"project": 1}, {"tool": {"poetry": []}}])
def test_a_project_without_dependencies_requires_nothing(document: dict[str, object]) -> None:
    assert read_requirements(document) == ()
