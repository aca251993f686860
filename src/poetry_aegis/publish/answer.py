"""What a server has answered, and its reason in its own words."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.publish.repository import Repository

_REASON_LENGTH = 400  # characters
# Error pages often repeat the status in their title; the message has it already.
_TITLE = re.compile(r"<title[^>]*>\s*(?:Error:\s*)?(?:\d{3}\b)?([^<]*)</title>", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """A server's answer: its *status*, *phrase*, *headers*, and *body* as far as it was read."""

    url: str
    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the server did what was asked."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")


def reason_of(answer: Answer, repository: Repository) -> str:
    """Return the server's own reason in one short line, without secrets or control characters."""
    reason = _from_json(answer.text) or _from_html(answer) or _first_line(answer) or answer.phrase
    line = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    line = repository.redact(line)
    return line if len(line) <= _REASON_LENGTH else f"{line[: _REASON_LENGTH - 1]}…"


def _from_json(text: str) -> str:
    try:
        return _sentence(json.loads(text))
    except (ValueError, RecursionError):
        return ""


def _sentence(value: object, depth: int = 3) -> str:
    """Return the sentence for people in an error document, as the usual servers write it."""
    if isinstance(value, str):
        return value
    if depth and isinstance(value, list) and value:
        return _sentence(value[0], depth - 1)
    if depth and isinstance(value, dict):
        keys = ("detail", "message", "error", "errors", "title", "reason")
        return next(filter(None, (_sentence(value.get(key), depth - 1) for key in keys)), "")
    return ""


def _from_html(answer: Answer) -> str:
    if "html" not in answer.headers.get("content-type", ""):
        return ""
    title = _TITLE.search(answer.text)
    return html.unescape(title[1]) if title else ""


def _first_line(answer: Answer) -> str:
    if answer.headers.get("content-type", "").startswith("text/plain"):
        return next((line for line in answer.text.splitlines() if line.strip()), "")
    return ""
