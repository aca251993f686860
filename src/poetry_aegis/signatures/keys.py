"""Public keys and what they have signed, by securesystemslib, of any kind that it knows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from poetry_aegis.signatures.material import (
    UnusableKey,
    canonical,
    identity_of,
    load,
    numbers_of,
    tidy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from securesystemslib.signer import Key

OPENPGP_HEADERS = "other_headers"  # what an OpenPGP signature needs beside it, in hexadecimal

_OPENPGP = "pgp+"
_FINGERPRINT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Signature:
    """A signature, made by the key with the *key_id*.

    *more* is what some kinds of key need beside it: OpenPGP signs headers of its own, too, which
    stand there as `OPENPGP_HEADERS`.
    """

    key_id: str
    value: bytes
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublicKey:
    """A public key, spelled as it can stand in a TOML file.

    *keytype* and *scheme* are securesystemslib's. *public* is hexadecimal for ed25519, a PEM block
    for ECDSA and RSA, and ``NAME:HEX`` numbers for OpenPGP keys, which have a *fingerprint*, too.
    However it was spelled, two spellings of one key are equal. Raises `UnusableKey`, also for a key
    that is too weak to be believed.
    """

    keytype: str
    scheme: str
    public: str
    fingerprint: str = ""

    def __post_init__(self) -> None:
        fingerprint = "".join(self.fingerprint.split()).lower()
        object.__setattr__(self, "fingerprint", fingerprint)
        object.__setattr__(self, "public", tidy(self.public))
        self._check_fingerprint()
        # A key that is none is said now, not at the first signature.
        object.__setattr__(self, "public", canonical(self.keytype, self.scheme, self.public))

    def _check_fingerprint(self) -> None:
        if self.is_openpgp and not _FINGERPRINT.fullmatch(self.fingerprint):
            raise UnusableKey("An OpenPGP key needs its fingerprint, 40 hexadecimal digits.")
        if self.fingerprint and not self.is_openpgp:
            raise UnusableKey("Only an OpenPGP key has a fingerprint.")

    @property
    def is_openpgp(self) -> bool:
        """Whether the key is one of GnuPG's."""
        return self.scheme.startswith(_OPENPGP)

    @cached_property
    def id(self) -> str:
        """The key's identifier: the SHA-256 of its canonical form, an OpenPGP key's fingerprint."""
        return self.key.keyid

    @cached_property
    def identity(self) -> str:
        """What is the same for one key under whatever scheme or fingerprint: its SHA-256."""
        return identity_of(self._loaded)

    @cached_property
    def key(self) -> Key:
        """The key as securesystemslib has it."""
        from securesystemslib.signer import Key, SSlibKey

        if not self.is_openpgp:
            return SSlibKey.from_crypto(self._loaded, scheme=self.scheme)
        keyval = {"private": "", "public": numbers_of(self.public)}
        document = {"keytype": self.keytype, "scheme": self.scheme, "keyval": keyval}
        return Key.from_dict(self.fingerprint, document)

    def has_signed(self, data: bytes, signature: Signature) -> bool:
        """Tell whether *signature* is this key's over *data*."""
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.signer import Signature as Signed

        if signature.key_id != self.id:
            return False
        # Nothing else of what came along: the library would take a signature from there, too.
        more = {OPENPGP_HEADERS: signature.more.get(OPENPGP_HEADERS)} if self.is_openpgp else {}
        signed = Signed(self.id, signature.value.hex(), more)
        try:
            self.key.verify_signature(signed, data)
        except UnverifiedSignatureError:
            return False
        except Exception:  # noqa: BLE001 - what is hostile fails in ways that the library does not name
            return False
        return True

    @cached_property
    def _loaded(self) -> PublicKeyTypes:
        return load(self.keytype, self.scheme, self.public)


def public_key_of(key: Key) -> PublicKey:
    """Return a key of securesystemslib's as it can be written down. Raises `UnusableKey`."""
    public = key.keyval.get("public")
    if isinstance(public, str):
        return PublicKey(key.keytype, key.scheme, public)
    if not isinstance(public, dict):
        raise UnusableKey(f"{key.keytype}/{key.scheme} is a key without a public part.")
    numbers = " ".join(f"{name}:{value}" for name, value in sorted(public.items()))
    return PublicKey(key.keytype, key.scheme, numbers, key.keyid)
