"""docs/reference.md and docs/api.md are what the code and the OpenAPI document say."""

from __future__ import annotations

import re

import pytest
import yaml
from scripts import reference
from scripts.reference_help import Help
from scripts.reference_settings import settings_table

# The roles of the reference's tables, each below its heading; the paths may leave the front away.
TABLES = {"For installers": "", "The API": "/api/v1/", "Pages and probes": ""}


def test_the_generated_pages_are_up_to_date() -> None:
    for path, text in reference.pages().items():
        written = path.read_text(encoding="utf-8")
        assert written == text, f"{path.name} is out of date; write it anew with: make docs"


def test_a_word_about_what_is_not_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    words = tmp_path_factory.mktemp("words") / "reference.toml"
    known = reference.WORDS.read_text(encoding="utf-8")
    words.write_text(f'{known}\n[commands."aegis relase"]\nabout = "Of a typing error."\n')
    monkeypatch.setattr(reference, "WORDS", words)
    with pytest.raises(SystemExit, match=r"aegis relase\.about"):
        reference.pages()


def test_a_setting_that_nobody_has_described_is_an_error() -> None:
    with pytest.raises(SystemExit, match="Nobody has described tag_format of Settings"):
        settings_table(reference.Words({}), "poetry_aegis.settings:Settings")


def test_an_option_is_described_by_its_command_where_no_words_are() -> None:
    table = reference.commands(reference.Words({}))
    assert "| `--push-tag` | Push branch and tag, in one atomic push. |" in table
    assert "| `-r`, `--repository REPOSITORY` | With --publish: where to. |" in table


def test_a_code_is_described_by_its_class_where_no_words_are() -> None:
    assert "| 11 | `NoProject` | No `pyproject.toml` here or above. |" in reference.codes(
        reference.Words({})
    )


HELP = """\
Does this and
<c1>that</c1> with [tool.poetry-aegis].

  one   two

<b>Examples:</b>
  <c1>poetry aegis bump patch</c1>      1.2.3 -> 1.2.4
  <c1>poetry aegis bump final --dry-run</c1>

Afterwards.\
"""


def test_a_help_text_becomes_prose_and_examples() -> None:
    told = Help(HELP)
    assert told.prose == (
        "Does this and `that` with `[tool.poetry-aegis]`.\n\n```text\none   two\n```\n\nAfterwards."
    )
    assert told.examples == (
        "```sh\npoetry aegis bump patch            # 1.2.3 -> 1.2.4\n"
        "poetry aegis bump final --dry-run\n```"
    )


def test_an_example_with_something_left_out_is_not_one_to_copy() -> None:
    assert Help("  <c1>poetry aegis key add ada --gpg 6F...40 digits</c1>").all_examples == ""


def requests() -> list[tuple[str, str, str]]:
    """Return method, path and role of each request in the tables of the reference."""
    text = (reference.ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    found = []
    for title, front in TABLES.items():
        section = text.partition(f"### {title}\n")[2].partition("\n### ")[0]
        for row in re.findall(r"^\| (`.*?) \| (\w+) \|", section, re.MULTILINE):
            spans = re.findall(r"`([^`]+)`", row[0])
            words = [re.sub(r"\?.*", "", span) for span in spans]
            methods = [word.split()[0] for word in words if word.split()[0].isupper()]
            paths = [word.split()[-1] for word in words if not word.isupper()]
            method = methods[0] if methods else "GET"
            found += [(m, front + path, row[1]) for path in paths for m in (methods or [method])]
    return found


def test_each_request_of_the_reference_has_its_role_in_the_openapi_document() -> None:
    document = yaml.safe_load(reference.SPECIFICATION.read_text(encoding="utf-8"))
    described = {
        (method.upper(), re.sub(r"\{\w+\}", "X", path)): operation["x-role"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    known = {"PROJECT", "VERSION", "FILE", "FILE.metadata", "FILE.provenance"}
    for method, path, role in requests():
        shaped = "/".join("X" if part in known else part for part in path.split("/"))
        assert described.get((method, shaped)) == role, f"{method} {path}"
    assert len(requests()) > 20
