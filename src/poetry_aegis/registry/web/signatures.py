"""What the page of a project says of its files' signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.attestations import attestations_in
from poetry_aegis.registry.store.files import provenance_beside
from poetry_aegis.signatures.verdict import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.signers import Signers
    from poetry_aegis.registry.store.listing import ListedFile
    from poetry_aegis.registry.web.project import ProjectPage

_KEY = 16  # characters of a key's identifier, as people compare them


@dataclass(frozen=True)
class SignatureState:
    """The *word* on a file's signatures, and a *detail* beside it: who signed, or what is wrong.

    *is_doubtful* tells that this registry's own trust is not met.
    """

    word: str = ""
    detail: str = ""
    is_doubtful: bool = False


def signature_states(
    page: ProjectPage, data: DataDirectory, signers: Signers
) -> Mapping[str, SignatureState]:
    """Return the state of each file on *page*, by name. Blocking; raises ``OSError``."""
    return {file.file_name: _state(page.project, file, data, signers) for file in page.files}


def _state(project: str, file: ListedFile, data: DataDirectory, signers: Signers) -> SignatureState:
    is_wanted = signers.wants(project)
    if not file.has_provenance and not is_wanted:
        return SignatureState()
    provenance = provenance_beside(data, project, file.file_name)
    subject = Subject(project, file.file_name, file.sha256)
    verdict = signers.verdict(subject, provenance)
    if verdict is None:
        return SignatureState("signed" if provenance else "not signed", _keys(provenance))
    if verdict.is_good:
        return SignatureState("verified", f"signed by {', '.join(verdict.signers)}")
    if not provenance:
        return SignatureState("not signed", is_doubtful=True)
    return SignatureState("not verified", verdict.sentence, is_doubtful=True)


def _keys(provenance: bytes | None) -> str:
    """Return ``by key 0123…``: what is known of signers where nobody is trusted."""
    signatures = [attestation.signature for attestation in attestations_in(provenance)]
    keys = dict.fromkeys(signature.key_id[:_KEY] for signature in signatures if signature)
    return f"by key {', '.join(keys)}" if keys else ""
