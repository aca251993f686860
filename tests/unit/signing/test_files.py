"""Attestations beside a file, to which one after the other adds."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import SigningError
from poetry_aegis.signatures.attestation import dump_attestations, parse_attestations
from poetry_aegis.signatures.statement import Malformed
from poetry_aegis.signing.files import (
    attestation_file,
    attestations_of,
    keep_attestations,
    read_attestations,
    sign_beside,
)
from poetry_aegis.signing.signers import SigningKey
from tests.support.attestations import FOR_PUBLISHING
from tests.support.signing import TeamKey, new_key

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.signing.files import Signed

ADA, BOB = new_key("ada"), new_key("bob")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "acme-1.0-py3-none-any.whl"
    path.write_bytes(b"the wheel")
    return path


def sign(wheel: Path, who: TeamKey) -> Signed:
    key = SigningKey(who.name, who.public, who.signer)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return sign_beside(wheel, sha256, key, FOR_PUBLISHING)


def test_a_file_without_any_has_none(wheel: Path) -> None:
    assert read_attestations(wheel) == ()


def test_two_people_sign_one_after_the_other(wheel: Path) -> None:
    assert sign(wheel, ADA).anew
    done = sign(wheel, BOB)
    assert done.kept.name == "acme-1.0-py3-none-any.whl.publish.attestation"
    first, second = read_attestations(wheel)
    assert first.is_signed_by(ADA.public)
    assert second.is_signed_by(BOB.public)
    assert done.attestations == (first, second)


def test_who_has_signed_already_does_not_sign_again(wheel: Path) -> None:
    sign(wheel, ADA)
    before = attestation_file(wheel).read_bytes()
    again = sign(wheel, ADA)
    assert not again.anew
    assert attestation_file(wheel).read_bytes() == before


def test_what_was_signed_before_a_new_build_goes(wheel: Path) -> None:
    sign(wheel, ADA)
    wheel.write_bytes(b"built anew")
    done = sign(wheel, BOB)
    assert len(done.attestations) == 1
    assert read_attestations(wheel)[0].is_signed_by(BOB.public)


def test_a_single_object_is_read_and_added_to(wheel: Path) -> None:
    (document,) = json.loads(dump_attestations([ADA.sign_file(wheel)]))
    attestation_file(wheel).write_text(json.dumps(document, indent=2))
    sign(wheel, BOB)
    assert len(read_attestations(wheel)) == 2


def test_what_is_kept_is_what_an_upload_sends(wheel: Path) -> None:
    sign(wheel, ADA)
    assert parse_attestations(attestation_file(wheel).read_text()) == (ADA.sign_file(wheel),)


@pytest.mark.parametrize("content", [b"", b"[]", b"nonsense", b"\xff", b" " * ((1 << 20) + 1)])
def test_what_cannot_be_read_is_not_replaced(wheel: Path, content: bytes) -> None:
    kept = attestation_file(wheel)
    kept.write_bytes(content)
    with pytest.raises(Malformed):
        read_attestations(wheel)
    with pytest.raises(SigningError, match="cannot be read") as refused:
        sign(wheel, ADA)
    assert "sign again" in refused.value.hint
    assert kept.read_bytes() == content


@pytest.mark.skipif(os.name != "posix", reason="pipes with names are of POSIX")
def test_a_pipe_is_not_waited_for(wheel: Path) -> None:
    os.mkfifo(attestation_file(wheel))
    with pytest.raises(SigningError, match="no file of at most 1 MiB"):
        sign(wheel, ADA)


def test_there_is_an_end_to_signatures(wheel: Path) -> None:
    for number in range(16):
        sign(wheel, new_key(str(number)))
    with pytest.raises(SigningError, match="16 signatures, which is the most"):
        sign(wheel, ADA)
    assert len(read_attestations(wheel)) == 16


def test_nothing_is_left_where_it_cannot_be_written(wheel: Path) -> None:
    made = ADA.sign_file(wheel)
    gone = wheel.parent / "gone" / wheel.name
    with pytest.raises(SigningError, match="cannot be written"):
        keep_attestations(gone, [made])
    assert attestations_of(gone, "0" * 64) == ()
