"""Write docs/reference.md and docs/api.md: reference.py [--check].

Names, arguments, options, types, defaults and exit codes come from the code, and so does each
sentence that it has. What it has no place for stands beside: the frame of the page in
reference.md, words about single commands, options, settings and codes in reference.toml. A word
about something that is not there any more is an error. The HTTP interface is described in
docs/openapi.yaml.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from scripts.reference_help import Help
from scripts.reference_http import api_page
from scripts.reference_settings import settings_table

from poetry_aegis import errors
from poetry_aegis.commands.groups import _Group
from poetry_aegis.plugin import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.commands.base import AegisCommand

ROOT = Path(__file__).resolve().parents[1]
FRAME = Path(__file__).with_suffix(".md")
WORDS = Path(__file__).with_suffix(".toml")
SPECIFICATION = ROOT / "docs" / "openapi.yaml"
DIRECTIVE = re.compile(
    r"^<!-- (?P<what>commands|codes|settings)(?: (?P<schema>\S+))? -->$", re.MULTILINE
)
NOT_OF_A_CLASS = {0: "Done; also where there was nothing to do.", 130: "Ctrl-C."}


class Words:
    """What reference.toml says, and what of it has not been used."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._said = dict(_flattened(table))
        self._unused = {path for path in self._said if path[0] != "everywhere"}

    def get(self, *path: str) -> str | None:
        """Return the text at *path*, ``None`` where there is none."""
        self._unused.discard(path)
        return self._said.get(path)

    def unused(self) -> list[str]:
        """Return the paths that nothing has asked for."""
        return sorted(".".join(path) for path in self._unused)

    def keys(self, *path: str) -> list[str]:
        """Return the last words of all that is right below *path*."""
        return [said[-1] for said in self._said if said[:-1] == path]


def _flattened(table: dict[str, Any], *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flattened(value, *path, key)
        else:
            yield (*path, key), value.strip()


def pages() -> dict[Path, str]:
    """Return the text of each page that is generated, by its path.

    Raises `SystemExit` for what nobody has described, and for a description of nothing.
    """
    words = Words(tomlkit.parse(WORDS.read_text(encoding="utf-8")).unwrap())
    reference = DIRECTIVE.sub(
        lambda found: _part(words, found["what"], found["schema"]),
        FRAME.read_text(encoding="utf-8"),
    )
    if stale := words.unused():
        sys.exit(f"{WORDS.name} describes what is not there: {', '.join(stale)}")
    return {
        ROOT / "docs" / "reference.md": reference,
        ROOT / "docs" / "api.md": api_page(SPECIFICATION),
    }


def _part(words: Words, what: str, schema: str | None) -> str:
    if schema is not None:
        return settings_table(words, schema)
    return commands(words) if what == "commands" else codes(words)


# Commands


def commands(words: Words) -> str:
    """Return a section for each command, in the order in which Poetry lists them."""
    loaded = {name: _load(address) for name, address in COMMANDS.items()}
    return "\n\n".join(
        command_section(words, name, command)
        for name, command in loaded.items()
        if not isinstance(command, _Group)
    )


def _load(address: str) -> AegisCommand:
    module, _, class_name = address.partition(":")
    command: AegisCommand = getattr(import_module(f"poetry_aegis.commands.{module}"), class_name)()
    return command


def command_section(words: Words, name: str, command: AegisCommand) -> str:
    """Return the section of one command: what it does, what it takes, examples, what is left."""
    told = Help(command.help)
    about = words.get("commands", name, "about")
    derived = "\n\n".join([command.description, told.prose]).strip()
    parts = [
        f"### `poetry {name}`",
        about or derived,
        _options_table(words, name, command),
        told.all_examples if about else told.examples,
        words.get("commands", name, "after") or "",
    ]
    return "\n\n".join(part for part in parts if part)


def _options_table(words: Words, name: str, command: AegisCommand) -> str:
    definition = command.definition
    rows = [_argument_row(words, name, item) for item in definition.arguments]
    rows += [_option_row(words, name, item) for item in definition.options]
    title = "Argument or option" if definition.arguments else "Option"
    return "\n".join([f"| {title} | |", "| --- | --- |", *rows]) if rows else ""


def _argument_row(words: Words, name: str, item: Argument) -> str:
    text = words.get("commands", name, "words", item.name) or _marked(item.description)
    notes = ["Required."] if item.is_required() else []
    notes += [f"Default `{item.default}`."] if item.default else []
    return _row(f"`{item.name}`", text, notes)


def _option_row(words: Words, name: str, item: Option) -> str:
    spelled = _spelled(words, name, item)
    text = (
        words.get("commands", name, "words", spelled)
        or words.get("everywhere", spelled)
        or _marked(item.description)
    )
    notes = []
    if item.is_list() and "repeat" not in text:
        notes.append("Can be repeated.")
    if item.accepts_value() and item.default:
        notes.append(f"Default `{item.default}`.")
    shortcut = f"`-{item.shortcut}`, " if item.shortcut else ""
    return _row(f"{shortcut}`{spelled}`", text, notes)


def _spelled(words: Words, name: str, item: Option) -> str:
    """Return the option with a word for its value, as reference.toml has it, else its name."""
    if not item.accepts_value():
        return f"--{item.name}"
    said = [*words.keys("commands", name, "words"), *words.keys("everywhere")]
    known = [word for word in said if word.split()[0] == f"--{item.name}"]
    return known[0] if known else f"--{item.name} {item.name.upper().replace('-', '_')}"


def _row(first: str, text: str, notes: list[str]) -> str:
    return f"| {first} | {' '.join([text, *(note for note in notes if note not in text)])} |"


def _marked(text: str) -> str:
    return re.sub(r"<c1>(.*?)</c1>", r"`\1`", text).replace("|", r"\|")


# Exit codes


def codes(words: Words) -> str:
    """Return the table of exit codes; a class's docstring says what its code means."""
    found = {error.exit_code: error for error in _classes(errors.AegisError)}
    rows = [(code, "", text) for code, text in NOT_OF_A_CLASS.items()]
    for code, error in found.items():
        meaning = words.get("codes", error.__name__) or _first_sentence(error)
        rows.append((code, f"`{error.__name__}`", meaning))
    lines = [f"| {code} | {name} | {text} |".replace("|  |", "| |") for code, name, text in rows]
    numbered = sorted(lines, key=lambda line: int(line.split()[1]))
    return "\n".join(["| Code | Name | Meaning |", "| --- | --- | --- |", *numbered])


def _classes(root: type[errors.AegisError]) -> Iterator[type[errors.AegisError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("poetry_aegis."):  # A test may have made others.
            yield from _classes(child)


def _first_sentence(described: type) -> str:
    return " ".join((described.__doc__ or "").split("\n\n")[0].replace("``", "`").split())


def main(arguments: list[str]) -> None:
    """Write the pages, or with --check say which of them are not as they would be written."""
    made = pages()
    if "--check" not in arguments:
        for path, text in made.items():
            path.write_text(text, encoding="utf-8", newline="\n")
        return
    old = [path for path, text in made.items() if path.read_text(encoding="utf-8") != text]
    if old:
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in old)
        sys.exit(f"Out of date: {names}. Write anew with: make docs")


if __name__ == "__main__":
    main(sys.argv[1:])
