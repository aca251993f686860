"""What a forge's refusal means: a reason in its own words, and what helps."""

from __future__ import annotations

import email.utils
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import ForgeError, NoForgeToken
from poetry_aegis.forge.patience import Setback
from poetry_aegis.forge.tokens import RIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.forge.session import Server

_REASON_LENGTH = 200  # characters
_AGAIN = "Run the command again: what stands already is not made twice."


@dataclass(frozen=True)
class Answer:
    """A forge's answer: its *status*, *headers* (names in lower case), and *body*."""

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the forge did what was asked."""
        return 200 <= self.status < 300

    @property
    def data(self) -> Any:
        """The body read as JSON; ``None`` where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def refusal(answer: Answer, server: Server) -> ForgeError | Setback:
    """Return what to raise for *answer*, which is no success."""
    wait = _wait_of(answer)
    said = said_by(answer, server)
    if answer.status == 429 or (answer.status == 403 and wait is not None):
        error = ForgeError(f"{server.name} asks for fewer requests ({said}).", hint=_AGAIN)
        return Setback(error, wait)
    if answer.status == 408 or answer.status >= 500:
        return Setback(ForgeError(f"{server.name} failed ({said}).", hint=_AGAIN), wait)
    return _final_refusal(answer, said, server)


def said_by(answer: Answer, server: Server) -> str:
    """Return status and reason in one short line, without secrets or control characters."""
    reason = _sentence(answer.data) or answer.phrase
    line = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    line = f"{answer.status} {server.redact(line)}".rstrip(" .")
    return line if len(line) <= _REASON_LENGTH else f"{line[: _REASON_LENGTH - 1]}…"


def _final_refusal(answer: Answer, said: str, server: Server) -> ForgeError:
    name = server.name
    if answer.status == 401:
        return NoForgeToken(
            f"{name} does not accept the token in {server.token.variable} ({said}).",
            hint=f"It may be expired, revoked, or for another forge. {RIGHTS[server.kind]}",
        )
    if answer.status == 403:
        return ForgeError(
            f"The token in {server.token.variable} may not do this on {name} ({said}).",
            hint=RIGHTS[server.kind],
        )
    if answer.status == 404:
        return ForgeError(
            f"{name} does not show {server.project} to the token in "
            f"{server.token.variable} ({said}).",
            hint=f"Does the remote's address name the project? {RIGHTS[server.kind]}",
        )
    if 300 <= answer.status < 400:
        return ForgeError(
            f"{name} sends {server.api} elsewhere ({said}), and a token does not follow.",
            hint="If the project moved: git remote set-url. If the forge did: forge_url in "
            "[tool.poetry-aegis].",
        )
    return ForgeError(f"{name} refused the request ({said}).", hint=_AGAIN)


def _sentence(value: object, depth: int = 4) -> str:
    """Return the words for people in an error document, as the forges write it."""
    if isinstance(value, str):
        return value
    if depth and isinstance(value, list):
        return ", ".join(filter(None, (_sentence(item, depth - 1) for item in value[:3])))
    if depth and isinstance(value, dict):
        # GitHub's "Validation Failed" says in "errors" what is not valid.
        keys = ("message", "error_description", "error", "errors", "field", "code")
        words = [_sentence(value.get(key), depth - 1) for key in keys]
        return ": ".join(dict.fromkeys(filter(None, words)))
    return ""


def _wait_of(answer: Answer) -> float | None:
    """Return the seconds a forge asks to wait, or ``None``.

    ``Retry-After`` is RFC 9110's (section 10.2.3); GitHub's primary limit only tells when it ends.
    """
    value = answer.headers.get("retry-after", "").strip()
    if _is_number(value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, IndexError, OverflowError):
        pass
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and _is_number(reset):
        return max(0.0, float(reset) - time.time())
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
