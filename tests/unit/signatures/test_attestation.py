"""Attestations as text: what is not one is refused, and nothing hostile comes through."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poetry_aegis.signatures.attestation import (
    MOST,
    dump_attestations,
    merged,
    parse_attestations,
    parse_provenance,
    signed_bytes,
)
from poetry_aegis.signatures.statement import Malformed, check_statement
from poetry_aegis.signatures.verdict import judge
from tests.support.attestations import attestation
from tests.unit.signatures.conftest import WHEEL, Signatory, trust

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)
KEYS = st.sampled_from(
    (
        *("version", "verification_material", "public_key", "hint", "other_headers", "envelope"),
        *("statement", "signature", "attestation_bundles", "attestations"),
    )
)
LIKELY: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([1, None, "", "QQ==", "AAAA", "x" * 300, [], {}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=30,
)


def document(ada: Signatory) -> dict[str, Any]:
    found = json.loads(dump_attestations([ada.sign()]))[0]
    assert isinstance(found, dict)
    return found


def test_what_is_signed_is_dsse(ada: Signatory) -> None:
    """Protocol.md of DSSE v1.0.2: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body."""
    assert signed_bytes(b"hello") == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"


def test_an_attestation_comes_back_as_it_was(signatory: Signatory) -> None:
    made = signatory.sign()
    (back,) = parse_attestations(dump_attestations([made]))
    assert back == made
    assert back.is_signed_by(signatory.public)


def test_a_single_object_is_read_too(ada: Signatory) -> None:
    assert parse_attestations(json.dumps(document(ada))) == (ada.sign(),)


def test_a_provenance_of_several_bundles_is_read_whole(ada: Signatory, bob: Signatory) -> None:
    bundles = [{"attestations": json.loads(dump_attestations([one.sign()]))} for one in (ada, bob)]
    text = json.dumps({"version": 1, "attestation_bundles": bundles})
    assert parse_provenance(text) == (ada.sign(), bob.sign())


def test_one_with_a_certificate_is_read_and_names_no_key() -> None:
    (read,) = parse_attestations(json.dumps(attestation(WHEEL.file_name, WHEEL.sha256)))
    assert read.signature is None


def test_merging_keeps_order_and_nothing_twice(ada: Signatory, bob: Signatory) -> None:
    one, two = ada.sign(), bob.sign()
    assert merged([one], [two, one], [two]) == (one, two)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "nonsense",
            "[]",
            "{}",
            "null",
            "1",
            '"a"',
            "[1]",
            "[[]]",
            "NaN",
            "\ufeff[]",
            "\udcff",
        ),
        *("[" * 100_000, '{"a":' * 100_000, "9" * 10_000, '[{"version": 1, "version": 1}]'),
    ],
)
def test_what_is_no_attestation_is_malformed(text: str) -> None:
    for parse in (parse_attestations, parse_provenance):
        with pytest.raises(Malformed):
            parse(text)


def test_more_than_there_may_be_are_malformed(ada: Signatory) -> None:
    one = document(ada)
    assert len(parse_attestations(json.dumps([one] * MOST))) == MOST
    with pytest.raises(Malformed, match="not 1 to 16"):
        parse_attestations(json.dumps([one] * (MOST + 1)))


@pytest.mark.parametrize("place", ["version", "statement", "hint"])
def test_a_key_that_stands_twice_is_malformed(ada: Signatory, place: str) -> None:
    """One reader would take the first, another the last."""
    text = dump_attestations([ada.sign()])
    start = text.index(f'"{place}":')
    end = text.index('"', start + len(place) + 4) if place != "version" else start + 10
    item = text[start : end + 1] if place != "version" else '"version":1'
    assert json.loads(text.replace(item, f"{item},{item}"))  # Python itself takes it.
    with pytest.raises(Malformed):
        parse_attestations(text.replace(item, f"{item},{item}"))


def test_a_key_that_stands_twice_in_a_statement_does_not_hold(ada: Signatory) -> None:
    statement = ada.sign().statement
    twice = statement.replace(b'"predicate":null', b'"predicate":null,"predicate":null')
    assert twice != statement
    with pytest.raises(Malformed, match="not JSON"):
        check_statement(twice, WHEEL.file_name, WHEEL.sha256)


def test_a_number_that_cannot_be_written_again_is_malformed(ada: Signatory) -> None:
    text = dump_attestations([ada.sign()]).replace('"version":1', '"version":1,"x":1e999')
    with pytest.raises(Malformed):
        parse_attestations(text)


@pytest.mark.parametrize("where", ["statement", "signature"])
def test_base64_has_one_spelling(ada: Signatory, where: str) -> None:
    """The last character of some has bits that say nothing."""
    one = document(ada)
    raw = base64.b64decode(one["envelope"][where])
    while len(raw) % 3 == 0:
        raw += b" "
    text = base64.b64encode(raw).decode()
    digits = text.rstrip("=")
    other = digits[:-1] + chr(ord(digits[-1]) + 1) + "=" * (len(text) - len(digits))
    assert base64.b64decode(other) == raw
    one["envelope"][where] = other
    with pytest.raises(Malformed, match="not base64 as it is written"):
        parse_attestations(json.dumps(one))


@given(text=st.text() | JSON.map(json.dumps) | LIKELY.map(json.dumps))
def test_nothing_but_malformed_comes_of_any_text(text: str) -> None:
    for parse in (parse_attestations, parse_provenance):
        try:
            found = parse(text)
        except Malformed:
            continue
        assert parse_attestations(dump_attestations(found)) == found


@given(data=st.data())
@settings(max_examples=200, deadline=None)  # A key is made on the way.
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "gnupg-ed25519"])
def test_no_envelope_with_a_changed_byte_verifies(
    signatories: Callable[[str], Signatory], kind: str, data: st.DataObject
) -> None:
    signatory = signatories(kind)
    original = MADE.setdefault(kind, dump_attestations([signatory.sign()])).encode()
    place = data.draw(st.integers(0, len(original) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != original[place]))
    changed = original[:place] + bytes([byte]) + original[place + 1 :]
    try:
        found = parse_attestations(changed.decode("utf-8"))
    except (Malformed, UnicodeDecodeError):
        return
    assert not judge(WHEEL, found, trust(signatory.trusted())).is_good


MADE: dict[str, str] = {}
