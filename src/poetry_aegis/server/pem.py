"""Certificates and keys in PEM files: read with care, and looked at."""

from __future__ import annotations

import warnings
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.utils import CryptographyDeprecationWarning

from poetry_aegis.errors import CertificateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_MOST_BYTES = 1024 * 1024


def read_chain(path: Path) -> list[x509.Certificate]:
    """Return the certificates of *path*, at least one. Raises `CertificateError`."""
    try:
        with warnings.catch_warnings():
            # Old authorities in a system's bundle are not as one makes them today.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_pem_x509_certificates(_content(path))
    except ValueError as error:
        raise CertificateError(f"{path} holds no certificate in PEM.") from error


def read_key(path: Path) -> PrivateKeyTypes:
    """Return the private key of *path*. Raises `CertificateError`, which shows nothing of it."""
    try:
        return serialization.load_pem_private_key(_content(path), password=None)
    except TypeError as error:
        raise CertificateError(
            f"The key {path} is locked with a password, which a server cannot type."
        ) from error
    except (ValueError, UnsupportedAlgorithm):  # Their texts are the library's.
        raise CertificateError(f"{path} holds no private key in PEM.") from None


def pem_of_key(key: PrivateKeyTypes) -> bytes:
    """Return *key* in PEM, not locked."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pem_of(chain: Iterable[x509.Certificate]) -> bytes:
    """Return certificates in PEM, in the order given."""
    return b"".join(item.public_bytes(serialization.Encoding.PEM) for item in chain)


def belong_together(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    """Return whether *key* is the one that *certificate* is about."""
    return _public(certificate.public_key()) == _public(key.public_key())


def issued(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Return whether *authority* has signed *certificate*."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the host names and addresses that *certificate* is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def covers(names: Sequence[str], wanted: str) -> bool:
    """Return whether a certificate for *names* is good for *wanted*, a host name or address."""
    known = {name.lower() for name in names}
    try:
        return str(ip_address(wanted)) in known
    except ValueError:
        _, _, rest = wanted.partition(".")
        return wanted in known or f"*.{rest}" in known


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]  # every public key has it
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES)
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror or error}.") from error
