"""Attestations: signed statements, as indexes take, store and serve them (PEP 740).

An attestation has the statement and one signature over it; who it is by stands in its
``verification_material``. The PEP's own kind has a certificate there, and an entry of a public
transparency log. A private team has neither, and names its key the way Sigstore's bundles do::

    {"version": 1,
     "verification_material": {"public_key": {"hint": KEY_ID}},
     "envelope": {"statement": BASE64, "signature": BASE64}}

The signature is over the DSSE encoding of the statement. Several signatures of one file are
several attestations of it.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poetry_aegis.signatures.keys import OPENPGP_HEADERS, Signature
from poetry_aegis.signatures.statement import PAYLOAD_TYPE, Malformed, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from poetry_aegis.signatures.keys import PublicKey

MOST = 16  # attestations of one file

_LONGEST_HINT = 200  # characters
_HEADERS = re.compile(r"(?:[0-9a-f]{2}){1,512}")


@dataclass(frozen=True)
class Attestation:
    """A signed *statement*; *signature* is ``None`` where it is of a kind not verified here."""

    statement: bytes
    signature: Signature | None
    document: Mapping[str, Any]

    def is_signed_by(self, key: PublicKey) -> bool:
        """Tell whether the signature is that of *key*."""
        return self.signature is not None and key.has_signed(
            signed_bytes(self.statement), self.signature
        )


def signed_bytes(statement: bytes) -> bytes:
    """Return what is signed for *statement*: its DSSE pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(statement), statement)


def make_attestation(statement: bytes, signature: Signature) -> Attestation:
    """Return *statement* with its *signature*, which is over `signed_bytes`."""
    key = {"hint": signature.key_id, **signature.more}
    document = {
        "version": 1,
        "verification_material": {"public_key": key},
        "envelope": {
            "statement": base64.b64encode(statement).decode(),
            "signature": base64.b64encode(signature.value).decode(),
        },
    }
    return Attestation(statement, signature, document)


def parse_attestations(text: str) -> tuple[Attestation, ...]:
    """Return the attestations in *text*, a JSON list of them, or one. Raises `Malformed`."""
    try:
        found = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("they are not JSON") from error
    return _attestations(found if isinstance(found, list) else [found])


def parse_provenance(text: str) -> tuple[Attestation, ...]:
    """Return the attestations in *text*, an index's provenance of a file. Raises `Malformed`."""
    try:
        document = parse_json(text)
        bundles = document["attestation_bundles"]
        return _attestations([item for bundle in bundles for item in bundle["attestations"]])
    except (KeyError, TypeError, RecursionError) as error:
        raise Malformed("they are not in a provenance object of PEP 740") from error
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed("they are not JSON") from error


def dump_attestations(attestations: Iterable[Attestation]) -> str:
    """Return *attestations* as a JSON list, which an upload sends and a file beside it keeps."""
    documents = [dict(attestation.document) for attestation in attestations]
    return json.dumps(documents, allow_nan=False, separators=(",", ":"))


def dump_kept(attestations: Iterable[Attestation]) -> str:
    """Return *attestations* as a file beside a distribution keeps them: a list, but one alone.

    Other tools that upload such a file know no list in it.
    """
    several = tuple(attestations)
    text = dump_attestations(several)
    return text[1:-1] if len(several) == 1 else text


def merged(*lists: Iterable[Attestation]) -> tuple[Attestation, ...]:
    """Return the attestations of all *lists*, in their order; of two that are the same, the first.

    A signature that is repeated as another key's is not the same: it must not take the place of
    the true one.
    """
    found: dict[tuple[object, ...], Attestation] = {}
    for several in lists:
        for one in several:
            found.setdefault(_identity(one), one)
    return tuple(found.values())


def _identity(attestation: Attestation) -> tuple[object, ...]:
    """Return what only the same attestation has, however its base64 is spelled."""
    signature = attestation.signature
    if signature is None:
        return attestation.statement, json.dumps(attestation.document, sort_keys=True)
    more = tuple(sorted(signature.more.items()))
    return attestation.statement, signature.key_id, signature.value, more


def _attestations(documents: list[Any]) -> tuple[Attestation, ...]:
    if not 1 <= len(documents) <= MOST:
        raise Malformed(f"they are not 1 to {MOST}")
    return tuple(_attestation(document) for document in documents)


def _attestation(document: object) -> Attestation:
    if not isinstance(document, dict) or document.get("version") != 1:
        raise Malformed("one is not an attestation of version 1")
    material, envelope = document.get("verification_material"), document.get("envelope")
    if not isinstance(material, dict):
        raise Malformed("one has no verification_material")
    if not isinstance(envelope, dict):
        raise Malformed("one has no envelope")
    value = _decoded(envelope, "signature")
    if not value:
        raise Malformed("one has an empty signature")
    statement = _decoded(envelope, "statement")
    return Attestation(statement, _signature(material, value), document)


def _signature(material: Mapping[str, Any], value: bytes) -> Signature | None:
    match material.get("public_key"):
        case {"hint": str(key_id), **more} if len(key_id) <= _LONGEST_HINT:
            return Signature(key_id, value, _headers(more))
    return None


def _headers(more: Mapping[object, object]) -> dict[str, str]:
    match more.get(OPENPGP_HEADERS):
        case str(headers) if _HEADERS.fullmatch(headers):
            return {OPENPGP_HEADERS: headers}
    return {}


def _decoded(envelope: Mapping[str, object], key: str) -> bytes:
    value = envelope.get(key)
    if not isinstance(value, str):
        raise Malformed(f"one has no {key}")
    try:
        decoded = base64.b64decode(value, validate=True)
    except ValueError as error:
        raise Malformed(f"one has a {key} that is not base64") from error
    if base64.b64encode(decoded).decode() != value:
        # The last character may have bits that say nothing: one signature, several spellings.
        raise Malformed(f"one has a {key} that is not base64 as it is written")
    return decoded
