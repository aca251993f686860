"""Private keys as text: encrypted with a passphrase, and opened with it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, cast

from poetry_aegis.errors import SigningError, WrongPassphrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from poetry_aegis.signatures.keys import PublicKey

    Ask = Callable[[str], str | None]
    """Returns the secret that a question is about; ``None`` where nobody can be asked."""

SHORTEST = 8  # characters of a passphrase
_LONGEST = 1000  # bytes; OpenSSH and OpenSSL take hardly more
# Of bcrypt's key derivation: measured on one core of an AMD EPYC, a key takes 0.5 s to open, and so
# does each guess. The 2,048 of PBKDF2 that PKCS #8 was written with took 0.3 ms.
ROUNDS = 64
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_OPEN = b"openssh-key-v1\0\0\0\0\4none"  # what it begins with where no cipher is named
_ENCRYPTED = b"ENCRYPTED"  # stands in the first line, or in a header, of a PEM block that is


def generate() -> tuple[Ed25519PrivateKey, PublicKey]:
    """Return a new ed25519 key, and its public part."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    return private, public_part(private)


def public_part(private: PrivateKeyTypes) -> PublicKey:
    """Return the public part of *private*. Raises `UnusableKey` and ``ValueError``."""
    from securesystemslib.signer import SSlibKey

    from poetry_aegis.signatures.keys import public_key_of

    return public_key_of(SSlibKey.from_crypto(cast("Ed25519PrivateKey", private).public_key()))


def encrypt(private: PrivateKeyTypes, passphrase: str) -> bytes:
    """Return *private* in OpenSSH's format, encrypted. Raises `SigningError` for a passphrase."""
    from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

    check_passphrase(passphrase)
    # Not PKCS #8: cryptography writes that with 2,048 rounds of PBKDF2, and lets nobody choose.
    builder = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(ROUNDS)
    encryption = builder.build(_encode(passphrase))
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def check_passphrase(passphrase: str) -> None:
    """Raise `SigningError` for a *passphrase* that is too short, or longer than can be used."""
    if len(passphrase) < SHORTEST or len(_encode(passphrase)) > _LONGEST:
        raise SigningError(
            f"A passphrase has at least {SHORTEST} characters, and at most {_LONGEST} bytes.",
            hint="Several words that have nothing to do with each other are hard to guess.",
        )


def is_encrypted(pem: bytes) -> bool:
    """Return whether a passphrase is needed to open the private key in *pem*."""
    before, openssh, rest = pem.partition(_OPENSSH)
    if not openssh:
        return _ENCRYPTED in before
    try:
        content = base64.b64decode(rest.partition(b"-----")[0])
    except ValueError:
        return False  # and no key either
    return not content.startswith(_OPEN)


def decrypt(pem: bytes, ask: Ask, *, whose: str) -> PrivateKeyTypes:
    """Return the private key in *pem*, with the passphrase that *ask* returns, if it needs one.

    It is PEM as OpenSSL or OpenSSH write it. *whose* names the key in messages. Raises
    `WrongPassphrase`, and `SigningError` for what is no private key.
    """
    from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_ssh_private_key,
    )

    load = load_ssh_private_key if _OPENSSH in pem else load_pem_private_key
    passphrase = _passphrase(ask, whose) if is_encrypted(pem) else None
    # What these errors say of the key is nobody's business, so they are no causes.
    try:
        return load(pem, passphrase)
    except UnsupportedAlgorithm:
        raise SigningError(f"{_first_upper(whose)} is of a kind that is not known.") from None
    except (ValueError, TypeError, InvalidTag):
        if passphrase is None:
            raise SigningError(f"{_first_upper(whose)} is no private key in PEM.") from None
    raise WrongPassphrase(
        f"The passphrase does not open {whose}.", hint="Or the key is damaged: have a copy of it."
    )


def _passphrase(ask: Ask, whose: str) -> bytes:
    passphrase = ask(f"Passphrase of {whose}:")
    if not passphrase:
        raise WrongPassphrase(
            f"There is no passphrase for {whose}.",
            hint="Type it on a terminal, or set AEGIS_SIGNING_PASSPHRASE.",
        )
    return _encode(passphrase)


def _encode(passphrase: str) -> bytes:
    # As the environment had it, should that not be UTF-8.
    return passphrase.encode("utf-8", "surrogateescape")


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
