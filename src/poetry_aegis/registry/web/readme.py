"""Renders descriptions to HTML that is safe to show, in a process of its own.

A description is hostile input, and its renderers were not made to be hurried: some take minutes for
what was written to take minutes, and would hold up every other request meanwhile. A process can
be stopped. What it cannot render in time is shown as plain text.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import subprocess
import sys
import threading
from collections import OrderedDict
from email.message import Message
from typing import TYPE_CHECKING

from poetry_aegis.registry.web.tidy import tidied

if TYPE_CHECKING:
    from poetry_aegis.registry.web.metadata import ProjectMetadata

logger = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds
_AT_A_TIME = 2
_MOST_KEPT = 8 * 1024 * 1024  # characters
_LONGEST_PAGE = 2 * 1024 * 1024  # characters of HTML
_MOST_MEMORY = 1024 * 1024 * 1024  # bytes

PLAIN, MARKDOWN, RST = "text/plain", "text/markdown", "text/x-rst"


class Readmes:
    """Rendered descriptions, each rendered once while there is room to keep it."""

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._size = 0
        self._keeping = threading.Lock()
        self._rendering = threading.BoundedSemaphore(_AT_A_TIME)

    def html(self, metadata: ProjectMetadata) -> str | None:
        """Return the description as HTML, ``None`` where it is to be shown as plain text.

        Blocks for half a second or so where it is new.
        """
        kind, variant = content_type(metadata.content_type)
        if kind == PLAIN or not metadata.description.strip():
            return None
        source = json.dumps([kind, variant, metadata.description])
        key = hashlib.sha256(source.encode()).hexdigest()
        rendered = self._known(key)
        if rendered is None:
            with self._rendering:
                rendered = self._known(key)
                if rendered is None:
                    rendered = self._render(source)
                    self._keep(key, rendered)
        return rendered or None

    def _render(self, source: str) -> str:
        """Return the HTML, empty where there is none to be had."""
        command = [sys.executable, "-m", "poetry_aegis.registry.web.readme"]
        try:
            done = subprocess.run(
                command,
                input=source.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=self._patience,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            logger.warning("A description is shown as plain text: %s", error)
            return ""
        return done.stdout.decode()

    def _known(self, key: str) -> str | None:
        with self._keeping:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: str, html: str) -> None:
        with self._keeping:
            self._kept[key] = html
            self._size += len(html) + len(key)
            while self._size > _MOST_KEPT:
                old, dropped = self._kept.popitem(last=False)
                self._size -= len(old) + len(dropped)


def content_type(value: str) -> tuple[str, str]:
    """Return the kind of a description, and for Markdown its variant.

    One that does not say is reStructuredText, as it was before it could say (PEP 566).
    """
    if not value:
        return RST, ""
    message = Message()
    message["content-type"] = value
    kind = message.get_content_type()
    variant = str(message.get_param("variant", "GFM"))
    return (kind if kind in (MARKDOWN, RST) else PLAIN), variant


def render(kind: str, variant: str, description: str) -> str:
    """Return *description* as HTML, empty where it cannot be rendered or is far too long."""
    if kind == MARKDOWN:
        from readme_renderer import markdown

        html = markdown.render(description, variant if variant == "CommonMark" else "GFM")
    else:
        from readme_renderer import rst

        html = rst.render(description)
    if html is None or len(html) > _LONGEST_PAGE:
        return ""
    return tidied(html)


def main() -> None:
    """Render what comes from the standard input to the standard output."""
    if sys.platform != "win32":
        import resource

        with contextlib.suppress(ValueError, OSError):  # not every system has such a limit
            resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    sys.stdout.buffer.write(render(*json.load(sys.stdin.buffer)).encode())


if __name__ == "__main__":
    main()
