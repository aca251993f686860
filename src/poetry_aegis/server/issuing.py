"""The files of the local authority and the server's certificate, made and renewed.

The server's key is kept when its certificate is renewed, and a key is on the disk before the
certificate that is about it. So the two never disagree, whenever a reader looks or a machine stops.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from poetry_aegis import atomic
from poetry_aegis.errors import CertificateError
from poetry_aegis.server import authority as maker
from poetry_aegis.server import pem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography import x509

RENEWED_BEFORE = timedelta(days=30)

# An authority that ends before a server's certificate would is renewed with it.
_AUTHORITY_RENEWED_BEFORE = timedelta(days=maker.SERVER_DAYS)
_PRIVATE, _PUBLIC = 0o600, 0o644


def bring_up_to_date(folder: Path, names: Sequence[str], now: datetime) -> bool:
    """Make what is missing or out of date in *folder*; return whether anything was.

    The caller holds the server's lock. Raises `CertificateError` where the authority's key is
    wanted and is not there, and ``OSError`` where the folder cannot be written.
    """
    _close(folder)
    if _is_up_to_date(folder, names, now):
        return False
    authority, authority_key = _authority(folder, now)
    key = _server_key(folder)
    certificate = maker.server_certificate(authority, authority_key, key, names, now)
    chain = pem.pem_of((certificate, authority))
    atomic.write_bytes(folder / "server.crt", chain, mode=_PUBLIC)
    return True


def _is_up_to_date(folder: Path, names: Sequence[str], now: datetime) -> bool:
    authority = _first(folder / "ca.crt")
    certificate, key = _first(folder / "server.crt"), _key(folder / "server.key")
    if authority is None or certificate is None or key is None:
        return False
    # Without its key an authority cannot be renewed, and is used for as long as it can be.
    renewable = (folder / "ca.key").exists()
    return (
        (_is_fresh(authority, now, _AUTHORITY_RENEWED_BEFORE) or not renewable)
        and _is_fresh(certificate, now, RENEWED_BEFORE)
        and pem.belong_together(certificate, key)
        and pem.issued(authority, certificate)
        and set(pem.names_of(certificate)) == set(names)
    )


def _authority(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the authority and its key, both made where there is neither."""
    certificate_file, key_file = folder / "ca.crt", folder / "ca.key"
    certificate, key = _first(certificate_file), _key(key_file)
    if key is None:
        if certificate is not None or certificate_file.exists() or key_file.exists():
            raise _without_key(certificate_file, key_file)
        key = _new_key(key_file)
    if certificate is not None and not pem.belong_together(certificate, key):
        raise _without_key(certificate_file, key_file)
    if certificate is None or not _is_fresh(certificate, now, _AUTHORITY_RENEWED_BEFORE):
        certificate = maker.authority_certificate(key, now)
        atomic.write_bytes(certificate_file, pem.pem_of((certificate,)), mode=_PUBLIC)
    return certificate, key


def _server_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """Return the server's key, a new one where there is none."""
    certificate_file, key_file = folder / "server.crt", folder / "server.key"
    if (key := _key(key_file)) is not None:
        return key
    certificate_file.unlink(missing_ok=True)  # It is about another key.
    return _new_key(key_file)


def _new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = maker.new_key()
    atomic.write_bytes(path, pem.pem_of_key(key), mode=_PRIVATE)
    return key


def _is_fresh(certificate: x509.Certificate, now: datetime, spare: timedelta) -> bool:
    """Return whether *certificate* is good now and for *spare* more."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc - spare


def _first(path: Path) -> x509.Certificate | None:
    """Return the first certificate of *path*; ``None`` where there is none.

    A file that is there and cannot be opened is not one to write anew: raises `CertificateError`.
    """
    try:
        return pem.read_chain(path)[0]
    except CertificateError as error:
        _require_absent_or_damaged(error)
        return None


def _key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    """Return the key of *path*, as `_first` does; one of another kind is none of ours."""
    try:
        key = pem.read_key(path)
    except CertificateError as error:
        _require_absent_or_damaged(error)
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _require_absent_or_damaged(error: CertificateError) -> None:
    if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError):
        raise error


def _without_key(certificate_file: Path, key_file: Path) -> CertificateError:
    return CertificateError(
        f"{certificate_file} and {key_file} are not an authority and its key, so the server's "
        "certificate cannot be made.",
        hint="Restore both from a backup. Or delete both: then start makes another authority,\n"
        "which every client has to be given anew, with: poetry aegis server ca",
    )


def _close(folder: Path) -> None:
    """Make *folder*, and let nobody else see the keys in it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for name in ("ca.key", "server.key"):
        if (path := folder / name).exists():
            path.chmod(_PRIVATE)
