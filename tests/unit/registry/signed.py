"""People with keys of their own, who sign distributions; and the trust that a registry reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from tests.support.signing import TeamKey, sha256_of, signed_by

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.signatures.keys import PublicKey

__all__ = ["Person", "attested", "sha256_of", "signed", "trust"]


class Person(TeamKey):
    """Somebody with an ed25519 key, who is trusted in a file of the registry's."""

    TABLE: ClassVar[str] = "keys"

    @property
    def key(self) -> PublicKey:
        return self.public

    def signs(self, file_name: str, sha256: str) -> dict[str, Any]:
        """Return this person's attestation of a file, as it is sent."""
        return dict(self.sign(file_name, sha256).document)


def trust(*tables: str, threshold: int = 1) -> str:
    """Return the text of a trust file."""
    return f"threshold = {threshold}\n" + "".join(tables)


def signed(file: Path, *people: Person) -> dict[str, str | None]:
    """Return the field of an upload form with the attestations of *people*."""
    return {"attestations": signed_by(file, *people)}


def attested(*attestations: dict[str, Any]) -> dict[str, str | None]:
    """Return the field of an upload form with *attestations*."""
    return {"attestations": json.dumps(attestations)}
