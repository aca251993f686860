"""Attestations kept beside a file, as ``FILE.publish.attestation``: an asset of its release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.errors import SigningError
from poetry_aegis.publish.distributions import ATTESTATION
from poetry_aegis.signatures.attestation import (
    MOST,
    dump_kept,
    merged,
    parse_attestations,
)
from poetry_aegis.signatures.statement import Malformed, check_statement
from poetry_aegis.signing.signers import sign_distribution

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from poetry_aegis.signatures.attestation import Attestation
    from poetry_aegis.signatures.keys import PublicKey
    from poetry_aegis.signing.signers import SigningKey

_LARGEST = 1 << 20  # bytes; sixteen signatures take some ten thousand


def attestation_file(path: Path) -> Path:
    """Return where the attestations of the file at *path* are kept."""
    return path.with_name(f"{path.name}{ATTESTATION}")


def read_attestations(path: Path) -> tuple[Attestation, ...]:
    """Return the attestations kept beside the file at *path*; none where there is no such file.

    They may be anybody's, of anything. Raises `Malformed` and ``OSError``.
    """
    kept = attestation_file(path)
    if not kept.exists():
        return ()
    # Looked at first: a pipe would never end, nor would some devices.
    if not kept.is_file() or kept.stat().st_size > _LARGEST:
        raise Malformed("they are no file of at most 1 MiB")
    try:
        return parse_attestations(kept.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed("they are not UTF-8") from error


def attestations_of(path: Path, sha256: str) -> tuple[Attestation, ...]:
    """Return those beside the file at *path* that are about it, and about its content *sha256*.

    What was signed before the file was built anew is passed over. Raises `SigningError`.
    """
    try:
        found = read_attestations(path)
    except Malformed as error:
        raise SigningError(
            f"The attestations in {attestation_file(path)} cannot be read: {error}.",
            hint="Remove the file and sign again.",
        ) from error
    except OSError as error:
        raise SigningError(
            f"{attestation_file(path)} cannot be read: {error.strerror or error}."
        ) from error
    return tuple(one for one in found if _is_about(one, path.name, sha256))


@dataclass(frozen=True)
class Signed:
    """The attestations of a file after it was signed; not *anew* where the key had done so before.

    *kept* is the file that holds them.
    """

    attestations: tuple[Attestation, ...]
    kept: Path
    anew: bool


def sign_beside(path: Path, sha256: str, key: SigningKey, predicate_type: str) -> Signed:
    """Sign the file at *path*, of the digest *sha256* in hex, and keep it with what is there.

    So two people sign one after the other. Raises `SigningError`.
    """
    before = attestations_of(path, sha256)
    if is_signed(before, key.public):
        return Signed(before, attestation_file(path), anew=False)
    after = (*before, sign_distribution(path.name, sha256, key, predicate_type))
    return Signed(after, keep_attestations(path, after), anew=True)


def is_signed(attestations: Sequence[Attestation], key: PublicKey) -> bool:
    """Tell whether one of *attestations* is signed by *key*."""
    return any(attestation.is_signed_by(key) for attestation in attestations)


def keep_attestations(path: Path, attestations: Sequence[Attestation]) -> Path:
    """Keep *attestations* beside the file at *path*, in place of those there, and return where.

    Raises `SigningError`.
    """
    kept = attestation_file(path)
    several = merged(attestations)
    if len(several) > MOST:
        raise SigningError(f"{path.name} has {MOST} signatures, which is the most that it can.")
    try:
        atomic.write_text(kept, dump_kept(several) + "\n")
    except OSError as error:
        raise SigningError(f"{kept} cannot be written: {error.strerror or error}.") from error
    return kept


def _is_about(attestation: Attestation, file_name: str, sha256: str) -> bool:
    try:
        check_statement(attestation.statement, file_name, sha256)
    except Malformed:
        return False
    return True
