from __future__ import annotations

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.client.poetry import Index
from poetry_aegis.client.source import with_source
from poetry_aegis.errors import CorruptProject, UsageError

INDEX = Index("corp", "https://host/")
SOURCE = (
    '[[tool.poetry.source]]\nname = "corp"\nurl = "https://host/simple/"\npriority = "explicit"\n'
)


def changed(content: str, *packages: str) -> str:
    after = with_source(content.encode(), INDEX, "explicit", packages).decode()
    assert with_source(after.encode(), INDEX, "explicit", packages).decode() == after
    return after


def test_a_source_is_added_below_all_else() -> None:
    before = '# mine\n[project]\nname = "x"  # why\n'
    assert changed(before) == f"{before}\n{SOURCE}"
    assert changed(before.replace("\n", "\r\n")) == f"{before}\n{SOURCE}".replace("\n", "\r\n")


def test_a_source_of_that_name_is_changed_where_it_stands() -> None:
    before = (
        '[[tool.poetry.source]]\nname = "Corp"\nurl = "https://old/"  # why\n\n# next\n[tool.x]\n'
    )
    assert changed(before) == (
        '[[tool.poetry.source]]\nname = "corp"\nurl = "https://host/simple/"  # why\n'
        'priority = "explicit"\n\n# next\n[tool.x]\n'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '[tool.poetry.dependencies]\nAcme_Core = "^1"  # why\n',
            '[tool.poetry.dependencies]\nAcme_Core = {version = "^1", source = "corp"}  # why\n',
        ),
        (
            '[tool.poetry.dependencies]\nacme-core = {version = "^1", extras = ["x"]}\n',
            (
                "[tool.poetry.dependencies]\n"
                'acme-core = {version = "^1", extras = ["x"], source = "corp"}\n'
            ),
        ),
        (
            '[tool.poetry.dependencies.acme-core]\nversion = "^1"\n\n[tool.x]\n',
            '[tool.poetry.dependencies.acme-core]\nversion = "^1"\nsource = "corp"\n\n[tool.x]\n',
        ),
        (
            '[tool.poetry.group.dev.dependencies]\nacme-core = "*"\n',
            '[tool.poetry.group.dev.dependencies]\nacme-core = {version = "*", source = "corp"}\n',
        ),
        (
            '[project]\nname = "x"\ndependencies = ["Acme.Core[x]>=1 ; extra == \'3\'"]\n',
            (
                '[project]\nname = "x"\ndependencies = ["Acme.Core[x]>=1 ; extra == \'3\'"]\n'
                '\n[tool.poetry.dependencies]\n"Acme.Core" = { source = "corp" }\n'
            ),
        ),
        (
            (
                '[project]\ndependencies = ["acme-core"]\n[tool.poetry.dependencies]\nx = "1"\n\n'
                "# next\n[tool.x]\n"
            ),
            (
                '[project]\ndependencies = ["acme-core"]\n[tool.poetry.dependencies]\nx = "1"\n'
                'acme-core = {source = "corp"}\n\n# next\n[tool.x]\n'
            ),
        ),
        (
            '[dependency-groups]\ntest = ["acme-core>1"]\n',
            (
                '[dependency-groups]\ntest = ["acme-core>1"]\n'
                '\n[tool.poetry.group.test.dependencies]\nacme-core = { source = "corp" }\n'
            ),
        ),
        (
            (
                '[tool.poetry.dependencies]\nacme-core = [{version = "1", python = "3.10"},'
                ' {version = "2", python = "3.11"}]\n'
            ),
            (
                '[tool.poetry.dependencies]\nacme-core = [{version = "1", python = "3.10", '
                'source = "corp"}, {version = "2", python = "3.11", source = "corp"}]\n'
            ),
        ),
    ],
)
def test_a_package_comes_from_the_source(before: str, after: str) -> None:
    found = changed(before, "acme-core")
    assert found.replace(f"\n{SOURCE}", "", 1) == after


def test_a_package_that_is_no_dependency() -> None:
    with pytest.raises(UsageError, match="does not depend on 'other'") as caught:
        changed('[project]\ndependencies = ["acme-core"]\n', "other")
    assert "poetry add --source corp" in caught.value.hint


@pytest.mark.parametrize("content", [b"a = \n", b"tool = {poetry = {}}\n", b"\xff"])
def test_what_cannot_be_changed_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptProject):
        with_source(content, INDEX, "primary")


LINES = st.sampled_from(
    [
        "[project]",
        'dependencies = ["acme-core"]',
        "[tool.poetry]",
        "[tool.poetry.dependencies]",
        'acme-core = "^1"',
        "[[tool.poetry.source]]",
        'name = "corp"',
        'url = "u"',
        "# c",
        "",
        "[tool.poetry.dependencies.acme-core]",
        'version = "1"',
    ]
)


@given(st.lists(LINES, max_size=10))
def test_any_project_is_changed_as_asked_or_refused(lines: list[str]) -> None:
    before = "".join(f"{line}\n" for line in lines)
    try:
        after = with_source(before.encode(), INDEX, "primary", ["acme-core"])
    except (UsageError, CorruptProject):
        return
    (source,) = [
        item
        for item in tomlkit.parse(after.decode()).unwrap()["tool"]["poetry"]["source"]
        if item.get("name") == "corp"
    ]
    assert source["priority"] == "primary"
    assert with_source(after, INDEX, "primary", ["acme-core"]) == after
