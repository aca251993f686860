"""Templates: values, lines that stay or go, and the indentation of what has several lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.ci import templating
from poetry_aegis.ci.templating import fill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(templating, "TEMPLATES", tmp_path)
    return tmp_path / "template"


def test_a_value_stands_where_it_is_named(template: Path) -> None:
    template.write_text("a: @one@-@two@ ${{ x }} user@example.com\n")
    values = {"one": "1", "two": "@one@"}
    assert fill("template", values, {}) == "a: 1-@one@ ${{ x }} user@example.com\n"


def test_the_lines_of_a_flag_stay_or_go(template: Path) -> None:
    template.write_text("a\n%if x\n  b\n%end\n%if y\nc\n%end\nd\n")
    assert fill("template", {}, {"x": True, "y": False}) == "a\n  b\nd\n"


def test_all_lines_of_a_value_are_indented(template: Path) -> None:
    template.write_text("run: |\n  @script@\n")
    assert fill("template", {"script": "a\n\n  b\n"}, {}) == "run: |\n  a\n\n    b\n"


def test_a_name_that_nothing_has_is_a_mistake(template: Path) -> None:
    template.write_text("@none@\n")
    with pytest.raises(KeyError):
        fill("template", {}, {})
