"""People with keys of their own, who sign distributions; and the trust that a registry reads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from securesystemslib.signer import CryptoSigner

from poetry_aegis.signatures.attestation import make_attestation, signed_bytes
from poetry_aegis.signatures.keys import PublicKey, Signature, public_key_of
from poetry_aegis.signatures.statement import make_statement
from tests.support.attestations import FOR_PUBLISHING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Person:
    """Somebody with an ed25519 key."""

    name: str
    signer: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519, repr=False)

    @property
    def key(self) -> PublicKey:
        return public_key_of(self.signer.public_key)

    def signs(self, file_name: str, sha256: str) -> dict[str, Any]:
        """Return this person's attestation of a file."""
        statement = make_statement(file_name, sha256, FOR_PUBLISHING)
        value = bytes.fromhex(self.signer.sign(signed_bytes(statement)).signature)
        return dict(make_attestation(statement, Signature(self.key.id, value)).document)

    def trusted(self, *more: str) -> str:
        """Return the table of this person's key in a trust file, with *more* lines."""
        key = self.key
        kind = f'keytype = "{key.keytype}"\nscheme = "{key.scheme}"\npublic = "{key.public}"\n'
        return f"[keys.{self.name}]\n{kind}" + "".join(f"{line}\n" for line in more)


def trust(*tables: str, threshold: int = 1) -> str:
    """Return the text of a trust file."""
    return f"threshold = {threshold}\n" + "".join(tables)


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def signed(file: Path, *people: Person) -> dict[str, str | None]:
    """Return the field of an upload form with the attestations of *people*."""
    return attested(*(person.signs(file.name, sha256_of(file)) for person in people))


def attested(*attestations: dict[str, Any]) -> dict[str, str | None]:
    """Return the field of an upload form with *attestations*."""
    return {"attestations": json.dumps(attestations)}
