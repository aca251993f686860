"""The part of GitHub's expressions that workflows of ours use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<sign>&&|\|\||==|!=|[!(),])|(?P<name>[\w.-]+))"
)
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def interpolate(value: object, contexts: Mapping[str, Any]) -> str:
    """Return *value* with each ``${{ ... }}`` replaced by what it comes to."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return EXPRESSION.sub(lambda found: _as_text(evaluate(found[1], contexts)), str(value))


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """Return what the expression *text* comes to."""
    parser = _Parser(_tokens(text), contexts)
    result = parser.either()
    assert not parser.tokens, f"{text!r}: {parser.tokens[0]!r} is one too many"
    return result


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"{text!r} is more than this stand-in knows"
        found.append(match[0].strip())
        at = match.end()
    return found


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


class _Parser:
    def __init__(self, tokens: list[str], contexts: Mapping[str, Any]) -> None:
        self.tokens = tokens
        self.contexts = contexts

    def takes(self, sign: str) -> bool:
        if self.tokens[:1] == [sign]:
            self.tokens.pop(0)
            return True
        return False

    def either(self) -> Any:
        value = self.both()
        while self.takes("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.comparison()
        while self.takes("&&"):
            other = self.comparison()
            value = value and other
        return value

    def comparison(self) -> Any:
        value = self.single()
        if self.takes("=="):
            return _as_text(value).lower() == _as_text(self.single()).lower()
        if self.takes("!="):
            return _as_text(value).lower() != _as_text(self.single()).lower()
        return value

    def single(self) -> Any:
        if self.takes("!"):
            return not self.single()
        if self.takes("("):
            value = self.either()
            assert self.takes(")")
            return value
        token = self.tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self.takes("("):
            return self.call(token)
        return self.look_up(token)

    def call(self, name: str) -> Any:
        arguments = []
        while not self.takes(")"):
            arguments.append(self.either())
            self.takes(",")
        functions: dict[str, Callable[..., Any]] = {
            "startsWith": lambda text, start: str(text).lower().startswith(str(start).lower()),
            "hashFiles": lambda *patterns: "hash-of-" + "-".join(map(str, patterns)),
            "success": lambda: self.contexts["success"],
            "failure": lambda: not self.contexts["success"],
            "always": lambda: True,
        }
        return functions[name](*arguments)

    def look_up(self, path: str) -> Any:
        if path in {"true", "false"}:
            return path == "true"
        first, *rest = path.split(".")
        value: Any = self.contexts[first]  # A context that there is not is a mistake.
        for name in rest:
            value = value.get(name) if isinstance(value, dict) else None
        return value
