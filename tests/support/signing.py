"""Keys of a team, made for a test, and what they sign."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from securesystemslib.signer import CryptoSigner

from poetry_aegis.signatures.attestation import dump_attestations, make_attestation, signed_bytes
from poetry_aegis.signatures.keys import PublicKey, Signature, public_key_of
from poetry_aegis.signatures.statement import make_statement
from tests.support.attestations import FOR_PUBLISHING

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.signatures.attestation import Attestation


@dataclass(frozen=True)
class TeamKey:
    """A private key of somebody's called *name*."""

    name: str
    signer: CryptoSigner

    @property
    def public(self) -> PublicKey:
        """Its public part."""
        return public_key_of(self.signer.public_key)

    def sign(self, file_name: str, sha256: str) -> Attestation:
        """Return what attests that *file_name* has the digest *sha256*."""
        statement = make_statement(file_name, sha256, FOR_PUBLISHING)
        made = self.signer.sign(signed_bytes(statement))
        return make_attestation(statement, Signature(self.public.id, bytes.fromhex(made.signature)))

    def sign_file(self, path: Path) -> Attestation:
        """Return what attests the file at *path* as it is."""
        return self.sign(path.name, hashlib.sha256(path.read_bytes()).hexdigest())

    def trusted(self, **more: str) -> str:
        """Return the lines that make a project trust the key; *more* are as TOML has them."""
        lines = [
            f"[tool.poetry-aegis.trust.keys.{self.name}]",
            f'keytype = "{self.public.keytype}"',
            f'scheme = "{self.public.scheme}"',
            f'public = "{self.public.public}"',
            *(f"{name} = {value}" for name, value in more.items()),
        ]
        return "\n".join([*lines, ""])


def new_key(name: str) -> TeamKey:
    """Return a new ed25519 key."""
    return TeamKey(name, CryptoSigner.generate_ed25519())


def signed_by(path: Path, *keys: TeamKey) -> str:
    """Return what *keys* attest of the file at *path*, as an upload sends it."""
    return dump_attestations([key.sign_file(path) for key in keys])
