"""The templates of the stack's files, and how a value gets into each kind of file unharmed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poetry_aegis.server.extra import missing
from poetry_aegis.server.template import GENERATED

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def fill(template: str, **values: Any) -> str:
    """Return the template of that name with its *values*. Raises `MissingExtra`."""
    return _environment().get_template(template).render(generated=GENERATED.rstrip(), **values)


def as_yaml(value: str | int) -> str:
    """Return *value* as Compose reads it: a JSON string is one of YAML, and a dollar is doubled."""
    return json.dumps(value, ensure_ascii=False).replace("$", "$$")


def as_nginx(value: str) -> str:
    """Return *value* as a quoted string of nginx's configuration.

    A dollar in it is a variable wherever nginx looks for one; nothing takes that away.
    """
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ModuleNotFoundError as error:
        raise missing("jinja2") from error
    environment = Environment(  # noqa: S701 -- neither YAML nor nginx's configuration is HTML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"yaml": as_yaml, "quoted": as_nginx}
    return environment
