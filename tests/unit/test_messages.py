"""What is said to people: the commands that it names are ones, and the sentences end."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from cleo.exceptions import CleoError, CleoMissingArgumentsError

import poetry_aegis
from poetry_aegis.plugin import COMMANDS
from tests.unit.test_docs import aegis_commands, parse

SOURCES = Path(poetry_aegis.__file__).parent
VALUE = "\0"  # what an f-string fills in
# A line to copy stands at the beginning or after a colon, and goes on to the end.
TO_COPY = re.compile(r"(?:^|: |^  <c1>) *(?:\w+=\S+ )?(poetry aegis\b[^\n<;]*)", re.MULTILINE)
IN_PROSE = re.compile(r"poetry aegis(?: [a-z]+)*")
COMMENT = re.compile(r"^ *#.*$", re.MULTILINE)


def texts(path: Path) -> list[tuple[int, str]]:
    """Return the literals of a module that are not docstrings, f-strings with `VALUE` in them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed |= {id(part) for part in node.values}
            parts = [p.value if isinstance(p, ast.Constant) else VALUE for p in node.values]
            found.append((node.lineno, "".join(map(str, parts))))
        elif isinstance(node, ast.Constant) and id(node) not in passed:
            found.append((node.lineno, str(node.value)))
    return found


def lines_to_copy(text: str) -> list[str]:
    """Return the lines of *text* that are to be copied, with a word for each value."""
    found = []
    for line in TO_COPY.findall(text):
        # What is filled in beside a word is an option, or nothing: " --home DIR".
        filled = re.sub(rf"(?<=[\w-]){VALUE}+", "", line).replace(VALUE, "VALUE")
        shown = re.split(r"  +|\\n", filled.replace("{{", "{"))[0]
        found.append(shown.rstrip().rstrip(".,)").replace("NAME|FILE", "NAME"))
    return found


MODULES = [
    path
    for path in sorted(SOURCES.rglob("*.py"))
    if any("poetry aegis" in text for _, text in texts(path))
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_every_command_that_a_message_names_can_be_run(path: Path) -> None:
    for number, text in texts(path):
        said = COMMENT.sub("", text)
        for line in lines_to_copy(said):
            for words in aegis_commands(line):
                if words[-1] == "--help" or any(word.startswith("VALUEVALUE") for word in words):
                    continue  # the command itself is filled in
                try:
                    parse(words)
                except CleoError as error:
                    raise AssertionError(f"{path.name}:{number}: {line}: {error}") from error
        for line in IN_PROSE.findall(said):
            words = line.split()[1:]
            longest = max(n for n in range(1, len(words) + 1) if " ".join(words[:n]) in COMMANDS)
            groups = {"aegis", "aegis server", "aegis client", "aegis ci", "aegis key"}
            alone = len(words) == longest or " ".join(words[:longest]) not in groups
            assert alone or VALUE in text or " ".join(words[:2]) == line, (path.name, number, line)


def test_a_wrong_line_is_found() -> None:
    (line,) = lines_to_copy("Do it with: poetry aegis server strat\nOr not.")
    with pytest.raises(CleoError):
        parse(aegis_commands(line)[0])
    (line,) = lines_to_copy("Do it with: poetry aegis promote --no-verify")
    with pytest.raises(CleoMissingArgumentsError):
        parse(aegis_commands(line)[0])


# Errors


def raised_with(path: Path) -> list[tuple[int, str, str]]:
    """Return the line, the sentence and the hint of each error that a module makes."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        if node.func.id not in ERRORS:
            continue
        hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
        found.append((node.lineno, _text(node.args[0]), _text(hints[0]) if hints else ""))
    return found


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(p.value) if isinstance(p, ast.Constant) else VALUE for p in node.values)
    return VALUE


def _errors() -> set[str]:
    from poetry_aegis import errors

    return {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.AegisError)
    }


ERRORS = _errors()
NAME = re.compile(rf"[._{VALUE}]")  # of a file or of a setting, written as it is
ENDS_TO_TYPE = re.compile(r": [^:]*(?:--|==|poetry aegis )[^:]*$")


@pytest.mark.parametrize(
    "path", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.relative_to(SOURCES).as_posix()
)
def test_every_error_is_a_sentence(path: Path) -> None:
    for number, sentence, _ in raised_with(path):
        if sentence in ("", VALUE):
            continue
        where = f"{path.name}:{number}: {sentence!r}"
        assert sentence[-1] in f".?!{VALUE}" or ENDS_TO_TYPE.search(sentence), where
        first = sentence.split()[0]
        is_name = NAME.search(first) or first in {"git", "docker", "pip", "poetry"}
        assert is_name or first[0].isupper() or not first[0].isalpha(), where
        assert "  " not in sentence, where
