"""Public keys and what they have signed, by securesystemslib, of any kind that it knows."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from securesystemslib.signer import Key

ED25519 = "ed25519"

_OPENPGP = "pgp+"
_PEM = "-----BEGIN "
_FINGERPRINT = re.compile(r"[0-9a-f]{40}")


class UnusableKey(ValueError):
    """A public key that is none, or of a kind that is not known."""


@dataclass(frozen=True)
class Signature:
    """A signature, made by the key with the *key_id*.

    *more* is what some kinds of key need beside it: OpenPGP signs headers of its own, too.
    """

    key_id: str
    value: bytes
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublicKey:
    """A public key, spelled as it can stand in a TOML file.

    *keytype* and *scheme* are securesystemslib's. *public* is hexadecimal for ed25519, a PEM block
    for ECDSA and RSA, and ``NAME:HEX`` numbers for OpenPGP keys, which have a *fingerprint*, too.
    Raises `UnusableKey`.
    """

    keytype: str
    scheme: str
    public: str
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if self.is_openpgp and not _FINGERPRINT.fullmatch(self.fingerprint):
            raise UnusableKey("An OpenPGP key needs its fingerprint, 40 hexadecimal digits.")
        _ = self.id  # an unknown kind is said now, not at the first signature

    @property
    def is_openpgp(self) -> bool:
        """Whether the key is one of GnuPG's."""
        return self.scheme.startswith(_OPENPGP)

    @cached_property
    def id(self) -> str:
        """The key's identifier: the SHA-256 of its canonical form, an OpenPGP key's fingerprint."""
        return self.key.keyid

    @cached_property
    def key(self) -> Key:
        """The key as securesystemslib has it."""
        from securesystemslib.exceptions import FormatError
        from securesystemslib.signer import Key

        document = {"keytype": self.keytype, "scheme": self.scheme, "keyval": self._keyval()}
        try:
            return Key.from_dict(self.fingerprint or _key_id(document), document)
        except (ValueError, TypeError, KeyError, FormatError) as error:
            raise UnusableKey(f"{self.keytype}/{self.scheme} is no usable key: {error}.") from error

    def has_signed(self, data: bytes, signature: Signature) -> bool:
        """Tell whether *signature* is this key's over *data*."""
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.signer import Signature as Signed

        if signature.key_id != self.id:
            return False
        signed = Signed(self.id, signature.value.hex(), dict(signature.more))
        try:
            self.key.verify_signature(signed, data)
        except UnverifiedSignatureError:
            return False
        except Exception:  # noqa: BLE001 - what is hostile fails in ways that the library does not name
            return False
        return True

    def _keyval(self) -> dict[str, Any]:
        if self.public.lstrip().startswith(_PEM):
            return {"public": f"{self.public.strip()}\n"}
        if not self.is_openpgp:
            return {"public": self.public}
        numbers = dict(number.partition(":")[::2] for number in self.public.split())
        return {"private": "", "public": numbers}


def public_key_of(key: Key) -> PublicKey:
    """Return a key of securesystemslib's as it can be written down. Raises `UnusableKey`."""
    public = key.keyval.get("public")
    if isinstance(public, str):
        return PublicKey(key.keytype, key.scheme, public)
    if not isinstance(public, dict):
        raise UnusableKey(f"{key.keytype}/{key.scheme} is a key without a public part.")
    numbers = " ".join(f"{name}:{value}" for name, value in sorted(public.items()))
    return PublicKey(key.keytype, key.scheme, numbers, key.keyid)


def _key_id(document: dict[str, Any]) -> str:
    from securesystemslib.formats import encode_canonical

    return hashlib.sha256(str(encode_canonical(document)).encode()).hexdigest()
