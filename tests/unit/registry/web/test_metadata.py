from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.registry.web.metadata import (
    Link,
    ProjectMetadata,
    parse_project_metadata,
    read_project_metadata,
)

if TYPE_CHECKING:
    from pathlib import Path


def parse(*fields: str, description: str = "") -> ProjectMetadata:
    return parse_project_metadata(("\n".join(fields) + f"\n\n{description}").encode())


def test_the_fields_that_a_page_shows() -> None:
    found = parse(
        "Metadata-Version: 2.4",
        "Name: Demo.Tool",
        "Summary: 한글 요약",
        "Author: Ada",
        "Author-email: Ada <ada@example.com>",
        "Maintainer: Ada",
        "License-Expression: MIT",
        "Keywords: one,two words",
        "Classifier: Typing :: Typed",
        "Requires-Dist: http-core >=1",
        "Description-Content-Type: text/markdown; variant=GFM",
        description="# Title",
    )

    assert found == ProjectMetadata(
        name="Demo.Tool",
        summary="한글 요약",
        description="# Title",
        content_type="text/markdown; variant=GFM",
        license="MIT",
        keywords=("one", "two words"),
        people=("Ada", "Ada <ada@example.com>"),
        classifiers=("Typing :: Typed",),
        requires=("http-core >=1",),
    )


def test_only_links_that_are_safe_to_follow() -> None:
    found = parse(
        "Home-page: https://home.example.com",
        "Project-URL: Script, javascript:alert(1)",
        "Project-URL: Data, data:text/html,<script>alert(1)</script>",
        "Project-URL: Again, https://home.example.com",
        "Project-URL: Mail, MAILTO:team@example.com",
        "Project-URL: , https://bare.example.com",
        "Project-URL: Spaced, https://a.example.com/ onclick=1",
    )

    assert found.links == (
        Link("Homepage", "https://home.example.com"),
        Link("Mail", "MAILTO:team@example.com"),
        Link("https://bare.example.com", "https://bare.example.com"),
    )


def test_a_whole_licence_text_is_named_by_its_first_line() -> None:
    found = parse("License: The Example License", "        Copyright", "        All of it.")

    assert found.license == "The Example License"


def test_what_is_beyond_bounds_is_left_out() -> None:
    many = [f"Classifier: Number :: {number}" for number in range(1_000)]
    found = parse(f"Summary: {'s' * 9_000}", *many, description="d" * 600_000)

    assert len(found.summary) == 500
    assert len(found.classifiers) == 500
    assert len(found.description) == 512 * 1024


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert read_project_metadata(tmp_path / "none.metadata") == ProjectMetadata()
