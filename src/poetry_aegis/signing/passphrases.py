"""Private keys of the store: opened with their passphrase, and given another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import NoSigningKey, SigningError
from poetry_aegis.signatures.material import UnusableKey
from poetry_aegis.signing.private import decrypt, encrypt, public_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from poetry_aegis.signing.keystore import KeyStore, StoredKey
    from poetry_aegis.signing.private import Ask


def change_passphrase(
    store: KeyStore, name: str, ask: Ask, ask_new: Callable[[], str]
) -> StoredKey:
    """Encrypt the private key *name* anew and return the key.

    *ask* returns the passphrase that it has, if it has one; then *ask_new* returns the one that it
    gets, which may be the same. Raises `NoSigningKey`, `WrongPassphrase`, `SigningError` and
    `MissingExtra`; the key is then as it was.
    """
    key = store.read(name)
    if key.uri:
        raise SigningError(
            f"The key {name} is kept elsewhere, and so is its passphrase: {key.uri}.",
            hint="Change it there; for a key of GnuPG's: gpg --change-passphrase FINGERPRINT",
        )
    before = read_private(store, key)
    private = open_private(store, key, before, ask)
    passphrase = ask_new()
    after = encrypt(private, passphrase)
    # What takes the place of the only copy is opened first.
    open_private(store, key, after, lambda _: passphrase)
    store.rewrite(name, before, after)
    return key


def read_private(store: KeyStore, key: StoredKey) -> bytes:
    """Return what the file of the private part of *key* holds. Raises `NoSigningKey`."""
    path = store.private_file(key.name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise NoSigningKey(
            f"The private part of the key {key.name}, {path}, cannot be read: {error.strerror}.",
            hint="Bring it back from a copy, or sign with another key: --key NAME",
        ) from error


def open_private(store: KeyStore, key: StoredKey, pem: bytes, ask: Ask) -> PrivateKeyTypes:
    """Return the private part of *key*, which is *pem*, opened with what *ask* returns.

    Raises `WrongPassphrase`, and `SigningError` for what is not its private part.
    """
    whose = f"the key {key.name}"
    private = decrypt(pem, ask, whose=whose)
    try:
        public = public_part(private)
    except (UnusableKey, ValueError) as error:
        raise SigningError(f"Nothing can be signed with {whose}: {error}") from error
    if public != key.public:
        raise SigningError(
            f"{store.private_file(key.name)} is not the private part of what "
            f"{store.public_file(key.name).name} describes.",
            hint="One of the two was exchanged. Do not sign with either before you know which.",
        )
    return private
