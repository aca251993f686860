"""The tables of settings in docs/reference.md, from the dataclasses that read them."""

from __future__ import annotations

import json
import sys
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from dataclasses import Field

    from scripts.reference import Words


def settings_table(words: Words, address: str) -> str:
    """Return the table of a dataclass of settings, named as ``module:class``."""
    module, _, name = address.partition(":")
    schema = getattr(import_module(module), name)
    kinds = get_type_hints(schema)
    rows = [_setting_row(words, name, item, kinds[item.name]) for item in fields(schema)]
    return "\n".join(["| Key | Type | Default | |", "| --- | --- | --- | --- |", *rows])


def _setting_row(words: Words, schema: str, item: Field[Any], kind: Any) -> str:
    text = words.get("settings", schema, item.name)
    if text is None:
        sys.exit(f"Nobody has described {item.name} of {schema}: add it to reference.toml.")
    row = f"| `{item.name}` | {_kind(kind)} | {_default(item)} | {text} |"
    return row.replace("|  |", "| |")


def _kind(kind: Any) -> str:
    """Return what TOML calls the type *kind*."""
    if is_dataclass(kind):
        return "table"
    if get_origin(kind) is Literal:
        return "string"
    inner = [arm for arm in get_args(kind) if arm is not type(None)]
    names = {str: "string", bool: "boolean", int: "integer", tuple: "list", dict: "table"}
    plain = get_origin(kind) or kind
    if plain in names:
        return names[plain]
    return _kind(inner[0]) if inner else str(plain.__name__)


def _default(item: Field[Any]) -> str:
    if item.default is MISSING:
        return "required" if item.default_factory is MISSING else "see below"
    if item.default is None:
        return "none"
    return f"`{json.dumps(item.default, ensure_ascii=False)}`"
