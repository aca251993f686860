"""Private keys as text: as OpenSSH writes them, and as others do."""

from __future__ import annotations

import base64
import contextlib
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from poetry_aegis.errors import SigningError, WrongPassphrase
from poetry_aegis.signing.private import (
    ROUNDS,
    decrypt,
    encrypt,
    generate,
    is_encrypted,
    public_part,
)
from tests.support.needs import needs_program
from tests.support.signing import open_quickly
from tests.unit.signing.conftest import PASSPHRASE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

WHOSE = "the key"
PLAIN = Ed25519PrivateKey.generate().private_bytes(
    Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
)


def ask(_: str) -> str:
    return PASSPHRASE


def nobody(question: str) -> None:
    raise AssertionError(question)


def strings(data: bytes) -> list[bytes]:
    """Return the strings that *data* begins with, as SSH writes them."""
    found: list[bytes] = []
    while len(data) >= 4 and len(found) < 3:
        (length,) = struct.unpack(">I", data[:4])
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found


def test_a_guess_costs_what_opening_costs() -> None:
    """Half a second: OpenSSH's own file says how many rounds."""
    lines = encrypt(generate()[0], PASSPHRASE).decode().splitlines()
    content = base64.b64decode("".join(lines[1:-1])).removeprefix(b"openssh-key-v1\0")
    cipher, derivation, options = strings(content)
    assert (cipher, derivation) == (b"aes256-ctr", b"bcrypt")
    assert struct.unpack(">I", options[-4:]) == (ROUNDS,)
    assert ROUNDS >= 64


@pytest.mark.parametrize(
    "make",
    [
        Ed25519PrivateKey.generate,
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: rsa.generate_private_key(65537, 2048),
    ],
    ids=["ed25519", "ecdsa", "rsa"],
)
@pytest.mark.parametrize("passphrase", [PASSPHRASE, "암호는 길어야 한다", "x" * 1000, "nul \0 nul"])
def test_what_was_encrypted_is_opened(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], PrivateKeyTypes], passphrase: str
) -> None:
    open_quickly(monkeypatch)
    private = make()
    pem = encrypt(private, passphrase)
    opened = decrypt(pem, lambda _: passphrase, whose=WHOSE)
    assert public_part(opened) == public_part(private)
    assert is_encrypted(pem)
    with pytest.raises(WrongPassphrase):
        decrypt(pem, lambda _: f"{passphrase}.", whose=WHOSE)


def test_ssh_changes_the_passphrase_of_an_ordinary_file(tmp_path: Path) -> None:
    private, public = generate()
    file = tmp_path / "ada.key"
    file.write_bytes(encrypt(private, PASSPHRASE))
    file.chmod(0o600)  # It refuses what others may read.
    command = [needs_program("ssh-keygen"), "-p", "-f", str(file), "-P", PASSPHRASE]
    subprocess.run([*command, "-N", "another one", "-a", "2"], capture_output=True, check=True)
    opened = decrypt(file.read_bytes(), lambda _: "another one", whose=WHOSE)
    assert public_part(opened) == public
    with pytest.raises(WrongPassphrase):
        decrypt(file.read_bytes(), ask, whose=WHOSE)


@pytest.mark.parametrize("cipher", ["aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com"])
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_that_ssh_has_made_is_opened(tmp_path: Path, kind: str, cipher: str) -> None:
    file = tmp_path / "made"
    command = [needs_program("ssh-keygen"), "-q", "-t", kind, "-f", str(file)]
    subprocess.run([*command, "-Z", cipher, "-a", "2", "-N", PASSPHRASE], check=True)
    assert public_part(decrypt(file.read_bytes(), ask, whose=WHOSE)).keytype == kind
    with pytest.raises(WrongPassphrase, match="does not open the key") as refused:
        decrypt(file.read_bytes(), lambda _: "wrong and secret", whose=WHOSE)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("cipher", ["aes-256-cbc", "aes-128-cbc"])
def test_a_key_that_openssl_has_made_is_opened(tmp_path: Path, cipher: str) -> None:
    file = tmp_path / "made"
    command = [needs_program("openssl"), "genpkey", "-algorithm", "ed25519", f"-{cipher}"]
    command += ["-pass", f"pass:{PASSPHRASE}", "-out", str(file)]
    subprocess.run(command, capture_output=True, check=True)
    assert file.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert public_part(decrypt(file.read_bytes(), ask, whose=WHOSE)).keytype == "ed25519"
    with pytest.raises(WrongPassphrase):
        decrypt(file.read_bytes(), lambda _: "wrong and secret", whose=WHOSE)


def test_a_key_that_ssh_has_encrypted_otherwise_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "made"
    command = [needs_program("ssh-keygen"), "-q", "-t", "ed25519", "-f", str(file)]
    command += ["-Z", "chacha20-poly1305@openssh.com", "-N", PASSPHRASE]
    subprocess.run(command, check=True)
    with pytest.raises(SigningError, match="The key is of a kind that is not known"):
        decrypt(file.read_bytes(), ask, whose=WHOSE)


def test_what_is_not_encrypted_asks_for_nothing() -> None:
    assert not is_encrypted(PLAIN)
    decrypt(PLAIN, nobody, whose=WHOSE)


@settings(max_examples=300)
@given(st.integers(0, len(PLAIN) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_key_is_opened_or_refused_in_a_sentence(place: int, damage: bytes) -> None:
    bent = PLAIN[:place] + damage + PLAIN[place + len(damage) :]
    with contextlib.suppress(SigningError):
        decrypt(bent, ask, whose=WHOSE)


@settings(max_examples=300)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=6))
def test_what_is_damaged_within_is_opened_or_refused_in_a_sentence(
    place: int, damage: bytes
) -> None:
    first, *body, last = PLAIN.splitlines()
    content = base64.b64decode(b"".join(body))
    bent = content[:place] + damage + content[place + len(damage) :]
    with contextlib.suppress(SigningError):
        decrypt(b"\n".join([first, base64.b64encode(bent), last]), ask, whose=WHOSE)
