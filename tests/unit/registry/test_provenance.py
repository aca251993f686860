"""Attestations that come after others: nothing is lost, nothing is there twice."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from poetry_aegis.registry.attestations import (
    attestations_in,
    is_about,
    provenance_of,
    with_more,
)
from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.signatures.attestation import MOST
from tests.support.attestations import attestation
from tests.unit.registry.signed import Person

if TYPE_CHECKING:
    from poetry_aegis.signatures.attestation import Attestation

FILE = "demo-1.0.0-py3-none-any.whl"
SHA256 = "a" * 64
PEOPLE = [Person(f"person-{number}") for number in range(20)]
SIGNED = [person.signs(FILE, SHA256) for person in PEOPLE]
OF_NOBODY = attestation(FILE, SHA256)
ECDSA = Person("ecdsa", CryptoSigner.generate_ecdsa())  # It signs otherwise each time.
AGAIN = [ECDSA.signs(FILE, SHA256) for _ in range(6)]


def provenance(*attestations: object) -> bytes:
    return provenance_of(json.dumps(list(attestations)), FILE, SHA256)


def documents(content: bytes | None) -> list[Any]:
    return [dict(one.document) for one in attestations_in(content)]


some = st.lists(st.sampled_from([*SIGNED, OF_NOBODY]), max_size=10)


@given(st.lists(some, min_size=1, max_size=4))
def test_what_came_first_stays_and_what_is_new_comes_after_it(uploads: list[list[Any]]) -> None:
    held: bytes | None = None
    expected: list[Any] = []
    for given_ones in uploads:
        more = [one for place, one in enumerate(given_ones) if one not in given_ones[:place]]
        more = [one for one in more if one not in expected]
        upload = provenance(*given_ones) if given_ones else None
        if len(expected) + len(more) > MOST:
            with pytest.raises(BadUpload, match=f"and may have {MOST}"):
                with_more(held, upload)
            return
        before, held = held, with_more(held, upload)
        expected += more
        assert documents(held) == expected
        assert (held == before) == (not more)


@given(some.filter(bool), some.filter(bool))
def test_the_same_again_changes_no_byte(first: list[Any], second: list[Any]) -> None:
    held = with_more(provenance(*first), provenance(*second))

    assert with_more(held, provenance(*first)) == held
    assert with_more(held, provenance(*second)) == held
    assert with_more(held, None) == held


def test_a_signature_repeated_under_another_name_does_not_take_the_place_of_the_true_one() -> None:
    true = PEOPLE[0].signs(FILE, SHA256)
    stolen = {**true, "verification_material": {"public_key": {"hint": PEOPLE[1].key.id}}}

    held = with_more(provenance(true), provenance(stolen))

    assert documents(held) == [true, stolen]
    assert documents(with_more(provenance(stolen), provenance(true))) == [stolen, true]


def test_what_another_index_says_stays_beside_it() -> None:
    publisher = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml"}
    theirs = {"publisher": publisher, "attestations": [OF_NOBODY]}
    present = json.dumps({"version": 1, "attestation_bundles": [theirs]}).encode()

    held = with_more(present, provenance(SIGNED[0], OF_NOBODY))
    held = with_more(held, provenance(SIGNED[1]))

    assert held is not None
    bundles = json.loads(held)["attestation_bundles"]
    assert bundles[0] == theirs
    assert [bundle["attestations"] for bundle in bundles[1:]] == [SIGNED[:2]]


@pytest.mark.parametrize("damaged", [b"", b"{}", b"\xff", b"[", b'{"attestation_bundles": [1]}'])
def test_what_cannot_be_read_gives_way(damaged: bytes) -> None:
    assert attestations_in(damaged) == ()
    assert with_more(damaged, provenance(SIGNED[0])) == provenance(SIGNED[0])
    assert with_more(damaged, None) == damaged
    assert not is_about(damaged, FILE, SHA256)


def test_a_provenance_is_about_one_file() -> None:
    held = provenance(SIGNED[0])

    assert is_about(held, FILE, SHA256)
    assert not is_about(held, FILE, "b" * 64)
    assert not is_about(held, "demo-2.0.0-py3-none-any.whl", SHA256)


def false(person: Person, number: int) -> dict[str, Any]:
    """Return an attestation that bears the name of *person*, who has not made it."""
    true = person.signs(FILE, SHA256)
    signature = base64.b64encode(b"no signature %d" % number).decode()
    return {**true, "envelope": {**true["envelope"], "signature": signature}}


def is_true(one: Attestation) -> bool:
    return any(one.is_signed_by(person.key) for person in (*PEOPLE, ECDSA))


def test_a_key_that_signs_again_and_again_has_two_places_where_nobody_can_verify() -> None:
    held: bytes | None = None
    for one in AGAIN:
        held = with_more(held, provenance(one))

    assert documents(held) == [AGAIN[0], AGAIN[-1]]
    assert documents(with_more(None, provenance(*AGAIN))) == [AGAIN[0], AGAIN[-1]]


def test_nobody_can_keep_a_key_out_by_its_name_or_push_it_out() -> None:
    true, lie = ECDSA.signs(FILE, SHA256), false(ECDSA, 1)

    kept_in = provenance(true)
    for number in range(4):
        kept_in = with_more(kept_in, provenance(false(ECDSA, number))) or b""
    let_in = with_more(provenance(lie), provenance(true))

    assert true in documents(kept_in)
    assert true in documents(let_in)


def test_a_key_tells_of_publishing_and_of_building() -> None:
    built = attestation(FILE, SHA256, predicateType="https://slsa.dev/provenance/v1")
    material = {"public_key": {"hint": ECDSA.key.id}}
    built = {**built, "verification_material": material}

    held = with_more(provenance(AGAIN[0]), provenance(built))
    held = with_more(held, provenance(AGAIN[1]))

    assert documents(held) == [AGAIN[0], built, AGAIN[1]]


def test_what_verifies_is_the_only_one_of_its_key() -> None:
    held = with_more(None, provenance(AGAIN[0]), is_true)
    assert with_more(held, provenance(AGAIN[1]), is_true) == held
    assert with_more(held, provenance(false(ECDSA, 1)), is_true) == held

    squatted = provenance(false(ECDSA, 1), false(ECDSA, 2), SIGNED[0])
    assert documents(with_more(squatted, provenance(AGAIN[0]), is_true)) == [SIGNED[0], AGAIN[0]]


def test_what_verifies_finds_a_place_where_others_have_filled_them() -> None:
    filled = provenance(*(false(person, 1) for person in PEOPLE[: MOST - 1]), SIGNED[MOST - 1])

    held = with_more(filled, provenance(SIGNED[18], SIGNED[19]), is_true)

    found = documents(held)
    assert len(found) == MOST
    assert found[-3:] == [SIGNED[MOST - 1], SIGNED[18], SIGNED[19]]
    assert found[:-3] == documents(filled)[: MOST - 3]  # Those that came last gave way.
    with pytest.raises(BadUpload, match=f"has {MOST} attestations"):
        with_more(held, provenance(false(PEOPLE[17], 1)), is_true)
    with pytest.raises(BadUpload, match=f"has {MOST} attestations"):
        with_more(held, provenance(SIGNED[17], false(PEOPLE[16], 1)), is_true)


def test_what_verifies_gives_way_to_nothing() -> None:
    full = provenance(*SIGNED[:MOST])

    with pytest.raises(BadUpload, match=f"has {MOST} attestations"):
        with_more(full, provenance(SIGNED[MOST]), is_true)


def test_what_makes_room_leaves_the_bundle_of_its_index() -> None:
    theirs = {"publisher": {"kind": "GitHub"}, "attestations": [OF_NOBODY]}
    ours = json.loads(provenance(*(false(person, 1) for person in PEOPLE[: MOST - 1])))
    bundles = [*ours["attestation_bundles"], theirs]
    present = json.dumps({"version": 1, "attestation_bundles": bundles}).encode()

    held = with_more(present, provenance(SIGNED[19]), is_true)

    assert held is not None
    (left,) = json.loads(held)["attestation_bundles"]
    assert left["attestations"] == [*ours["attestation_bundles"][0]["attestations"], SIGNED[19]]


any_of_them = st.sampled_from(
    [*SIGNED[:4], *AGAIN, OF_NOBODY, *(false(ECDSA, n) for n in range(3)), false(PEOPLE[0], 1)]
)
an_upload = st.lists(any_of_them, min_size=1, max_size=10)


@given(st.lists(an_upload, min_size=1, max_size=5), st.booleans())
def test_the_same_upload_twice_changes_nothing_the_second_time(
    uploads: list[list[Any]], trusted: bool
) -> None:
    held: bytes | None = None
    for upload in uploads:
        verifies = {"verifies": is_true} if trusted else {}
        before = documents(held)
        held = with_more(held, provenance(*upload), **verifies)
        assert with_more(held, provenance(*upload), **verifies) == held
        assert with_more(held, None, **verifies) == held
        if trusted:
            true = [one for one in before if one in (*SIGNED, *AGAIN)]
            assert all(one in documents(held) for one in true)
