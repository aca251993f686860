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
import os
import subprocess
import sys
import threading
import time
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING

import poetry_aegis
from poetry_aegis.registry.bounded import Bounded
from poetry_aegis.registry.web.tidy import tidied

if TYPE_CHECKING:
    from poetry_aegis.registry.web.metadata import ProjectMetadata

logger = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds
_AT_A_TIME = 2
_PAUSE = 60.0  # seconds until one that failed is tried again
_MOST_KEPT = 4 * 1024 * 1024  # bytes
_MOST_FAILED = 1000  # descriptions
_LONGEST_PAGE = 2 * 1024 * 1024  # characters of HTML
_MOST_MEMORY = 1024 * 1024 * 1024  # bytes

# The child takes code from nowhere else than this process, and knows nothing of its secrets.
_FOLDER = Path(poetry_aegis.__file__).resolve().parent.parent
_PASSED_ON = (
    "APPDATA", "HOME", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE",
    "SYSTEMROOT",
)  # fmt: skip

PLAIN, MARKDOWN, RST = "text/plain", "text/markdown", "text/x-rst"


class Readmes:
    """Rendered descriptions, each rendered once while there is room to keep it.

    What could not be rendered, in *patience* seconds or at all, is tried again after a *pause*.
    """

    def __init__(self, patience: float = _PATIENCE, pause: float = _PAUSE) -> None:
        self._patience = patience
        self._pause = pause
        self._kept: Bounded[str, str] = Bounded(_MOST_KEPT)
        self._failed: Bounded[str, float] = Bounded(_MOST_FAILED)  # until when
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
                    rendered = self._keep(key, self._render(source))
        return rendered or None

    def _render(self, source: str) -> str | None:
        """Return the HTML, empty where there can be none, ``None`` where the attempt failed."""
        command = [sys.executable, "-m", "poetry_aegis.registry.web.readme"]
        try:
            done = subprocess.run(
                command,
                input=source.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_FOLDER,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
                timeout=self._patience,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            logger.warning("A description is shown as plain text: %s", error)
            return None
        return done.stdout.decode()

    def _known(self, key: str) -> str | None:
        """Return the HTML as `_render` does; what failed just now has none."""
        html = self._kept.get(key)
        if html is None and time.monotonic() < (self._failed.get(key) or float("-inf")):
            return ""
        return html

    def _keep(self, key: str, html: str | None) -> str | None:
        if html is None:
            self._failed.put(key, time.monotonic() + self._pause)
            return None
        return self._kept.put(key, html, sys.getsizeof(key) + sys.getsizeof(html))


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
