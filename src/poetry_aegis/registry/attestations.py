"""Provenance: the attestations of a distribution, as this index keeps and serves them (PEP 740).

Checked here is that they are of the right shape and about this very file; whose signature it is,
and whether that one is to be trusted, is looked at by `signers`, and by those who install the file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.errors import BadAttestations
from poetry_aegis.signatures.attestation import (
    MOST,
    Attestation,
    merged,
    parse_attestations,
    parse_provenance,
)
from poetry_aegis.signatures.statement import Malformed, check_statement, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from typing import TypeAlias

    Verifies: TypeAlias = Callable[[Attestation], bool]

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


def further(present: bytes | None, given: bytes | None) -> tuple[Attestation, ...]:
    """Return the attestations that only *given* has, and the provenance *present* has not."""
    return _news(attestations_in(present), attestations_in(given))


def _news(known: Sequence[Attestation], given: Sequence[Attestation]) -> tuple[Attestation, ...]:
    return merged(known, given)[len(merged(known)) :]


def _nobody(_attestation: Attestation) -> bool:
    return False


def with_more(
    present: bytes | None, given: bytes | None, verifies: Verifies = _nobody
) -> bytes | None:
    """Return the provenance *present* with the attestations that only *given* has.

    A key has one place: what *verifies* is in it. Where nothing of a key's does, nobody here can
    tell what is true, and there are two: for the first, which no later one may push out, and for
    the latest, which no earlier one may keep out. Where there are too many, what does not verify
    makes room for what does. All else stays as it is, to the byte where there is nothing more.

    Raises `BadAttestations` where they would be more than a file may have.
    """
    known, sent = attestations_in(present), attestations_in(given)
    more = _news(known, sent)
    if not more:
        return given if present is None else present
    kept = _places(known, more, sent, verifies)
    if len(kept) > MOST:
        kept = _with_room(known, kept, verifies)
    if present is None or not known:
        bundle = {"publisher": _PUBLISHER, "attestations": _documents(kept)}
        return _dumped({"version": 1, "attestation_bundles": [bundle]})
    if tuple(kept) == known:
        return present
    document = _without(parse_json(present.decode()), [one in kept for one in known])
    added = [one for one in more if one in kept]
    return _dumped(_extended(document, _documents(added)) if added else document)


def _places(
    known: Sequence[Attestation],
    more: Sequence[Attestation],
    sent: Sequence[Attestation],
    verifies: Verifies,
) -> list[Attestation]:
    """Return those of *known*, and of *more* of what was *sent*, that have a place."""
    old, new, latest = _by_key(known), _by_key(more), _by_key(sent)
    chosen: list[Attestation] = []
    for key in {**old, **new}:
        of_key = [*old[key], *new[key]]
        true = next(filter(verifies, of_key), None) if len(of_key) > 1 else None
        if true is not None:
            chosen.append(true)
            continue
        # Sent again, the same attestations lead to the same two.
        is_news = new[key] and new[key][-1] is latest[key][-1]
        chosen += [of_key[0], (new[key] if is_news else old[key] or of_key)[-1]]
    return [one for one in (*known, *more) if one in chosen]


def _by_key(several: Iterable[Attestation]) -> defaultdict[Hashable, list[Attestation]]:
    """Return *several* by key and by what they state; each alone that names no key."""
    found: defaultdict[Hashable, list[Attestation]] = defaultdict(list)
    for one in several:
        signature = one.signature
        alone = (one.statement, json.dumps(one.document, sort_keys=True))
        found[(signature.key_id, _kind(one.statement)) if signature else alone].append(one)
    return found


def _kind(statement: bytes) -> bool:
    """Tell whether *statement* is about publishing: one may also tell how the file was built."""
    try:
        return str(parse_json(statement.decode())["predicateType"]).endswith("/publish/v1")
    except (ValueError, KeyError, TypeError, RecursionError):  # edited by hand
        return False


def _with_room(
    known: Sequence[Attestation], kept: Sequence[Attestation], verifies: Verifies
) -> list[Attestation]:
    """Return *kept* without as many as are too many, of those that do not verify, the last first.

    Raises `BadAttestations` where what is new is not worth it.
    """
    surplus = len(kept) - MOST
    weak = [one for one in kept if one in known and not verifies(one)]
    strong = [one for one in kept if one not in known and verifies(one)]
    if surplus > min(len(weak), len(strong)):
        raise BadAttestations(f"The file has {len(known)} attestations, and may have {MOST}.")
    return [one for one in kept if one not in weak[-surplus:]]


def _without(document: Any, kept: Sequence[bool]) -> Any:
    """Return the provenance *document* with those attestations that are *kept*, by their order."""
    stays = iter(kept)
    bundles = [
        {**bundle, "attestations": [item for item in bundle["attestations"] if next(stays)]}
        for bundle in document["attestation_bundles"]
    ]
    bundles = [bundle for bundle in bundles if bundle["attestations"]]
    return {**document, "attestation_bundles": bundles}


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


def _documents(attestations: Iterable[Attestation]) -> list[Any]:
    return [attestation.document for attestation in attestations]


def _dumped(document: Any) -> bytes:
    return json.dumps(document, allow_nan=False).encode()
