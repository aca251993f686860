"""What is read of a ``.gitlab-ci.yml`` that is there already."""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from poetry_aegis.ci import gitlab
from poetry_aegis.errors import SettingsError

OF_ANOTHER_PROJECT = "include:\n  - project: p/q\n    file: /.gitlab/aegis.yml\n"
IN_A_LIST_OF_ANOTHER = "include:\n- project: p/q\n  file:\n  - .gitlab/aegis.yml\n- a.yml\n"


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("include: .gitlab/aegis.yml\n", True),
        ("include:\n  - local: a.yml\n  - local: '/.gitlab/aegis.yml'  # ours\n", True),
        ("include:\n- a.yml\n\n- .gitlab/aegis.yml\njob: {}\n", True),
        ("include: [a.yml, {local: .gitlab/aegis.yml}]\n", True),
        ("include:\n  local: .gitlab/*.yml\n", True),
        ("include:\n  - '*.yml'\n", False),
        ("include:\n  - local: a.yml\n#  - local: .gitlab/aegis.yml\n", False),
        ("include: a.yml\n\njob:\n  - .gitlab/aegis.yml\n", False),
        (OF_ANOTHER_PROJECT, False),
        (IN_A_LIST_OF_ANOTHER, False),
        ("include: [{project: p/q, file: .gitlab/aegis.yml}]\n", False),
        ("job:\n  include: .gitlab/aegis.yml\n", False),
        ("", False),
    ],
)
def test_an_include_names_our_file_or_does_not(text: str, there: bool) -> None:
    assert gitlab.is_included(text) is there


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# mine\ninclude:\n  # all\n  - local: a.yml\n", "  - local: .gitlab/aegis.yml"),
        ("include:\n- a.yml\n", "- local: .gitlab/aegis.yml"),
        (OF_ANOTHER_PROJECT, "  - local: .gitlab/aegis.yml"),
    ],
)
def test_the_line_to_add_is_said_and_does_what_it_should(text: str, line: str) -> None:
    with pytest.raises(SettingsError, match="has an include already") as refused:
        gitlab.require_no_include(text)
    hint = refused.value.hint
    assert hint.endswith(f"\n{line}")
    found = re.match(r"Add this line below line (\d+) of", hint)
    assert found, hint
    lines = text.splitlines()
    lines.insert(int(found[1]), line)
    added = "\n".join(lines)
    assert gitlab.is_included(added)
    before, after = (YAML(typ="safe").load(one)["include"] for one in (text, added))
    assert after == [{"local": ".gitlab/aegis.yml"}, *before]


@pytest.mark.parametrize(
    "text",
    [
        "include: a.yml\n",
        "include: 'a b.yml'\n",
        "include: [a.yml, {project: p/q, file: b.yml}]\n",
        "include: [\n  a.yml,\n  b.yml,\n]\n",
        "include:\n    project: p/q\n    file: b.yml\n",
        "include: {local: a.yml}\n",
    ],
)
def test_an_include_that_is_no_list_of_lines_is_written_as_one(text: str) -> None:
    with pytest.raises(SettingsError, match="has an include already") as refused:
        gitlab.require_no_include(text)
    said, _, wanted = refused.value.hint.partition("\n")
    assert said.startswith("Write this in its place, from line 1 of .gitlab-ci.yml on")
    assert gitlab.is_included(wanted)
    before, after = (YAML(typ="safe").load(one)["include"] for one in (text, wanted))
    items = before if isinstance(before, list) else [before]
    assert after == [*items, {"local": ".gitlab/aegis.yml"}]


def test_without_an_include_there_is_room_for_one() -> None:
    gitlab.require_no_include("job:\n  script: [make]\n")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("stages: [build]\n", "[build, test, deploy]"),
        ("stages:\n  - build  # first\n  - deploy\n", "[build, test, deploy]"),
        ("stages:\n- deploy\n- test\njob: {}\n", "[test, deploy]"),
        ("stages: [\n  'my build',\n  test,\n]\n", '["my build", test, deploy]'),
        ("stages: []\n", "[test, deploy]"),
    ],
)
def test_stages_that_lack_ours_are_refused_with_the_line_to_write(text: str, wanted: str) -> None:
    with pytest.raises(SettingsError, match="in test and then deploy") as refused:
        gitlab.require_stages(text)
    line = refused.value.hint.partition(": ")[2]
    assert line == f"stages: {wanted}"
    gitlab.require_stages(line)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "job:\n  stages: [x]\n",
        "stages: [lint, test, build, deploy]\n",
        "stages:\n  - !reference [.all, stages]\n",
        "stages: *all\n",
    ],
)
def test_stages_with_ours_and_those_that_only_gitlab_can_read_pass(text: str) -> None:
    gitlab.require_stages(text)
