"""Public keys out of GnuPG, by their fingerprint, those of subkeys, too.

Read here and not by securesystemslib, which loses the subkeys of ed25519 keys: it checks what binds
them, and takes the length of a short packet for part of it. GnuPG has checked that already, and the
fingerprint that is asked for is a digest of the very key.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

from poetry_aegis.errors import NoSigningKey, SigningError
from poetry_aegis.signatures.keys import PublicKey
from poetry_aegis.signatures.material import UnusableKey

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 30.0  # seconds
_KEYS = {6, 14}  # the packets of a key and of a subkey (RFC 4880, 4.3)
_RSA, _RSA_SIGN_ONLY, _DSA, _EDDSA = 1, 3, 17, 22  # RFC 4880, 9.1, and RFC 9580
_ED25519 = bytes.fromhex("092b06010401da470f01")  # its object identifier, with the length
_POINT = 0x40  # stands before a point in its own coding


def find_key(fingerprint: str, home: str = "") -> PublicKey:
    """Return the key with the *fingerprint*, in lower-case hex, in GnuPG's folder *home*.

    Without *home* it is the user's. Raises `NoSigningKey`, and `SigningError` where GnuPG cannot be
    asked, or the key is of a kind that cannot be used.
    """
    for body in _key_packets(_export(fingerprint, home)):
        # RFC 4880, 12.2
        digest = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False)
        if digest.hexdigest() == fingerprint:
            return _read(body, fingerprint)
    raise NoSigningKey(
        f"GnuPG has no key {fingerprint}.",
        hint="See its keys with: gpg --list-secret-keys --with-subkey-fingerprint",
    )


def _export(fingerprint: str, home: str) -> bytes:
    where = ["--homedir", home] if home else []
    command = [*_program(), *where, "--batch", "--export", fingerprint]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SigningError(f"GnuPG cannot be asked for the key: {error}.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SigningError(f"GnuPG does not give the key: {said[-1] if said else 'it failed'}")
    return done.stdout


def _program() -> list[str]:
    """Return the command that securesystemslib signs with, too."""
    if named := os.environ.get("GNUPG"):
        return shlex.split(named)
    found = shutil.which("gpg2") or shutil.which("gpg")
    if found is None:
        raise SigningError("There is no gpg on PATH.", hint="Install GnuPG 2.1 or later.")
    return [found]


def _key_packets(data: bytes) -> Iterator[bytes]:
    """Yield the bodies of the keys in *data*, a sequence of packets (RFC 4880, 4.2)."""
    place = 0
    while place < len(data):
        tag = data[place]
        if tag & 0x40:
            kind, (length, place) = tag & 0x3F, _new_length(data, place + 1)
        else:
            kind, size = (tag & 0x3C) >> 2, 1 << (tag & 3)
            length = int.from_bytes(data[place + 1 : place + 1 + size], "big")
            place += 1 + size
        if kind in _KEYS:
            yield data[place : place + length]
        place += length


def _new_length(data: bytes, place: int) -> tuple[int, int]:
    """Return the length that is written at *place* in the newer way, and the place behind it."""
    first = data[place] if place < len(data) else 0
    if first < 192:
        return first, place + 1
    if first < 224:
        return ((first - 192) << 8) + int.from_bytes(data[place + 1 : place + 2], "big") + 192, (
            place + 2
        )
    return int.from_bytes(data[place + 1 : place + 5], "big"), place + 5


def _read(body: bytes, fingerprint: str) -> PublicKey:
    """Return the key in *body* (RFC 4880, 5.5.2). Raises `SigningError`."""
    algorithm, rest = body[5], body[6:]
    try:
        if algorithm in {_RSA, _RSA_SIGN_ONLY}:
            return _key("rsa", "pgp+rsa-pkcsv1.5", _numbers(rest, "ne"), fingerprint)
        if algorithm == _DSA:
            return _key("dsa", "pgp+dsa-fips-180-2", _numbers(rest, "pqgy"), fingerprint)
        if algorithm == _EDDSA and rest.startswith(_ED25519):
            point = _numbers(rest[len(_ED25519) :], "q")["q"]
            if point[0] == _POINT:
                return _key("eddsa", "pgp+eddsa-ed25519", {"q": point[1:]}, fingerprint)
    except (UnusableKey, IndexError) as error:
        raise SigningError(f"The key {fingerprint} cannot be used: {error}") from error
    raise SigningError(
        f"The key {fingerprint} is of a kind that cannot be used.",
        hint="RSA, DSA and ed25519 can be.",
    )


def _numbers(data: bytes, names: str) -> dict[str, bytes]:
    """Return the numbers in *data* by their *names*: each has its length in bits before it."""
    found, place = {}, 0
    for name in names:
        size = (int.from_bytes(data[place : place + 2], "big") + 7) // 8
        found[name] = data[place + 2 : place + 2 + size]
        place += 2 + size
    return found


def _key(keytype: str, scheme: str, numbers: dict[str, bytes], fingerprint: str) -> PublicKey:
    public = " ".join(f"{name}:{value.hex()}" for name, value in numbers.items())
    return PublicKey(keytype, scheme, public, fingerprint)
