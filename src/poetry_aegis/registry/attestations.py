"""Provenance: the attestations of a distribution, as this index keeps and serves them (PEP 740).

Checked here is that they are of the right shape and about this very file; whose signature it is,
and whether that one is to be trusted, is looked at by `signers`, and by those who install the file.
"""

from __future__ import annotations

import json
from typing import Any

from poetry_aegis.registry.errors import BadAttestations
from poetry_aegis.signatures.attestation import (
    MOST,
    Attestation,
    merged,
    parse_attestations,
    parse_provenance,
)
from poetry_aegis.signatures.statement import Malformed, check_statement, parse_json

_PUBLISHER = {"kind": "poetry-aegis", "claims": {}}  # the audit trail knows who it was


def provenance_of(attestations: str, file_name: str, sha256: str) -> bytes:
    """Return the provenance file of a distribution from *attestations*, a JSON list of them.

    Raises `BadAttestations` where one is malformed, or not about *file_name* with the digest
    *sha256*.
    """
    try:
        found = parse_attestations(attestations)
    except Malformed as error:
        raise BadAttestations(
            f"The attestations of {file_name} cannot be taken: {error}."
        ) from error
    try:
        for attestation in found:
            check_statement(attestation.statement, file_name, sha256)
    except Malformed as error:
        raise BadAttestations(f"An attestation of {file_name} cannot be taken: {error}.") from error
    bundle = {"publisher": _PUBLISHER, "attestations": _documents(merged(found))}
    try:
        return _dumped({"version": 1, "attestation_bundles": [bundle]})
    except ValueError as error:
        raise BadAttestations(f"The attestations of {file_name} are not JSON.") from error


def attestations_in(provenance: bytes | None) -> tuple[Attestation, ...]:
    """Return the attestations of a provenance file; none where there is none that can be read."""
    try:
        return parse_provenance(provenance.decode()) if provenance else ()
    except ValueError:  # edited by hand
        return ()


def is_about(provenance: bytes, file_name: str, sha256: str) -> bool:
    """Tell whether *provenance* is that of *file_name* with the digest *sha256*."""
    found = attestations_in(provenance)
    try:
        for attestation in found:
            check_statement(attestation.statement, file_name, sha256)
    except Malformed:
        return False
    return bool(found)


def with_more(present: bytes | None, given: bytes | None) -> bytes | None:
    """Return the provenance *present* with the attestations that only *given* has.

    What is there stays as it is, to the byte where there is nothing more. Raises `BadAttestations`
    where they would be more than a file may have.
    """
    known = attestations_in(present)
    if given is None or present is None or not known:
        return present if given is None else given
    more = merged(known, attestations_in(given))[len(merged(known)) :]
    if not more:
        return present
    if len(known) + len(more) > MOST:
        raise BadAttestations(f"The file has {len(known)} attestations, and may have {MOST}.")
    return _dumped(_extended(parse_json(present.decode()), _documents(more)))


def _extended(document: Any, attestations: list[Any]) -> Any:
    """Return the provenance *document* with *attestations* in the bundle of this index."""
    bundles: list[Any] = list(document["attestation_bundles"])
    for place, bundle in enumerate(bundles):
        if bundle.get("publisher") == _PUBLISHER:
            bundles[place] = {**bundle, "attestations": [*bundle["attestations"], *attestations]}
            break
    else:
        bundles.append({"publisher": _PUBLISHER, "attestations": attestations})
    return {**document, "attestation_bundles": bundles}


def _documents(attestations: tuple[Attestation, ...]) -> list[Any]:
    return [attestation.document for attestation in attestations]


def _dumped(document: Any) -> bytes:
    return json.dumps(document, allow_nan=False).encode()
