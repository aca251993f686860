"""Private keys as text: encrypted with a passphrase, and opened with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import SigningError, WrongPassphrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from poetry_aegis.signatures.keys import PublicKey

    Ask = Callable[[str], str | None]
    """Returns the secret that a question is about; ``None`` where nobody can be asked."""

SHORTEST = 8  # characters of a passphrase
_LONGEST = 1000  # bytes; OpenSSL takes hardly more
_ENCRYPTED = "ENCRYPTED"  # stands in the first line, or in a header, of a PEM block that is


def generate() -> tuple[Ed25519PrivateKey, PublicKey]:
    """Return a new ed25519 key, and its public part."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import SSlibKey

    from poetry_aegis.signatures.keys import public_key_of

    private = Ed25519PrivateKey.generate()
    return private, public_key_of(SSlibKey.from_crypto(private.public_key()))


def encrypt(private: PrivateKeyTypes, passphrase: str) -> bytes:
    """Return *private* as PKCS #8 in PEM, encrypted. Raises `SigningError` for a passphrase."""
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
    )

    check_passphrase(passphrase)
    encryption = BestAvailableEncryption(_encode(passphrase))
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def check_passphrase(passphrase: str) -> None:
    """Raise `SigningError` for a *passphrase* that is too short, or longer than can be used."""
    if len(passphrase) < SHORTEST or len(_encode(passphrase)) > _LONGEST:
        raise SigningError(
            f"A passphrase has at least {SHORTEST} characters, and at most {_LONGEST} bytes.",
            hint="Several words that have nothing to do with each other are hard to guess.",
        )


def decrypt(pem: str, ask: Ask, *, whose: str) -> PrivateKeyTypes:
    """Return the private key in *pem*, with the passphrase that *ask* returns, if it needs one.

    *whose* names the key in messages. Raises `WrongPassphrase`, and `SigningError` for what is no
    private key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    passphrase = _passphrase(ask, whose) if _ENCRYPTED in pem else None
    # What these errors say of the key is nobody's business, so they are no causes.
    try:
        return load_pem_private_key(pem.encode("utf-8", "surrogateescape"), passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
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
