"""A file, and keys of every kind that sign it. They are made once: RSA takes its time."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from securesystemslib.signer import CryptoSigner, GPGSigner, Key, Signer, SSlibKey
from securesystemslib.signer import Signature as Signed

from poetry_aegis.signatures.attestation import make_attestation, signed_bytes
from poetry_aegis.signatures.keys import OPENPGP_HEADERS, PublicKey, Signature, public_key_of
from poetry_aegis.signatures.statement import make_statement
from poetry_aegis.signatures.trust import Trust, TrustedKey
from poetry_aegis.signatures.verdict import Subject
from tests.support.attestations import FOR_PUBLISHING
from tests.unit.signing.gnupg import GnuPG, gnupg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from poetry_aegis.signatures.attestation import Attestation

KINDS = ("ed25519", "ecdsa-256", "ecdsa-384", "rsa", "rsa-pkcs1", "gnupg-ed25519", "gnupg-rsa")

WHEEL = Subject(
    "acme-tool", "acme_tool-1.0-py3-none-any.whl", hashlib.sha256(b"the wheel").hexdigest()
)


@dataclass(frozen=True)
class Signatory:
    """Somebody with a key."""

    signer: Signer

    @property
    def public(self) -> PublicKey:
        return public_key_of(self.signer.public_key)

    def sign(self, subject: Subject = WHEEL, predicate: str = FOR_PUBLISHING) -> Attestation:
        statement = make_statement(subject.file_name, subject.sha256, predicate)
        return self.sign_statement(statement)

    def sign_statement(self, statement: bytes) -> Attestation:
        made = self.signer.sign(signed_bytes(statement))
        headers = made.unrecognized_fields.get(OPENPGP_HEADERS)
        more = {OPENPGP_HEADERS: headers} if headers else {}
        signature = Signature(self.public.id, bytes.fromhex(made.signature), more)
        return make_attestation(statement, signature)

    def trusted(self, **more: object) -> TrustedKey:
        key = self.public
        return TrustedKey(key.keytype, key.scheme, key.public, key.fingerprint, **more)  # type: ignore[arg-type]


class P384(Signer):
    """A key of another curve; not all versions of securesystemslib make and sign with one."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP384R1())

    @classmethod
    def from_priv_key_uri(cls, *_: object) -> P384:
        return cls()

    @property
    def public_key(self) -> Key:
        return SSlibKey.from_crypto(self._private.public_key())

    def sign(self, payload: bytes) -> Signed:
        made = self._private.sign(payload, ec.ECDSA(hashes.SHA384()))
        return Signed(self.public_key.keyid, made.hex())


def trust(*keys: TrustedKey, threshold: int = 1) -> Trust:
    return Trust(threshold, {f"key-{number}": key for number, key in enumerate(keys)})


@pytest.fixture(scope="session")
def signatories() -> Iterator[Callable[[str], Signatory]]:
    """Return a function to somebody with a key of a kind: of the same kind always the same."""
    made: dict[str, Signatory] = {}
    with contextlib.ExitStack() as stack:
        homes: list[GnuPG] = []

        def of_gnupg(algorithm: str) -> Signer:
            home = homes[0] if homes else stack.enter_context(gnupg())
            homes[:] = [home]
            fingerprint = home.make_key(f"Ada ({algorithm}) <ada@example.com>", algorithm)
            folder = f"'{home.home}'"
            _, key = GPGSigner.import_(fingerprint.lower(), folder)
            return GPGSigner(key, folder)

        makers: dict[str, Callable[[], Signer]] = {
            "ed25519": CryptoSigner.generate_ed25519,
            "ecdsa-256": CryptoSigner.generate_ecdsa,
            "ecdsa-384": P384,
            "rsa": lambda: CryptoSigner.generate_rsa(size=2048),
            "rsa-pkcs1": lambda: CryptoSigner.generate_rsa(scheme="rsa-pkcs1v15-sha256", size=2048),
            "gnupg-ed25519": lambda: of_gnupg("ed25519"),
            "gnupg-rsa": lambda: of_gnupg("rsa2048"),
        }

        def signatory(kind: str) -> Signatory:
            if kind not in made:
                made[kind] = Signatory(makers[kind]())
            return made[kind]

        yield signatory


@pytest.fixture(params=KINDS)
def signatory(request: pytest.FixtureRequest, signatories: Callable[[str], Signatory]) -> Signatory:
    """Return somebody with a key, of each kind in turn."""
    return signatories(request.param)


@pytest.fixture(scope="session")
def ada() -> Signatory:
    return Signatory(CryptoSigner.generate_ed25519())


@pytest.fixture(scope="session")
def bob() -> Signatory:
    return Signatory(CryptoSigner.generate_ed25519())


@pytest.fixture(scope="session")
def eve() -> Signatory:
    return Signatory(CryptoSigner.generate_ed25519())
