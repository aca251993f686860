"""Keys of a team, made for a test, and what they sign."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from securesystemslib.signer import CryptoSigner

from poetry_aegis.signatures.attestation import dump_attestations, make_attestation, signed_bytes
from poetry_aegis.signatures.keys import PublicKey, Signature, public_key_of
from poetry_aegis.signatures.statement import make_statement
from poetry_aegis.signing import private
from tests.support.attestations import FOR_PUBLISHING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from poetry_aegis.signatures.attestation import Attestation


@dataclass(frozen=True)
class TeamKey:
    """A private key of somebody's called *name*: ed25519, unless another is given."""

    TABLE: ClassVar[str] = "tool.poetry-aegis.trust.keys"  # what trusted keys stand in

    name: str
    signer: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519, repr=False)

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
        return self.sign(path.name, sha256_of(path))

    def trusted(self, *lines: str, **more: str) -> str:
        """Return the table with which the key is trusted; *lines* and *more* are as TOML is."""
        table = [
            f"[{self.TABLE}.{self.name}]",
            f'keytype = "{self.public.keytype}"',
            f'scheme = "{self.public.scheme}"',
            f'public = "{self.public.public}"',
            *lines,
            *(f"{name} = {value}" for name, value in more.items()),
        ]
        return "\n".join([*table, ""])


def new_key(name: str) -> TeamKey:
    """Return a new ed25519 key."""
    return TeamKey(name)


def signed_by(path: Path, *keys: TeamKey) -> str:
    """Return what *keys* attest of the file at *path*, as an upload sends it."""
    return dump_attestations([key.sign_file(path) for key in keys])


def sha256_of(path: Path) -> str:
    """Return the digest of the file at *path*, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def open_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let new keys of a store be opened at once, and so be guessed; half a second each adds up."""
    monkeypatch.setattr(private, "ROUNDS", 1)
