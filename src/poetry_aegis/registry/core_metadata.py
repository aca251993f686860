"""The fields of METADATA and PKG-INFO, for showing: read in one pass, within bounds.

The format is that of e-mail headers, but an e-mail parser is not for files of strangers: they can
make it recurse and read their lines over and over.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LARGEST = 4 * 1024 * 1024  # bytes; what archives may hold of metadata

_MOST_FIELDS = 5_000
_LONGEST_SUMMARY = 500  # characters
_FIELD = re.compile(r"([!-9;-~]+):[ \t]*(.*)")
_FOLD = re.compile(
    r" {7}\|| {8}|[ \t]+"
)  # what setuptools and poetry-core begin further lines with


@dataclass(frozen=True)
class CoreFields:
    """Fields by their names in lower case, and the *description*, wherever it stood."""

    fields: Mapping[str, tuple[str, ...]]
    description: str | None

    @property
    def summary(self) -> str:
        """The summary as one line, empty where there is none."""
        return " ".join((self.first("summary") or "")[:_LONGEST_SUMMARY].split())

    def first(self, name: str) -> str | None:
        """Return the value of a field, ``None`` where it is not there."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of a field that may be there more than once."""
        return self.fields.get(name, ())


def read_metadata(path: Path) -> bytes:
    """Return as much of a file as is read, nothing where it is not there. Raises ``OSError``."""
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST)
    except FileNotFoundError:
        return b""


def parse_core_fields(content: bytes) -> CoreFields:
    """Return the fields in *content*, what is no field being left out. Never fails."""
    text = content[:LARGEST].decode("utf-8", "replace").replace("\r\n", "\n")
    head, _, body = text.partition("\n\n")
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in _fields(head):
        if value and value != "UNKNOWN":  # as old versions of setuptools wrote nothing
            found[name].append(value)
    fields = {name: tuple(values) for name, values in found.items()}
    described = fields.pop("description", ())
    return CoreFields(fields, body or next(iter(described), None))


def _fields(head: str) -> list[tuple[str, str]]:
    fields: list[tuple[str, list[str]]] = []
    for line in head.split("\n"):
        if line.startswith((" ", "\t")):
            if fields:
                fields[-1][1].append(_FOLD.sub("", line, count=1))
        elif match := _FIELD.fullmatch(line):
            if len(fields) == _MOST_FIELDS:
                break
            fields.append((match[1].lower(), [match[2]]))
    return [(name, "\n".join(lines).strip()) for name, lines in fields]
