"""Signatures on an index: whether it shows those that were sent to it (PEP 740)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import compress
from typing import TYPE_CHECKING

from poetry_aegis.publish.patience import Failure
from poetry_aegis.signatures.attestation import parse_attestations, parse_provenance
from poetry_aegis.signatures.statement import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.index import IndexedFile
    from poetry_aegis.publish.web import Web
    from poetry_aegis.signatures.attestation import Attestation

_THREADS = 4


def lacks_signature(web: Web, shown: IndexedFile, attestations: str) -> bool:
    """Return whether a file that is *shown* on an index is to be sent again, to be signed.

    Not where the index keeps no signatures. *attestations* are a JSON list; raises `Malformed`
    where they are none.
    """
    ours = parse_attestations(attestations)
    if shown.provenance is None:
        return shown.may_have_provenance
    answer = web.get(shown.provenance, {"Accept": "application/json"})
    if isinstance(answer, Failure):
        # It has one; what it is, is for `verify` to say. Where that was not told only this time,
        # the file is sent again: an index that has all of it changes nothing.
        return answer.repeatable
    try:
        theirs = parse_provenance(answer.text)
    except Malformed:
        return True
    return not {_signer(one) for one in ours} <= {_signer(one) for one in theirs}


def unsigned(
    web: Web,
    distributions: Sequence[Distribution],
    page: Mapping[str, IndexedFile],
    attestations: Mapping[str, str],
) -> tuple[str, ...]:
    """Return the names of those *distributions* whose *attestations* the index does not show."""
    names = [file.filename for file in distributions if file.filename in attestations]

    def is_missing(name: str) -> bool:
        if name not in page or page[name].provenance is None:
            return True
        return lacks_signature(web, page[name], attestations[name])

    with ThreadPoolExecutor(_THREADS) as readers:
        return tuple(compress(names, readers.map(is_missing, names)))


def _signer(attestation: Attestation) -> str:
    """Return who has signed: who signs twice makes two signatures, and one of them is kept."""
    if attestation.signature is not None:
        return attestation.signature.key_id
    return json.dumps(attestation.document, sort_keys=True)
