"""TOML tables, read into frozen dataclasses.

A dataclass is the schema. Its fields are the keys, its annotations the types, its defaults the
defaults; `read_table` refuses whatever else stands in the file and says what was probably meant.

Imported by the stand-alone registry, too, so it knows only the standard library.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Mapping

Table = TypeVar("Table")


class InvalidTable(ValueError):
    """What stands in a table is not what its schema wants; *hint* says what would be."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read_table(schema: type[Table], table: object, *, where: str) -> Table:
    """Return *table* as an instance of the dataclass *schema*.

    *where* names the table and its file in messages. A string stands for a list of one string.
    Raises `InvalidTable` for an unknown key, a wrong type, a missing key, and for what the
    dataclass itself refuses with it.
    """
    if not isinstance(table, dict):
        raise InvalidTable(f"{where} must be a table, not {_describe(table)}.")
    known = get_type_hints(schema)
    _refuse_unknown_keys(table, known, where)
    _refuse_misplaced_keys(table, known, where)
    values = {
        key: _read_value(known[key], value, key=key, where=where) for key, value in table.items()
    }
    _refuse_missing_keys(schema, values, where)
    try:
        return schema(**values)
    except InvalidTable as error:
        raise InvalidTable(f"{where}: {error}", hint=error.hint) from None


def _refuse_unknown_keys(table: Mapping[str, object], known: Mapping[str, Any], where: str) -> None:
    for key in table:
        if key not in known:
            from difflib import get_close_matches

            near = get_close_matches(key.replace("-", "_").lower(), known, n=1, cutoff=0.0)
            raise InvalidTable(
                f"Unknown key {key!r} in {where}.",
                hint=f"Did you mean {near[0]!r}? The keys are: {', '.join(known)}.",
            )


def _refuse_misplaced_keys(
    table: Mapping[str, object], known: Mapping[str, Any], where: str
) -> None:
    """Raise `InvalidTable` for a key of *table* in a table of tables below it: one too deep."""
    for key, below in table.items():
        holds_tables = any(map(is_dataclass, get_args(known[key])))
        for name, value in below.items() if holds_tables and isinstance(below, dict) else ():
            if name in known and not isinstance(value, dict):
                raise InvalidTable(
                    f"{name!r} stands in {key} in {where}, one table too deep.",
                    hint=f"Write it above, outside of {key}, which holds tables alone.",
                )


def _refuse_missing_keys(schema: Any, values: Mapping[str, object], where: str) -> None:
    for item in fields(schema):
        required = item.default is MISSING and item.default_factory is MISSING
        if required and item.name not in values:
            raise InvalidTable(f"{where} has no key {item.name!r}, which is required.")


def _read_value(expected: Any, value: object, *, key: str, where: str) -> Any:
    """Return *value* as the annotation *expected* wants it, or raise."""
    if is_dataclass(expected) and isinstance(expected, type):
        return read_table(expected, value, where=f"{key} in {where}")
    origin, arguments = get_origin(expected), get_args(expected)
    if origin in (Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _read_value(inner, value, key=key, where=where)
    if origin is dict and isinstance(value, dict):
        return {
            name: _read_value(arguments[1], item, key=f"{key}.{name}", where=where)
            for name, item in value.items()
        }
    if origin is tuple and arguments[0] is str and isinstance(value, str):
        return (value,)
    if origin is tuple and isinstance(value, list):
        return tuple(_read_value(arguments[0], item, key=key, where=where) for item in value)
    # `type() is`, because True is also an int.
    if value in arguments if origin is Literal else type(value) is expected:
        return value
    raise InvalidTable(
        f"{key!r} in {where} must be {_name_type(expected)}, not {_describe(value)}."
    )


def _name_type(expected: Any) -> str:
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Literal:
        return "one of " + ", ".join(repr(argument) for argument in arguments)
    names = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}
    names |= {dict: "a table", tuple: "a list", datetime: "a date with a time"}
    names |= {date: "a date"}
    return names.get(origin or expected, str(expected))


def _describe(value: object) -> str:
    return (
        repr(value) if isinstance(value, (str, int, float, bool)) else f"a {type(value).__name__}"
    )
