"""Keys that live elsewhere: in GnuPG, a cloud's KMS, a vault or a security token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from poetry_aegis.errors import SigningError, UsageError
from poetry_aegis.signatures.keys import public_key_of
from poetry_aegis.signing.extra import require_signing
from poetry_aegis.signing.openpgp import find_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from securesystemslib.signer import Key

    from poetry_aegis.signatures.keys import PublicKey

_FINGERPRINT = re.compile(r"[0-9a-f]{40}")
_GNUPG = "gnupg:"


def import_gnupg(fingerprint: str, home: str = "") -> tuple[str, PublicKey]:
    """Return the URI and the public part of a key of GnuPG's, by its *fingerprint*.

    *home* is GnuPG's home directory; without it that of the user. Raises `UsageError`,
    `NoSigningKey`, `SigningError` and `MissingExtra`.
    """
    require_signing()
    plain = "".join(fingerprint.split()).lower()
    if not _FINGERPRINT.fullmatch(plain):
        raise UsageError(
            "A fingerprint has 40 hexadecimal digits.",
            hint="See those of your keys with: gpg --list-secret-keys --with-subkey-fingerprint",
        )
    return f"{_GNUPG}{home}", find_key(plain, home)


def import_uri(uri: str) -> tuple[str, PublicKey]:
    """Return the URI, whole, and the public part of the key at *uri*, which is asked for it.

    Raises `UsageError`, `SigningError` and `MissingExtra`.
    """
    require_signing()
    scheme = uri.partition(":")[0].lower()
    if scheme not in _IMPORTS:
        raise UsageError(
            f"{scheme[:40]!a} is no place of keys that is known; these are: {', '.join(_IMPORTS)}.",
            hint="A key of GnuPG is added with --gpg FINGERPRINT, and a new one made with: "
            "poetry aegis key generate NAME",
        )
    try:
        whole, key = _IMPORTS[scheme](uri)
        return whole, public_key_of(key)
    except UsageError:
        raise
    except Exception as error:
        raise SigningError(f"{uri} does not give a key: {_first_line(error)}") from error


def _aws(uri: str) -> tuple[str, Key]:
    from securesystemslib.signer import AWSSigner

    return AWSSigner.import_(uri.partition(":")[2])


def _google(uri: str) -> tuple[str, Key]:
    from securesystemslib.signer import GCPSigner

    return GCPSigner.import_(uri.partition(":")[2].lstrip("/"))


def _azure(uri: str) -> tuple[str, Key]:
    from securesystemslib.signer import AzureSigner

    parts = urlsplit(uri)
    names = [part for part in parts.path.split("/") if part]
    if len(names) < 2 or names[0] != "keys":
        raise UsageError(
            "A key of Azure's has an address such as azurekms://VAULT.vault.azure.net/keys/NAME."
        )
    return AzureSigner.import_(parts.netloc.partition(".")[0], names[1])


def _token(uri: str) -> tuple[str, Key]:
    from securesystemslib.signer import HSMSigner

    parts = urlsplit(uri)
    label = parse_qs(parts.query).get("label", [None])[0]
    return HSMSigner.import_(int(parts.path) if parts.path else None, label)


def _vault(uri: str) -> tuple[str, Key]:
    from securesystemslib.signer import VaultSigner

    return VaultSigner.import_(uri.partition(":")[2].partition("/")[0])


_IMPORTS: dict[str, Callable[[str], tuple[str, Any]]] = {
    "awskms": _aws,
    "azurekms": _azure,
    "gcpkms": _google,
    "hsm": _token,
    "hv": _vault,
}


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
