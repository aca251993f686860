"""Public keys as GnuPG exports them, and what else might come from a program of that name."""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import NoSigningKey, SigningError
from poetry_aegis.signing.openpgp import _ED25519, _key_packets, find_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POINT = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
ED25519 = b"\x04\x00\x00\x00\x01\x16" + _ED25519 + (263).to_bytes(2, "big") + b"\x40" + POINT


def fingerprint(body: bytes) -> str:
    return hashlib.sha1(  # noqa: S324 - RFC 4880 has it so
        b"\x99" + len(body).to_bytes(2, "big") + body
    ).hexdigest()


@pytest.fixture
def exporting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Return what makes a program in the place of GnuPG export some bytes."""

    def export(data: bytes, code: int = 0) -> None:
        (tmp_path / "data").write_bytes(data)
        script = tmp_path / "gnu pg.py"
        script.write_text(
            "import pathlib, sys\n"
            f"sys.stdout.buffer.write(pathlib.Path({str(tmp_path / 'data')!r}).read_bytes())\n"
            f"print('first', 'gpg: no luck', sep='\\n', file=sys.stderr)\nsys.exit({code})\n"
        )
        monkeypatch.setenv("GNUPG", shlex.join([sys.executable, str(script)]))

    return export


LENGTHS = {
    "old, one byte": b"\x98" + bytes([len(ED25519)]),
    "old, two bytes": b"\x99" + len(ED25519).to_bytes(2, "big"),
    "old, four bytes": b"\x9a" + len(ED25519).to_bytes(4, "big"),
    "old, a subkey": b"\xb8" + bytes([len(ED25519)]),
    "new, one byte": b"\xc6" + bytes([len(ED25519)]),
    "new, five bytes": b"\xce\xff" + len(ED25519).to_bytes(4, "big"),
    "behind another packet": b"\xcd\xc0\x08" + b"u" * 200 + b"\xc6" + bytes([len(ED25519)]),
}


@pytest.mark.parametrize("header", LENGTHS.values(), ids=list(LENGTHS))
def test_a_key_is_found_however_its_packet_is_written(
    exporting: Callable[[bytes], None], header: bytes
) -> None:
    exporting(header + ED25519)
    found = find_key(fingerprint(ED25519))
    assert (found.keytype, found.public) == ("eddsa", f"q:{POINT.hex()}")


def test_another_key_than_the_one_asked_for_is_none(exporting: Callable[[bytes], None]) -> None:
    exporting(LENGTHS["new, one byte"] + ED25519)
    with pytest.raises(NoSigningKey, match="GnuPG has no key 000"):
        find_key("0" * 40)


@pytest.mark.parametrize(
    "body",
    [
        ED25519[:-1],
        ED25519[:-33] + b"\x41" + POINT,
        ED25519[:5] + b"\x13" + ED25519[6:],  # ECDSA
        ED25519[:5] + b"\x01",
        ED25519[:5] + b"\x01" + b"\x00\x08\xff\x00\x02\x03",
        ED25519[:17],
    ],
    ids=["cut short", "another point", "another kind", "nothing", "RSA of nothing", "no point"],
)
def test_a_key_that_cannot_be_used_is_said(exporting: Callable[[bytes], None], body: bytes) -> None:
    exporting(b"\x99" + len(body).to_bytes(2, "big") + body)
    with pytest.raises(SigningError, match="cannot be used"):
        find_key(fingerprint(body))


def test_what_gnupg_says_is_said(exporting: Callable[..., None]) -> None:
    exporting(b"", code=2)
    with pytest.raises(SigningError, match="does not give the key: gpg: no luck"):
        find_key("0" * 40)


def test_without_gnupg_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GNUPG", str(tmp_path / "missing"))
    with pytest.raises(SigningError, match="cannot be asked"):
        find_key("0" * 40)
    monkeypatch.delenv("GNUPG")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SigningError, match="no gpg on PATH"):
        find_key("0" * 40)


@given(st.binary(max_size=300) | st.binary(max_size=9).map(lambda start: start + os.urandom(200)))
def test_any_bytes_have_an_end(data: bytes) -> None:
    assert sum(map(len, _key_packets(data))) <= len(data)
