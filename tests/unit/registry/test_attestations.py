from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.attestations import provenance_of
from poetry_aegis.registry.errors import BadUpload
from tests.support.attestations import FOR_PUBLISHING, attestation, statement

FILE = "demo-1.0.0-py3-none-any.whl"
SHA256 = "a" * 64


def taken(*attestations: object) -> Any:
    return json.loads(provenance_of(json.dumps(list(attestations)), FILE, SHA256))


def refused(attestations: str, reason: str) -> None:
    with pytest.raises(BadUpload, match=reason) as caught:
        provenance_of(attestations, FILE, SHA256)
    assert re.match(f"(The attestations|An attestation) of {re.escape(FILE)} ", str(caught.value))
    assert str(caught.value).isprintable()


def test_attestations_become_a_provenance_file() -> None:
    first = attestation(FILE, SHA256)
    second = attestation(FILE, SHA256, predicateType="https://slsa.dev/provenance/v1")

    assert taken(first, second) == {
        "version": 1,
        "attestation_bundles": [
            {
                "publisher": {"kind": "poetry-aegis", "claims": {}},
                "attestations": [first, second],
            }
        ],
    }


@pytest.mark.parametrize("name", ["Demo-1.0.0-py3-none-any.whl", "demo-1.0-py3-none-any.whl"])
def test_the_file_may_be_spelled_in_another_way(name: str) -> None:
    about = attestation(name, SHA256)

    assert taken(about)["attestation_bundles"][0]["attestations"] == [about]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 2}, "of version 1"),
        ({"version": None}, "of version 1"),
        ({"verification_material": None}, "no verification_material"),
        ({"verification_material": []}, "no verification_material"),
        ({"envelope": None}, "no envelope"),
        ({"envelope": {}}, "no signature"),
        ({"envelope": {"signature": "c2ln"}}, "no statement"),
        ({"envelope": {"signature": "", "statement": "e30="}}, "an empty signature"),
        ({"envelope": {"signature": "c2ln", "statement": "?"}}, "statement that is not base64"),
        ({"envelope": {"signature": "c2ln", "statement": "/w=="}}, "statement is not JSON"),
        ({"envelope": {"signature": "c2ln", "statement": "W10="}}, "not an in-toto Statement v1"),
    ],
)
def test_an_attestation_of_another_shape_is_refused(changes: dict[str, Any], reason: str) -> None:
    refused(json.dumps([attestation(FILE, SHA256) | changes]), reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"_type": "https://in-toto.io/Statement/v0.1"}, "not an in-toto Statement v1"),
        ({"predicateType": "https://example.com/other/v1"}, "predicateType"),
        ({"predicateType": None}, "predicateType"),
        ({"predicateType": f"{FOR_PUBLISHING}/more"}, "predicateType"),
        ({"subject": []}, "single subject"),
        ({"subject": [{"name": FILE, "digest": {"sha256": SHA256}}] * 2}, "single subject"),
        ({"subject": [{"name": FILE, "digest": {"md5": "a"}}]}, "single subject"),
        ({"subject": [{"name": FILE, "digest": {"sha256": "b" * 64}}]}, "other content"),
        ({"subject": [{"name": "other", "digest": {"sha256": SHA256}}]}, "another file, 'other'"),
        (
            {"subject": [{"name": "demo-1.0.0-py2-none-any.whl", "digest": {"sha256": SHA256}}]},
            "another file",
        ),
        ({"subject": "demo"}, "single subject"),
    ],
)
def test_an_attestation_is_about_this_very_file(changes: dict[str, Any], reason: str) -> None:
    refused(json.dumps([attestation(FILE, SHA256, **changes)]), reason)


@pytest.mark.parametrize("attestations", ["[]", json.dumps([attestation(FILE, SHA256)] * 17)])
def test_attestations_are_a_few(attestations: str) -> None:
    refused(attestations, "they are not 1 to 16")


@pytest.mark.parametrize("attestations", ["{}", "1", "null", "[[]]"])
def test_other_values_are_no_attestations(attestations: str) -> None:
    refused(attestations, "not an attestation of version 1")


@pytest.mark.parametrize(
    "attestations",
    ["", "[", "nonsense", "[NaN]", "[" * 100_000, "9" * 10_000, '[{"version": 1, "version": 1}]'],
)
def test_what_is_not_json_is_refused(attestations: str) -> None:
    refused(attestations, "are not JSON")


def test_a_number_that_json_cannot_carry_on_is_refused() -> None:
    text = json.dumps([attestation(FILE, SHA256)]).replace('"n": 1', '"n": 1e999')

    assert "1e999" in text
    refused(text, "are not JSON")


def test_a_statement_in_which_a_key_stands_twice_is_refused() -> None:
    doubled = json.dumps(statement(FILE, SHA256))[:-1] + f', "_type": "{"x"}"}}'
    envelope = {"signature": "c2ln", "statement": base64.b64encode(doubled.encode()).decode()}

    refused(json.dumps([attestation(FILE, SHA256) | {"envelope": envelope}]), "not JSON")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["version", "envelope", "verification_material", "statement"]),
                inner,
            )
        ),
    )
)
def test_any_json_gives_a_sentence(value: object) -> None:
    with pytest.raises(BadUpload):
        provenance_of(json.dumps([value]), FILE, SHA256)
