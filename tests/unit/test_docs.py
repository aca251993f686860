"""The documentation against the product: what is written is there, and what is there is written."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
from dataclasses import MISSING, Field, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import pytest
from cleo.exceptions import CleoError, CleoMissingArgumentsError
from cleo.io.inputs.argv_input import ArgvInput
from poetry.console.application import Application

from poetry_aegis import errors
from poetry_aegis.commands.groups import _Group
from poetry_aegis.forge.links import Links
from poetry_aegis.forge.tokens import RIGHTS, find_token
from poetry_aegis.plugin import COMMANDS
from poetry_aegis.poetry_api import pypi_urls
from poetry_aegis.release.hooks import ReleaseFacts
from poetry_aegis.release.plan import nothing_to_release
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.settings import (
    DEFAULT_BUMPS,
    DEFAULT_CHANNELS,
    DEFAULT_SECTIONS,
    HookSettings,
    PackageSettings,
    Settings,
    read_toml,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.forge.links import Kind

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference.md"
KOREAN = ROOT / "docs" / "ko"
KOREAN_PAGES = sorted(KOREAN.glob("*.md"))
VERSIONS = [folder / "versions.md" for folder in (ROOT / "docs", KOREAN)]
TROUBLES = [folder / "troubleshooting.md" for folder in (ROOT / "docs", KOREAN)]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

FENCE = re.compile(r"^ *```(?P<language>\S*)\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(?P<level>#{1,6}) (?P<title>.+)$", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
CODE_SPAN = re.compile(r"`([^`]+)`")
SETTINGS_COLUMNS = 4  # key, type, default, meaning


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# The reference names what there is


def load(name: str) -> AegisCommand:
    module, _, class_name = COMMANDS[name].partition(":")
    command: AegisCommand = getattr(import_module(f"poetry_aegis.commands.{module}"), class_name)()
    return command


RUNNABLE = [name for name in COMMANDS if not isinstance(load(name), _Group)]


def section(title: str) -> str:
    """Return what stands in the reference under *title*, up to the next heading of any level."""
    _, found, rest = REFERENCE.read_text(encoding="utf-8").partition(f"# {title}\n")
    assert found, f"docs/reference.md has no section {title!r}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(table: str) -> list[list[str]]:
    """Return the cells of each table row in *table*, heads and rules aside."""
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]


@pytest.mark.parametrize("name", RUNNABLE)
def test_the_reference_has_each_command_with_just_its_arguments_and_options(name: str) -> None:
    documented = {
        word
        for row in rows(section(f"`poetry {name}`"))
        for span in CODE_SPAN.findall(row[0])
        for word in span.split()[:1]
    }
    definition = load(name).definition
    real = {argument.name for argument in definition.arguments}
    for option in definition.options:
        real |= {f"--{option.name}"} | ({f"-{option.shortcut}"} if option.shortcut else set())
    assert documented == real


@pytest.mark.parametrize("name", RUNNABLE)
def test_the_reference_has_the_default_of_each_option(name: str) -> None:
    described = {row[0]: row[-1] for row in rows(section(f"`poetry {name}`"))}
    for option in load(name).definition.options:
        if option.accepts_value() and option.default:
            text = next(text for cell, text in described.items() if f"`--{option.name} " in cell)
            assert f"Default `{option.default}`" in text


def as_toml(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


@pytest.mark.parametrize(
    ("schema", "title"),
    [
        (Settings, "Settings of a project"),
        (HookSettings, "Hooks"),
        (PackageSettings, "Packages"),
        (ServerSettings, "Settings of a server"),
    ],
)
def test_the_reference_has_each_setting_with_its_default(schema: type[Any], title: str) -> None:
    documented = {
        name[0]: row[2]
        for row in rows(section(title))
        if len(row) == SETTINGS_COLUMNS and (name := CODE_SPAN.findall(row[0]))
    }
    assert documented == {field.name: described_default(field) for field in fields(schema)}


def described_default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return as_toml(field.default)
    return "required" if field.default_factory is MISSING else "see below"


def test_the_reference_has_the_defaults_that_are_tables(tmp_path: Path) -> None:
    (code,) = [match["code"] for match in FENCE.finditer(section("Settings of a project"))]
    (tmp_path / "defaults.toml").write_text(code)
    assert read_toml(tmp_path / "defaults.toml")["tool"]["poetry-aegis"] == {
        "bumps": DEFAULT_BUMPS,
        "sections": DEFAULT_SECTIONS,
        "channels": DEFAULT_CHANNELS,
    }


def first_words(table: str) -> set[str]:
    """Return what stands as code in the first column of *table*."""
    return {span for row in rows(table) for span in CODE_SPAN.findall(row[0])}


def test_the_reference_has_each_variable_that_a_hook_is_given() -> None:
    real = {f"AEGIS_{field.name.upper()}" for field in fields(ReleaseFacts)} | {"AEGIS_HOOK"}
    documented = {name for name in first_words(section("Hooks")) if name.startswith("AEGIS_")}
    assert documented == real


def test_the_reference_has_each_variable_that_may_hold_the_token_of_a_forge() -> None:
    documented = first_words(section("Environment variables"))
    for kind in RIGHTS:
        with pytest.raises(errors.NoForgeToken) as refused:
            find_token(Links(cast("Kind", kind), "https://git.example.com", "acme", "demo"), {})
        variables = re.findall(r"\w+_TOKEN", str(refused.value))
        assert variables
        assert set(variables) <= documented


def test_the_reference_shows_a_release_with_all_its_keys() -> None:
    (code,) = [match["code"] for match in FENCE.finditer(section("Release"))]
    assert json.loads(code).keys() == nothing_to_release("0.1.0", dry_run=True).keys()


def error_classes(root: type[errors.AegisError]) -> Iterator[type[errors.AegisError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from error_classes(child)


EXIT_CODES = {error.exit_code: error.__name__ for error in error_classes(errors.AegisError)}


def test_the_reference_has_each_exit_code() -> None:
    documented = {
        int(row[0]): row[1].strip("`") for row in rows(section("Exit codes")) if row[0].isdigit()
    }
    assert documented == EXIT_CODES | {0: "", 130: ""}


# The guides


@pytest.mark.parametrize("page", VERSIONS, ids=page_id)
def test_a_guide_says_what_each_type_of_commit_does(page: Path) -> None:
    documented = {
        types[0]: (row[1], row[2])
        for row in rows(page.read_text(encoding="utf-8"))
        if len(row) == 3 and len(types := CODE_SPAN.findall(row[0])) == 1
    }
    listed = {name: heading for name, heading in DEFAULT_SECTIONS.items() if heading}
    assert documented == {
        name: (DEFAULT_BUMPS.get(name, "none"), heading) for name, heading in listed.items()
    }


@pytest.mark.parametrize("page", TROUBLES, ids=page_id)
def test_a_guide_explains_only_exit_codes_that_there_are(page: Path) -> None:
    explained = [int(row[0]) for row in rows(page.read_text(encoding="utf-8")) if row[0].isdigit()]
    assert explained
    assert explained == sorted(explained)
    assert set(explained) <= set(EXIT_CODES)


def headings(text: str) -> list[tuple[int, str]]:
    return [(len(match["level"]), match["title"]) for match in HEADING.finditer(without_code(text))]


def without_code(text: str) -> str:
    return FENCE.sub("", text)


def code_blocks(text: str) -> list[tuple[str, str]]:
    """Return language and code of each block, comments aside: those may be translated."""
    return [
        (match["language"], re.sub(r"^# (?!Changelog).*\n", "", match["code"], flags=re.MULTILINE))
        for match in FENCE.finditer(text)
    ]


@pytest.mark.parametrize("korean_page", KOREAN_PAGES, ids=page_id)
def test_a_korean_page_has_the_shape_of_the_english_one(korean_page: Path) -> None:
    pages = (ROOT / "docs" / korean_page.name, korean_page)
    english, korean = (page.read_text(encoding="utf-8") for page in pages)
    assert [level for level, _ in headings(korean)] == [level for level, _ in headings(english)]
    assert code_blocks(korean) == code_blocks(english)
    in_english, in_korean = rows(english), rows(korean)
    assert [len(row) for row in in_korean] == [len(row) for row in in_english]
    messages = [[row[1] for row in table if row[0].isdigit()] for table in (in_korean, in_english)]
    assert messages[0] == messages[1]


# Links


def slug(title: str) -> str:
    """Return the anchor that a Markdown page gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_the_anchors_of_headings_are_made_as_the_usual_renderers_make_them() -> None:
    assert slug("`poetry aegis server init`") == "poetry-aegis-server-init"
    assert slug("Look first, then leap") == "look-first-then-leap"
    assert slug("10분 만에 시작하기") == "10분-만에-시작하기"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = without_code(page.read_text(encoding="utf-8"))
    for link in LINK.finditer(CODE_SPAN.sub("", text)):
        target, _, anchor = unquote(link["target"]).partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        aim = (page.parent / target).resolve() if target else page
        assert aim.exists(), f"{page_id(page)} links to {target}, which is not there"
        if anchor:
            anchors = {slug(title) for _, title in headings(aim.read_text(encoding="utf-8"))}
            assert anchor in anchors, f"{page_id(page)} links to {link['target']}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_no_page_speaks_of_a_machine_or_of_a_public_index(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    hosts = {urlsplit(url).netloc.removeprefix("upload.") for url in pypi_urls()}
    assert not [host for host in hosts if host in text]
    assert not re.findall(r"/(?:tmp|root|Users)/", text)
    assert set(re.findall(r"/home/(\w+)", text)) <= {"ada"}


