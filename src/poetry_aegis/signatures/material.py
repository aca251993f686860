"""What a public key is made of: one form of it, whatever it was spelled like.

Two spellings of one key must not count for two signers.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_ED25519 = "ed25519"
_PEM = "-----BEGIN "
_HEX = re.compile(r"[0-9a-f]{1,8192}")
_POINT = re.compile(r"[0-9a-f]{64}")  # no number: its zeros count
_LEAST_BITS = 2048  # of RSA and DSA, as NIST SP 800-57 wants them
_RSA_SCHEMES = tuple(
    f"{padding}-sha{bits}" for padding in ("rsassa-pss", "rsa-pkcs1v15") for bits in (256, 384, 512)
)
# The kinds of OpenPGP key, and the numbers that each has.
_OPENPGP = {
    ("rsa", "pgp+rsa-pkcsv1.5"): ("e", "n"),
    ("dsa", "pgp+dsa-fips-180-2"): ("g", "p", "q", "y"),
    ("eddsa", "pgp+eddsa-ed25519"): ("q",),
}


class UnusableKey(ValueError):
    """A public key that is none, too weak, or of a kind that is not known."""


def tidy(public: str) -> str:
    """Return *public* without what editors and line endings have made of it."""
    lines = [line.strip() for line in public.strip().splitlines()]
    if public.lstrip().startswith(_PEM):
        return "\n".join(lines) + "\n"
    return " ".join(" ".join(lines).split()).lower()


def numbers_of(public: str) -> dict[str, str]:
    """Return the numbers of an OpenPGP key, written as ``NAME:HEX``, by their names."""
    return dict(number.partition(":")[::2] for number in public.split())


def canonical(keytype: str, scheme: str, public: str) -> str:
    """Return *public* in the one form that it has here. Raises `UnusableKey`."""
    from securesystemslib.signer import SSlibKey

    loaded = load(keytype, scheme, public)
    if (keytype, scheme) in _OPENPGP:
        numbers = _numbers(keytype, scheme, public)
        return " ".join(f"{name}:{_hex(keytype, numbers[name])}" for name in sorted(numbers))
    return str(SSlibKey.from_crypto(loaded, scheme=scheme).keyval["public"])


def load(keytype: str, scheme: str, public: str) -> PublicKeyTypes:
    """Return the key that *public* is, which is of this *keytype* and *scheme*, and strong enough.

    Raises `UnusableKey`.
    """
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        if (keytype, scheme) in _OPENPGP:
            loaded = _openpgp(keytype, _numbers(keytype, scheme, public))
        else:
            loaded = _plain(public)
            _check_kind(loaded, keytype, scheme)
    except UnusableKey:
        raise
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm) as error:
        raise UnusableKey(f"It is no public key of the kind {_kind(keytype, scheme)}.") from error
    bits = getattr(loaded, "key_size", _LEAST_BITS)
    if keytype in {"rsa", "dsa"} and bits < _LEAST_BITS:
        raise UnusableKey(f"A key of {bits} bits is too weak; {_LEAST_BITS} are the least.")
    return loaded


def identity_of(loaded: PublicKeyTypes) -> str:
    """Return the SHA-256, in hex, of what the key is, apart from how it is used."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    content = loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(content).hexdigest()


def _plain(public: str) -> PublicKeyTypes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if public.startswith(_PEM):
        return load_pem_public_key(public.encode())
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))


def _check_kind(loaded: PublicKeyTypes, keytype: str, scheme: str) -> None:
    """Raise `UnusableKey` where the key is of another kind than it says, or may not sign so."""
    from securesystemslib.signer import SSlibKey

    found = SSlibKey.from_crypto(loaded)
    schemes = _RSA_SCHEMES if found.keytype == "rsa" else (found.scheme,)
    if keytype != found.keytype or scheme not in schemes:
        raise UnusableKey(
            f"It is a key of the kind {found.keytype}/{' or '.join(schemes)}, "
            f"not {_kind(keytype, scheme)}."
        )


def _numbers(keytype: str, scheme: str, public: str) -> dict[str, int]:
    numbers = numbers_of(public)
    wanted = _OPENPGP[keytype, scheme]
    digits = _POINT if keytype == "eddsa" else _HEX
    if tuple(sorted(numbers)) != wanted or not all(map(digits.fullmatch, numbers.values())):
        raise UnusableKey(
            f"A key of the kind {keytype}/{scheme} is written as: "
            f"{' '.join(f'{name}:HEX' for name in wanted)}."
        )
    return {name: int(value, 16) for name, value in numbers.items()}


def _hex(keytype: str, number: int) -> str:
    """Return *number* as GnuPG has it: whole bytes, as many as needed, of ed25519 all."""
    length = 32 if keytype == "eddsa" else max(1, (number.bit_length() + 7) // 8)
    return number.to_bytes(length, "big").hex()


def _kind(keytype: str, scheme: str) -> str:
    return ascii(f"{keytype}/{scheme}"[:60])


def _openpgp(keytype: str, numbers: dict[str, int]) -> PublicKeyTypes:
    from cryptography.hazmat.primitives.asymmetric.dsa import DSAParameterNumbers, DSAPublicNumbers
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    if keytype == "rsa":
        return RSAPublicNumbers(numbers["e"], numbers["n"]).public_key()
    if keytype == "dsa":
        parameters = DSAParameterNumbers(numbers["p"], numbers["q"], numbers["g"])
        return DSAPublicNumbers(numbers["y"], parameters).public_key()
    return Ed25519PublicKey.from_public_bytes(numbers["q"].to_bytes(32, "big"))
