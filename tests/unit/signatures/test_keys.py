"""Public keys: one key is one key, however it is spelled, and what is none is said."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.dsa import generate_private_key as generate_dsa
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from poetry_aegis.signatures.keys import PublicKey, Signature, public_key_of
from poetry_aegis.signatures.material import UnusableKey
from poetry_aegis.signatures.statement import make_statement
from tests.support.attestations import FOR_PUBLISHING
from tests.unit.signatures.conftest import WHEEL, Signatory

if TYPE_CHECKING:
    from collections.abc import Callable

ED25519 = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"  # RFC 8032, 7.1
FINGERPRINT = "0123456789abcdef0123456789abcdef01234567"


def ed25519(public: str = ED25519, **more: str) -> PublicKey:
    return PublicKey("ed25519", "ed25519", public, **more)


def test_a_key_is_what_it_was_when_it_has_been_written_down(signatory: Signatory) -> None:
    assert PublicKey(**asdict(signatory.public)) == signatory.public


def test_the_identifier_is_that_of_securesystemslib(signatory: Signatory) -> None:
    assert signatory.public.id == signatory.signer.public_key.keyid


def test_a_key_knows_its_own_signature_and_no_other(signatory: Signatory, eve: Signatory) -> None:
    statement = make_statement(WHEEL.file_name, WHEEL.sha256, FOR_PUBLISHING)
    own = signatory.sign_statement(statement)
    assert own.is_signed_by(signatory.public)
    assert not own.is_signed_by(eve.public)
    assert not replace(own, statement=statement + b" ").is_signed_by(signatory.public)


@pytest.mark.parametrize("spelled", [ED25519.upper(), f"  {ED25519}\n", f"\t{ED25519.upper()}\r\n"])
def test_hexadecimal_digits_may_be_spelled_otherwise(spelled: str) -> None:
    assert ed25519(spelled) == ed25519()
    assert ed25519(spelled).id == ed25519().id


def test_line_ends_and_indents_of_pem_make_no_other_key(
    signatories: Callable[[str], Signatory],
) -> None:
    key = signatories("ecdsa-256").public
    windows = key.public.replace("\n", "\r\n")
    indented = "".join(f"    {line}\n" for line in key.public.splitlines())
    assert replace(key, public=windows) == replace(key, public=indented) == key
    assert replace(key, public=windows).id == key.id


def test_another_encoding_of_a_key_is_the_same_one() -> None:
    public = generate_rsa(65537, 2048).public_key()
    first, second = (
        PublicKey("rsa", "rsassa-pss-sha256", public.public_bytes(Encoding.PEM, form).decode())
        for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1)
    )
    assert first == second


def test_a_key_of_two_schemes_has_one_identity(signatories: Callable[[str], Signatory]) -> None:
    key = signatories("rsa").public
    other = replace(key, scheme="rsa-pkcs1v15-sha512")
    assert other.id != key.id
    assert other.identity == key.identity


def test_a_key_is_the_same_in_gnupg_and_outside(signatories: Callable[[str], Signatory]) -> None:
    gnupg = signatories("gnupg-ed25519").public
    plain = ed25519(gnupg.public.removeprefix("q:"))
    assert plain.identity == gnupg.identity
    assert plain.id != gnupg.id


def test_a_fingerprint_may_be_spelled_as_gnupg_shows_it() -> None:
    shown = "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567"
    key = PublicKey("eddsa", "pgp+eddsa-ed25519", f"q:{ED25519}", shown)
    assert key.id == FINGERPRINT


@pytest.mark.parametrize(
    ("keytype", "scheme", "public", "fingerprint"),
    [
        ("ed25519", "ed25519", ED25519[:-2], ""),
        ("ed25519", "ed25519", ED25519 + "00", ""),
        ("ed25519", "ed25519", "z" * 64, ""),
        ("ed25519", "ed25519", "", ""),
        ("ed25519", "ed25519", ED25519, FINGERPRINT),
        ("ed25519", "ecdsa-sha2-nistp256", ED25519, ""),
        ("ecdsa", "ecdsa-sha2-nistp256", ED25519, ""),
        ("rsa", "rsassa-pss-sha256", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END", ""),
        ("sigstore-oidc", "Fulcio", ED25519, ""),
        ("\x1b[31m", "\n", ED25519, ""),
        ("eddsa", "pgp+eddsa-ed25519", f"q:{ED25519}", ""),
        ("eddsa", "pgp+eddsa-ed25519", f"q:{ED25519}", "abc"),
        ("eddsa", "pgp+eddsa-ed25519", f"q:{ED25519}ff", FINGERPRINT),
        ("eddsa", "pgp+eddsa-ed25519", f"q:{ED25519[2:]}", FINGERPRINT),
        ("eddsa", "pgp+eddsa-ed25519", f"x:{ED25519}", FINGERPRINT),
        ("eddsa", "pgp+eddsa-ed25519", ED25519, FINGERPRINT),
        ("rsa", "pgp+rsa-pkcsv1.5", "e:-1 n:ff", FINGERPRINT),
        ("rsa", "pgp+rsa-pkcsv1.5", "e:00 n:00", FINGERPRINT),
        ("dsa", "pgp+dsa-fips-180-2", "g:01 p:02 q:03 y:04", FINGERPRINT),
    ],
)
def test_what_is_no_key_is_said(keytype: str, scheme: str, public: str, fingerprint: str) -> None:
    with pytest.raises(UnusableKey) as refused:
        PublicKey(keytype, scheme, public, fingerprint)
    assert str(refused.value).isprintable()


def test_a_key_of_another_kind_than_it_says_is_refused(
    signatories: Callable[[str], Signatory],
) -> None:
    public = signatories("ecdsa-384").public.public
    for keytype, scheme in (
        ("ecdsa", "ecdsa-sha2-nistp256"),
        ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),  # as it was called once
        ("rsa", "rsassa-pss-sha256"),
    ):
        with pytest.raises(UnusableKey, match="kind ecdsa/ecdsa-sha2-nistp384"):
            PublicKey(keytype, scheme, public)


def test_a_weak_key_is_refused() -> None:
    public = generate_rsa(65537, 1024).public_key()  # noqa: S505 - that is the point
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(UnusableKey, match="1024 bits is too weak"):
        PublicKey("rsa", "rsassa-pss-sha256", pem)
    numbers = public.public_numbers()
    with pytest.raises(UnusableKey, match="1024 bits is too weak"):
        PublicKey("rsa", "pgp+rsa-pkcsv1.5", f"e:{numbers.e:06x} n:{numbers.n:x}", FINGERPRINT)


def test_a_dsa_key_of_gnupg_is_a_key() -> None:
    numbers = generate_dsa(2048).public_key().public_numbers()
    values = {"y": numbers.y} | {name: getattr(numbers.parameter_numbers, name) for name in "pqg"}
    public = " ".join(f"{name}:{value:x}" for name, value in values.items())
    assert PublicKey("dsa", "pgp+dsa-fips-180-2", public, FINGERPRINT).id == FINGERPRINT


def test_what_came_beside_a_signature_takes_no_part_in_it(ada: Signatory) -> None:
    """The library would take the signature itself from there."""
    made = ada.sign()
    assert made.signature is not None
    good = {"sig": made.signature.value.hex(), "keyid": ada.public.id}
    assert not ada.public.has_signed(made.statement, Signature(ada.public.id, bytes(64), good))


@settings(deadline=None)  # Keys are made on the way.
@given(value=st.binary(max_size=600), more=st.dictionaries(st.text(), st.text()))
def test_a_hostile_signature_is_none(
    signatories: Callable[[str], Signatory], value: bytes, more: dict[str, str]
) -> None:
    for kind in ("ed25519", "gnupg-rsa"):
        key = signatories(kind).public
        assert not key.has_signed(b"data", Signature(key.id, value, more))


def test_a_key_without_a_public_part_is_refused(ada: Signatory) -> None:
    key = ada.signer.public_key
    key = type(key).from_dict("id", {"keytype": "x", "scheme": "y", "keyval": {"public": "z"}})
    key.keyval = {}
    with pytest.raises(UnusableKey, match="without a public part"):
        public_key_of(key)
