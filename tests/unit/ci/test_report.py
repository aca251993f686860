"""What a pipeline is told, in the words that it understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.ci.report import annotation, escaped, write_outputs, write_summary

if TYPE_CHECKING:
    from pathlib import Path

ACTIONS = {"GITHUB_ACTIONS": "true"}


@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}])
def test_elsewhere_nothing_is_annotated(environ: dict[str, str]) -> None:
    assert annotation("error", "It failed.", environ) is None


def test_an_annotation_is_one_line_whatever_it_says() -> None:
    message = "100 %\r\n::set-env name=PATH::x"
    assert annotation("error", message, ACTIONS) == ("::error::100 %25%0D%0A::set-env name=PATH::x")
    line = annotation("warning", "x", ACTIONS, file="a,b:c\n.toml")
    assert line == "::warning file=a%2Cb%3Ac%0A.toml::x"


def test_outputs_are_added_to_those_of_other_steps(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_text("before=1\n")
    write_outputs({"version": "1.2.3", "tag": "v1\nevil=1"}, {"GITHUB_OUTPUT": str(path)})
    assert path.read_text() == "before=1\nversion=1.2.3\ntag=v1 evil=1\n"


def test_a_dotenv_file_holds_each_name_once(tmp_path: Path) -> None:
    path = tmp_path / "aegis.env"
    environ = {"AEGIS_DOTENV": str(path)}
    write_outputs({"version": "1.2.3", "released": "true"}, environ)
    path.write_text(path.read_text() + "OTHER=1\n")
    write_outputs({"version": "1.2.4"}, environ)
    assert path.read_text() == "AEGIS_RELEASED=true\nOTHER=1\nAEGIS_VERSION=1.2.4\n"


def test_without_a_variable_nothing_is_written(tmp_path: Path) -> None:
    write_outputs({"version": "1"}, {})
    write_summary("x", [], {})
    assert not list(tmp_path.iterdir())


def test_a_summary_is_a_table_in_which_nothing_is_markup(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    environ = {"GITHUB_STEP_SUMMARY": str(path)}
    write_summary("Released 1.0", [("Tag", "v|1\n<b>")], environ, "\n### Added\n\n- x\n")
    assert path.read_text() == (
        "### Released 1.0\n\n| | |\n| --- | --- |\n| Tag | v\\|1 \\<b\\> |\n\n### Added\n\n- x\n\n"
    )
    assert escaped("a_b*") == r"a\_b\*"
