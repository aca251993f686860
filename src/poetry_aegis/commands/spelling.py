"""What an output cannot spell, or should not: it is written otherwise, and nothing fails for it.

A terminal or a pipe need not take UTF-8: on Windows, and under an older locale, many letters have
no code there. And a name that a server or a file system gives need not be text.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleo.io.outputs.output import Output

# Control characters, which steer a terminal, and halves of pairs, which are no characters.
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def harmless(text: str) -> str:
    """Return *text*, which may be anybody's, without what could steer a terminal."""
    return _NO_TEXT.sub("?", text)


def let_spell(output: Output) -> None:
    """Have *output* write escapes for what its encoding has no code for."""
    stream = getattr(output, "stream", None)
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


def json_text(document: Mapping[str, Any], output: Output) -> str:
    """Return *document* as JSON that *output* can hold, with JSON's own escapes where need be."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    try:
        text.encode(getattr(getattr(output, "stream", None), "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(document, indent=2)
    return text
