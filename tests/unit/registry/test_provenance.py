"""Attestations that come after others: nothing is lost, nothing is there twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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

FILE = "demo-1.0.0-py3-none-any.whl"
SHA256 = "a" * 64
PEOPLE = [Person(f"person-{number}") for number in range(20)]
SIGNED = [person.signs(FILE, SHA256) for person in PEOPLE]
OF_NOBODY = attestation(FILE, SHA256)


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
