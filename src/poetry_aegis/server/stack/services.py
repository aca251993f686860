"""The services that a stack may have, whatever its settings are."""

from __future__ import annotations

import re

from poetry_aegis.server.stack.templating import TEMPLATES

_BLOCK = re.compile(r"^services:\n(.*?)^\S*:", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"^  ([a-z0-9-]+):$", re.MULTILINE)


def service_names() -> tuple[str, ...]:
    """Return the names of all services that the stack's template has; of a stack, few lack."""
    template = (TEMPLATES / "compose.yaml.j2").read_text(encoding="utf-8")
    block = _BLOCK.search(template)
    return tuple(_NAME.findall(block[1])) if block else ()
