"""``--json`` of every command: one document on standard output, and what is in it is documented."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from cleo.io.inputs.argv_input import ArgvInput
from cleo.io.outputs.stream_output import StreamOutput
from poetry.console.application import Application

import poetry_aegis
from poetry_aegis.errors import UsageError
from poetry_aegis.plugin import COMMANDS
from tests.support.commands import aegis
from tests.support.git import git_environment, make_project
from tests.unit.test_docs import RUNNABLE, load

ROOT = Path(__file__).parents[3]
ERROR = {"error", "message", "hint", "exit_code"}
NOWHERE = "http://127.0.0.1:9/"  # nobody listens there
# What prints lines as they come, to look at until Ctrl-C.
WITHOUT_JSON = {"aegis server logs", "aegis server run", "aegis server debug"}
# What the reference has below a heading of its own, and not in the table of the others.
SECTIONS = {
    "aegis release": "Release",
    "aegis changelog": "Changelog",
    "aegis publish": "Publish",
    "aegis project": "A project",
    "aegis server status": "Server status",
}
# Whose objects are in its list.
LIKE = {
    "server user list": ["server user add"],
    "server token list": ["server token create"],
    "server token revoke": ["server token create"],
}
# What a command needs, so that it comes to its own work or to an error of its own.
ARGUMENTS = {
    "aegis promote": ["demo==1", "--from", "one", "--to", "two"],
    "aegis yank": ["demo==1"],
    "aegis delete": ["demo==1", "--yes"],
    "aegis verify": ["--lock"],
    "aegis bump": ["patch"],
    "aegis completions": ["fish"],
    "aegis ci init": ["make", "--dry-run"],
    "aegis client setup": ["pip", "--url", NOWHERE],
    "aegis client source": ["--url", NOWHERE, "--dry-run"],
    "aegis client poetry": ["--url", NOWHERE, "--username", "ada"],
    "aegis server init": ["--port", "0"],
    "aegis server import": ["no-such-folder"],
    "aegis release": ["patch", "--dry-run"],
    "aegis key trust": ["nobody"],
}


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a machine of its own: a project, no server, no key, no network; return the project."""
    for name in list(os.environ):
        if name.startswith(("POETRY_", "AEGIS_", "PIP_", "UV_", "TWINE_", "XDG_")):
            monkeypatch.delenv(name)
    for name, value in git_environment().items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "config"
    config.mkdir()
    monkeypatch.setattr("poetry.locations.CONFIG_DIR", config)
    monkeypatch.setattr("poetry.config.config.CONFIG_DIR", config)
    monkeypatch.setattr("poetry.config.config._default_config", None)
    monkeypatch.setenv("POETRY_KEYRING_ENABLED", "false")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("AEGIS_SERVER_HOME", str(tmp_path / "server"))
    monkeypatch.setenv("AEGIS_KEYS_HOME", str(tmp_path / "keys"))
    monkeypatch.delenv("PYPI_INDEX_URL", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    project = make_project(tmp_path / "project")
    project.commit("fix: something")
    monkeypatch.chdir(project.root)
    return project.root


def given(name: str) -> list[str]:
    """Return arguments for the command *name*: those of the table, else a word for each."""
    required = [item for item in load(name).definition.arguments if item.is_required()]
    return ARGUMENTS.get(name, ["nobody" for _ in required])


def test_every_command_has_it_but_those_that_print_as_things_come() -> None:
    without = {name for name in RUNNABLE if not load(name).definition.has_option("json")}
    assert without == WITHOUT_JSON


@pytest.mark.parametrize("name", [name for name in RUNNABLE if name not in WITHOUT_JSON])
def test_standard_output_is_one_document(name: str, alone: Path) -> None:
    done = aegis(*name.split()[1:], *given(name), "--json")
    document = json.loads(done.out)
    assert isinstance(document, dict)
    if "error" in document:
        assert set(document) >= ERROR
        assert document["exit_code"] == done.code != 0
        assert document["message"] in done.err
    assert keys_of(document) - ERROR <= documented(name)


@pytest.mark.parametrize("name", [name for name in RUNNABLE if name not in WITHOUT_JSON])
def test_an_unexpected_error_is_one_document_too(
    name: str, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object) -> int:
        raise RuntimeError("quite <b>unexpected</b>")

    monkeypatch.setattr(type(load(name)), "perform", fail)
    done = aegis(*name.split()[1:], *given(name), "--json")
    traced = aegis(*name.split()[1:], *given(name), "--json", "-v")
    assert traced.document == done.document
    assert "Traceback" in traced.err
    assert done.code == 1
    assert set(done.document) == ERROR
    assert done.document["message"] == "Unexpected RuntimeError: quite <b>unexpected</b>"


def test_what_a_server_at_rest_answers_is_documented(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        ("server init", ["--port", "0", "--password-stdin"]),
        ("server user add", ["bob", "--role", "publisher", "--password-stdin"]),
        ("server user list", []),
        ("server user passwd", ["bob", "--password-stdin"]),
        ("server token create", ["--user", "bob"]),
        ("server token list", []),
        ("server user remove", ["bob"]),
        ("server reindex", []),
        ("server reindex", ["--check"]),
        ("server prune", []),
        ("server stop", []),
        ("server apply", ["--dry-run"]),
        ("server doctor", ["--list"]),
        ("server backup", []),
        ("server audit", []),
        ("server stats", []),
    ]
    for command, arguments in runs:
        monkeypatch.setattr(sys, "stdin", io.StringIO("a long enough password\n"))
        done = aegis(*command.split(), *arguments, "--json")
        assert "error" not in done.document, (command, done.err)
        unknown = keys_of(done.document) - documented(f"aegis {command}")
        assert not unknown, f"{command}: {unknown}"


# What is documented


def keys_of(document: dict[str, Any]) -> set[str]:
    """Return the keys of *document*, and of the objects in its lists."""
    inner = [item for value in document.values() if isinstance(value, list) for item in value]
    return set(document).union(*(item for item in inner if isinstance(item, dict)))


def documented(name: str) -> set[str]:
    """Return the words that the reference has in code where it tells of the JSON of *name*."""
    text = (ROOT / "scripts" / "reference.md").read_text(encoding="utf-8")
    if name in SECTIONS:
        start = text.index(f"\n### {SECTIONS[name]}\n")
        said = text[start : text.index("\n### ", start + 1)]
    else:
        said = "\n".join(rows_of(text, name.removeprefix("aegis ")))
    words = set(re.findall(r'"(\w+)":', said))
    for span in re.findall(r"`([^`\n]+)`", said):
        words |= set(re.findall(r"\w+", span))
    linked = re.findall(
        r"as (?:in|of) \[[^]]*\]\(#([\w-]+)\)|those of \[[^]]*\]\(#([\w-]+)\)", said
    )
    for target in {anchor for pair in linked for anchor in pair if anchor}:
        words |= documented(next(n for n, title in SECTIONS.items() if _slug(title) == target))
    return words


def rows_of(text: str, command: str) -> list[str]:
    """Return the rows that tell of *command*, and of one whose keys it has, too."""
    table = text[text.index("\n### Other commands\n") : text.index("\n## HTTP\n")]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    lines = [row for row in rows if f"`{command}`" in row.split("|")[1]]
    assert lines, f"The reference says nothing of the JSON of {command}."
    others = re.findall(r"(?:those|objects?) of `([a-z ]+)`", " ".join(lines))
    others += LIKE.get(command, [])
    return lines + [row for other in others for row in rows_of(text, other)]


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")


def literal_keys(path: Path) -> set[str]:
    """Return the keys that a command's module writes out where it prints JSON."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "print_json":
            tables = [part for part in ast.walk(node.args[0]) if isinstance(part, ast.Dict)]
            keys = [key for table in tables for key in table.keys]
            found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    return found


@pytest.mark.parametrize("name", [name for name in RUNNABLE if name not in WITHOUT_JSON])
def test_the_keys_that_a_command_writes_are_documented(name: str) -> None:
    module = COMMANDS[name].partition(":")[0]
    path = Path(poetry_aegis.__file__).parent / "commands" / f"{module}.py"
    assert literal_keys(path) <= documented(name)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["bump"], 'Not enough arguments (missing: "level").'),
        (
            ["bump", "patch", "minor"],
            'Too many arguments to "aegis bump" command, expected arguments "level".',
        ),
        (["bump", "--nonsense"], 'The option "--nonsense" does not exist.'),
        (["nonsense"], "poetry aegis has no subcommand 'nonsense'."),
        (["server", "user", "nonsense"], "poetry aegis server user has no subcommand 'nonsense'."),
        (["nonsense", "--push"], 'The option "--push" does not exist.'),
    ],
    ids=["missing", "too many", "option", "subcommand", "of a group", "option of none"],
)
def test_a_command_line_that_cannot_be_read_is_an_error_as_others_are(
    typed: list[str], message: str, alone: Path
) -> None:
    plain = aegis(*typed)
    assert (plain.code, plain.out) == (UsageError.exit_code, "")
    assert message in plain.err
    done = aegis(*typed, "--json")
    assert done.code == UsageError.exit_code
    assert set(done.document) == ERROR
    assert (done.document["error"], done.document["message"]) == ("UsageError", message)
    assert message in done.err


def test_the_option_counts_wherever_it_stands(alone: Path) -> None:
    assert aegis("bump", "--json", "--nonsense").document["error"] == "UsageError"
    misplaced = aegis("--json", "bump", "patch").document
    assert misplaced["message"] == "--json stands before the subcommand."
    assert misplaced["hint"] == "Give it after: poetry aegis bump patch --json"


def test_what_is_poetrys_own_is_left_to_it(alone: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    application = Application()
    application.auto_exits(auto_exits=False)
    line = ArgvInput(["poetry", "version", "1", "2", "--json"])
    assert application.run(line, StreamOutput(out), StreamOutput(err)) == 1
    assert out.getvalue() == ""


def test_a_group_lists_its_commands(alone: Path) -> None:
    names = [command["name"] for command in aegis("server", "user", "--json").document["commands"]]
    assert names == [f"aegis server user {word}" for word in ("add", "list", "passwd", "remove")]
