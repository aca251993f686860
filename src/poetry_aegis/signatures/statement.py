"""What is signed: an in-toto Statement (v1) that binds a distribution's name to its SHA-256.

PEP 740 calls it the publish attestation; its statement has one subject and no predicate of its own.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, NoReturn

from packaging.utils import parse_sdist_filename, parse_wheel_filename

PAYLOAD_TYPE = "application/vnd.in-toto+json"

_LONGEST_NAME = 230  # characters; a longer one could stand for a great many tags
_TYPE = "https://in-toto.io/Statement/v1"
_PUBLISH = r"https://[^/\s]+/attestations/publish/v1"
_PREDICATES = re.compile(rf"https://slsa\.dev/provenance/v1|{_PUBLISH}")


class Malformed(ValueError):
    """What is wrong with an attestation, as the end of a sentence about it."""


def make_statement(file_name: str, sha256: str, predicate_type: str) -> bytes:
    """Return the statement that *file_name* has the digest *sha256*, in hex, as JSON."""
    return json.dumps(
        {
            "_type": _TYPE,
            "subject": [{"name": file_name, "digest": {"sha256": sha256}}],
            "predicateType": predicate_type,
            "predicate": None,
        },
        separators=(",", ":"),
    ).encode()


def check_statement(statement: bytes, file_name: str, sha256: str) -> None:
    """Check that *statement* is about *file_name* with the digest *sha256*. Raises `Malformed`."""
    try:
        document = parse_json(statement.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Malformed("its statement is not JSON") from error
    if not isinstance(document, dict) or document.get("_type") != _TYPE:
        raise Malformed("its statement is not an in-toto Statement v1")
    predicate = document.get("predicateType")
    if not isinstance(predicate, str) or not _PREDICATES.fullmatch(predicate):
        raise Malformed("its predicateType is neither publishing nor SLSA provenance")
    match document.get("subject"):
        case [{"name": str(name), "digest": {"sha256": str(digest)}}]:
            if not _name_the_same(name, file_name):
                raise Malformed(f"it is about another file, {name[:200]!a}")
            if digest != sha256:
                raise Malformed("it is about other content: its sha256 is not the file's")
        case _:
            raise Malformed("it does not have a single subject with a name and a sha256")


def parse_json(text: str) -> Any:
    """Return the value of *text*, in which no key stands twice. Raises ``ValueError``."""
    return json.loads(
        text,
        object_pairs_hook=_unambiguous,
        parse_constant=_refuse_constant,
        parse_float=_finite,
    )


def _name_the_same(one: str, other: str) -> bool:
    """Tell whether two file names are one distribution's: a subject may be spelled otherwise."""
    if one == other or len(one) > _LONGEST_NAME:
        return one == other
    try:
        return _identity(one) == _identity(other)
    except ValueError:
        return False


def _identity(file_name: str) -> tuple[object, ...]:
    if file_name.endswith(".whl"):
        return parse_wheel_filename(file_name)
    return parse_sdist_filename(file_name)


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number is too large")  # It could not be written down again.
    return number


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
