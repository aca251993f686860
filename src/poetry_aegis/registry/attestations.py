"""Attestations: what somebody signed about a distribution (PEP 740).

Checked here is that they are of the right shape and about this very file; whose signature it is,
and whether that one is to be trusted, is for those who install the file to verify.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.names import parse_file_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST = 16  # attestations of one file
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATES = re.compile(r"https://slsa\.dev/provenance/v1|https://[^/\s]+/attestations/publish/v1")
_PUBLISHER = {"kind": "poetry-aegis", "claims": {}}  # the audit trail knows who it was


def provenance_of(attestations: str, file_name: str, sha256: str) -> bytes:
    """Return the provenance file of a distribution from *attestations*, a JSON list of them.

    Raises `BadUpload` where one is malformed, or not about *file_name* with the digest *sha256*.
    """
    try:
        found = _parse(attestations)
        if not isinstance(found, list) or not 1 <= len(found) <= _MOST:
            raise _Malformed(f"they are not a list of 1 to {_MOST}")
        for attestation in found:
            _check_attestation(attestation, file_name, sha256)
        bundle = {"publisher": _PUBLISHER, "attestations": found}
        document = {"version": 1, "attestation_bundles": [bundle]}
        return json.dumps(document, allow_nan=False).encode()
    except _Malformed as error:
        raise BadUpload(f"The attestations of {file_name} cannot be taken: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise BadUpload(f"The attestations of {file_name} are not JSON.") from error


class _Malformed(Exception):
    """What is wrong, as the end of a sentence."""


def _check_attestation(attestation: object, file_name: str, sha256: str) -> None:
    if not isinstance(attestation, dict) or attestation.get("version") != 1:
        raise _Malformed("one is not an attestation of version 1")
    if not isinstance(attestation.get("verification_material"), dict):
        raise _Malformed("one has no verification_material")
    envelope = attestation.get("envelope")
    if not isinstance(envelope, dict):
        raise _Malformed("one has no envelope")
    if not _decoded(envelope, "signature"):
        raise _Malformed("one has an empty signature")
    try:
        statement = _parse(_decoded(envelope, "statement").decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _Malformed("one has a statement that is not JSON") from error
    _check_statement(statement, file_name, sha256)


def _check_statement(statement: object, file_name: str, sha256: str) -> None:
    if not isinstance(statement, dict) or statement.get("_type") != _STATEMENT:
        raise _Malformed("one has a statement that is not an in-toto Statement v1")
    predicate = statement.get("predicateType")
    if not isinstance(predicate, str) or not _PREDICATES.fullmatch(predicate):
        raise _Malformed("one has a predicateType that is neither publishing nor SLSA provenance")
    match statement.get("subject"):
        case [{"name": str(name), "digest": {"sha256": str(digest)}}]:
            if not _name_the_same(name, file_name):
                raise _Malformed(f"one is about another file, {name[:200]!a}")
            if digest != sha256:
                raise _Malformed("one is about other content: its sha256 is not the file's")
        case _:
            raise _Malformed("one does not have a single subject with a name and a sha256")


def _name_the_same(one: str, other: str) -> bool:
    """Tell whether two file names are one distribution's: a subject may be spelled otherwise."""
    try:
        return parse_file_name(one).names_the_same(parse_file_name(other))
    except BadUpload:
        return False


def _decoded(envelope: Mapping[str, object], key: str) -> bytes:
    value = envelope.get(key)
    if not isinstance(value, str):
        raise _Malformed(f"one has no {key}")
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise _Malformed(f"one has a {key} that is not base64") from error


def _parse(text: str) -> Any:
    """Return the value of *text*, in which no key stands twice. Raises ``ValueError``."""
    return json.loads(text, object_pairs_hook=_unambiguous, parse_constant=_refuse_constant)


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