# Commands that can be copied

COMMAND = "poetry aegis"
REDIRECTION = re.compile(r"\d?(?:>>?|<)\s*\S+")


def shell_lines(text: str) -> Iterator[str]:
    """Yield the lines of shell code with a command of ours to copy, prompts taken away."""
    for match in FENCE.finditer(text):
        if match["language"] in {"sh", "console", "bash", "shell"}:
            lines = match["code"].splitlines()
            yield from (line.strip().removeprefix("$ ") for line in lines if COMMAND in line)


def aegis_commands(line: str) -> list[list[str]]:
    """Return the words after ``poetry`` of each ``poetry aegis`` in a line of shell."""
    commands: list[list[str]] = [[]]
    lexer = shlex.shlex(REDIRECTION.sub("", line), posix=True, punctuation_chars=";|&")
    lexer.whitespace_split = True
    for word in lexer:
        if set(word) <= set(";|&"):
            commands.append([])
        elif commands[-1] or not re.match(r"\w+=", word):
            commands[-1].append(word)
    return [words[1:] for words in commands if words[:2] == ["poetry", "aegis"]]


def parse(words: list[str]) -> None:
    """Parse *words* as Poetry would. Raises `CleoError` for what Poetry would refuse."""
    name = next(name for n in range(len(words), 0, -1) if (name := " ".join(words[:n])) in COMMANDS)
    rest = words[len(name.split()) :]
    command = load(name)
    if isinstance(command, _Group) and rest:
        raise CleoError(f"poetry {name} has no subcommand {rest[0]!r}")
    definition = command.definition
    definition.add_options(Application().definition.options)
    ArgvInput(["poetry", *rest], definition)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_command_to_copy_can_be_parsed(page: Path) -> None:
    for line in shell_lines(page.read_text(encoding="utf-8")):
        for words in aegis_commands(line):
            parse(words)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_command_in_the_prose_is_one(page: Path) -> None:
    """There a name may stand without its arguments, and with an ellipsis."""
    for span in CODE_SPAN.findall(without_code(page.read_text(encoding="utf-8"))):
        if span.startswith(COMMAND):
            (words,) = aegis_commands(span)
            with contextlib.suppress(CleoMissingArgumentsError):
                parse([word for word in words if word not in {"...", "…"}])


@pytest.mark.parametrize(
    "line",
    [
        "poetry aegis relase auto",
        "poetry aegis release auto --push",
        "poetry aegis bump",
        "A=b poetry aegis server start --port 1 && true",
    ],
)
def test_a_command_that_poetry_would_refuse_is_found(line: str) -> None:
    (words,) = aegis_commands(line)
    with pytest.raises(CleoError):
        parse(words)


def test_each_command_of_a_line_is_found() -> None:
    line = "A=b poetry aegis server stop && poetry aegis release auto --json 2> a.json | head"
    assert aegis_commands(line) == [
        ["aegis", "server", "stop"],
        ["aegis", "release", "auto", "--json"],
    ]
