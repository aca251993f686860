"""Keys that sign: opened from the store, the environment, GnuPG or a KMS, by securesystemslib."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING

from poetry_aegis.errors import SigningError, WrongPassphrase
from poetry_aegis.signatures.attestation import (
    dump_attestations,
    make_attestation,
    parse_attestations,
    signed_bytes,
)
from poetry_aegis.signatures.keys import OPENPGP_HEADERS, PublicKey, Signature, public_key_of
from poetry_aegis.signatures.material import UnusableKey
from poetry_aegis.signatures.statement import Malformed, check_statement, make_statement
from poetry_aegis.signing.extra import require_signing
from poetry_aegis.signing.keystore import KeyStore, StoredKey, locate_store
from poetry_aegis.signing.passphrases import open_private, read_private
from poetry_aegis.signing.private import decrypt, is_encrypted

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from securesystemslib.signer import Signer

    from poetry_aegis.signatures.attestation import Attestation
    from poetry_aegis.signing.private import Ask

KEY_VARIABLE = "AEGIS_SIGNING_KEY"
PASSPHRASE_VARIABLE = "AEGIS_SIGNING_PASSPHRASE"  # noqa: S105 - its name
GNUPG = "gnupg:"
# Of what the variable holds nothing is said: it may be a secret all the same.
_NOT_A_NAME = (
    "The variable holds the private key itself: the text of its file, NAME.key.\n"
    "A key of yours is named with --key NAME; or with key in [tool.poetry-aegis.publish], "
    f"where {KEY_VARIABLE} is not set."
)


@dataclass(frozen=True)
class SigningKey:
    """A key that is open, to sign as often as is wanted."""

    name: str
    public: PublicKey
    signer: Signer = field(repr=False)

    def sign(self, data: bytes) -> Signature:
        """Return the signature over *data*. Raises `SigningError`."""
        try:
            made = self.signer.sign(data)
        except TimeoutExpired as error:
            raise SigningError(
                f"The key {self.name} was not unlocked within {error.timeout:.0f} seconds.",
                hint="Let GnuPG ask for its passphrase first: echo | gpg --clear-sign",
            ) from None
        except Exception as error:
            raise SigningError(
                f"The key {self.name} has not signed: {_first_line(error)}",
                hint="Look at it with: poetry aegis key list",
            ) from error
        headers = made.unrecognized_fields.get(OPENPGP_HEADERS)
        more = {OPENPGP_HEADERS: str(headers)} if headers else {}
        return Signature(self.public.id, bytes.fromhex(made.signature), more)


def open_key(
    asked: str | None, setting: str | None, ask: Ask, *, store: KeyStore | None = None
) -> SigningKey:
    """Return the key to sign with: the one *asked* for, else that of the environment.

    Without either it is the one that the *setting* names, or the only one in the *store*. *ask*
    returns passphrases. Raises `NoSigningKey`, `WrongPassphrase`, `SigningError` and
    `MissingExtra`.
    """
    require_signing()
    pem = os.environ.get(KEY_VARIABLE)
    if pem and not asked:
        return _open_text(KEY_VARIABLE, pem, ask, whose=f"the key in {KEY_VARIABLE}")
    store = store or locate_store()
    key = store.choose(asked or setting)
    return _open_elsewhere(key, ask) if key.uri else _open_stored(store, key, ask)


def sign_distribution(
    file_name: str, sha256: str, key: SigningKey, predicate_type: str
) -> Attestation:
    """Return an attestation by *key* that *file_name* has the digest *sha256*, in hex.

    It has been verified, as others will, when it is returned. Raises `SigningError`.
    """
    statement = make_statement(file_name, sha256, predicate_type)
    made = make_attestation(statement, key.sign(signed_bytes(statement)))
    try:
        check_statement(statement, file_name, sha256)
        (attestation,) = parse_attestations(dump_attestations([made]))
    except Malformed as error:
        raise SigningError(f"The attestation of {file_name} came out wrong: {error}.") from error
    if not attestation.is_signed_by(key.public):
        raise SigningError(
            f"What the key {key.name} has signed does not verify with its public part.",
            hint="Add the key anew, under another name: poetry aegis key add --help",
        )
    return attestation


def _open_stored(store: KeyStore, key: StoredKey, ask: Ask) -> SigningKey:
    pem = read_private(store, key)
    private = open_private(store, key, pem, ask)
    if not is_encrypted(pem):
        raise SigningError(
            f"The key {key.name} is not encrypted: {store.private_file(key.name)}.",
            hint=f"Give it a passphrase with: poetry aegis key passphrase {key.name}",
        )
    return _signing_key(key.name, private, whose=f"the key {key.name}")


def _open_text(name: str, pem: str, ask: Ask, *, whose: str) -> SigningKey:
    # Some pipelines keep the line ends of a variable as the two characters that stand for one.
    content = pem.replace("\\n", "\n").encode("utf-8", "surrogateescape")
    try:
        private = decrypt(content, ask, whose=whose)
    except WrongPassphrase:
        raise
    except SigningError as error:
        error.hint = error.hint or _NOT_A_NAME
        raise
    return _signing_key(name, private, whose=whose)


def _signing_key(name: str, private: PrivateKeyTypes, *, whose: str) -> SigningKey:
    from securesystemslib.signer import CryptoSigner

    try:
        signer = CryptoSigner(private)
        return SigningKey(name, public_key_of(signer.public_key), signer)
    except (UnusableKey, ValueError) as error:
        raise SigningError(f"Nothing can be signed with {whose}: {error}") from error


def _open_elsewhere(key: StoredKey, ask: Ask) -> SigningKey:
    from securesystemslib.signer import GPGSigner, Signer

    def secret(what: str) -> str:
        answer = ask(f"{what} of the key {key.name}:")
        if not answer:
            raise SigningError(f"The key {key.name} needs its {what}, and nobody can be asked.")
        return answer

    if key.uri.startswith(GNUPG):
        home = key.uri.removeprefix(GNUPG)
        # The library splits its command line as a shell does: the folder's name is kept together.
        gnupg = GPGSigner(key.public.key, shlex.quote(home) if home else None)
        return SigningKey(key.name, key.public, gnupg)
    try:
        signer = Signer.from_priv_key_uri(key.uri, key.public.key, secret)
    except SigningError:
        raise
    except Exception as error:
        raise SigningError(
            f"The key {key.name} cannot be had from {key.uri}: {_first_line(error)}"
        ) from error
    return SigningKey(key.name, key.public, signer)


def _first_line(error: Exception) -> str:
    """Return what *error* says, in one line; of a program that failed its own last word."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" .")]
    if not lines:
        return type(error).__name__
    return lines[-1] if isinstance(error, OSError) else lines[0]
