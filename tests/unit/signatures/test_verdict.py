"""What a file is worth: each way in which it, or what is said of it, can be wrong."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.signatures.attestation import dump_attestations, parse_attestations
from poetry_aegis.signatures.statement import make_statement
from poetry_aegis.signatures.verdict import Finding, Subject, judge
from tests.support.attestations import FOR_PUBLISHING, attestation
from tests.unit.signatures.conftest import WHEEL, Signatory, trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.signatures.attestation import Attestation
    from poetry_aegis.signatures.trust import Trust

DAY = date(2026, 6, 1)


def found(attestations: list[Attestation], whom: Trust, subject: Subject = WHEEL) -> Finding:
    return judge(subject, attestations, whom, DAY).finding


def altered(made: Attestation, change: Callable[[dict[str, Any]], None]) -> Attestation:
    """Return *made* after somebody has changed its document, as it is read again."""
    (document,) = json.loads(dump_attestations([made]))
    change(document)
    (back,) = parse_attestations(json.dumps([document]))
    return back


def test_a_file_of_every_kind_of_key_is_verified(signatory: Signatory) -> None:
    verdict = judge(WHEEL, [signatory.sign()], trust(signatory.trusted()), DAY)
    assert verdict.is_good
    assert verdict.signers == ("key-0",)
    assert verdict.sentence == "Signed by key-0."


def test_a_file_without_attestations_is_unsigned(ada: Signatory) -> None:
    assert found([], trust(ada.trusted())) is Finding.UNSIGNED


def test_a_key_that_nobody_trusts_is_unknown(ada: Signatory, eve: Signatory) -> None:
    assert found([eve.sign()], trust(ada.trusted())) is Finding.UNKNOWN_KEY
    assert found([eve.sign()], trust()) is Finding.UNKNOWN_KEY


def test_what_names_no_key_is_unknown(ada: Signatory) -> None:
    text = json.dumps(attestation(WHEEL.file_name, WHEEL.sha256))
    assert found([*parse_attestations(text)], trust(ada.trusted())) is Finding.UNKNOWN_KEY


def test_a_signature_under_the_name_of_another_key_is_altered(
    ada: Signatory, eve: Signatory
) -> None:
    def pretend(document: dict[str, Any]) -> None:
        document["verification_material"]["public_key"]["hint"] = ada.public.id

    assert found([altered(eve.sign(), pretend)], trust(ada.trusted())) is Finding.ALTERED


def test_an_altered_signature_is_found(signatory: Signatory) -> None:
    def change(document: dict[str, Any]) -> None:
        raw = bytearray(base64.b64decode(document["envelope"]["signature"]))
        raw[len(raw) // 2] ^= 1
        document["envelope"]["signature"] = base64.b64encode(raw).decode()

    made = altered(signatory.sign(), change)
    assert found([made], trust(signatory.trusted())) is Finding.ALTERED


def test_an_altered_statement_is_found(signatory: Signatory) -> None:
    other = make_statement(WHEEL.file_name, "0" * 64, FOR_PUBLISHING)

    def change(document: dict[str, Any]) -> None:
        document["envelope"]["statement"] = base64.b64encode(other).decode()

    made = altered(signatory.sign(), change)
    swapped = replace(WHEEL, sha256="0" * 64)
    assert found([made], trust(signatory.trusted()), swapped) is Finding.ALTERED


def test_headers_of_openpgp_are_signed_too(signatories: Callable[[str], Signatory]) -> None:
    gnupg = signatories("gnupg-ed25519")

    def change(document: dict[str, Any]) -> None:
        key = document["verification_material"]["public_key"]
        last = int(key["other_headers"][-2:], 16)
        key["other_headers"] = f"{key['other_headers'][:-2]}{last ^ 1:02x}"

    def remove(document: dict[str, Any]) -> None:
        del document["verification_material"]["public_key"]["other_headers"]

    for how in (change, remove):
        assert found([altered(gnupg.sign(), how)], trust(gnupg.trusted())) is Finding.ALTERED


def test_a_swapped_file_is_found(ada: Signatory) -> None:
    swapped = replace(WHEEL, sha256="f" * 64)
    verdict = judge(swapped, [ada.sign()], trust(ada.trusted()), DAY)
    assert verdict.finding is Finding.ALTERED
    assert "its sha256 is not the file's" in verdict.sentence


@pytest.mark.parametrize(
    "name",
    [
        "acme_tool-1.1-py3-none-any.whl",
        "acme_tool-1.0-py2-none-any.whl",
        "acme_tools-1.0-py3-none-any.whl",
        "../acme_tool-1.0-py3-none-any.whl",
        "acme_tool-1.0.tar.gz",
        "x" * 500,
    ],
)
def test_a_replayed_signature_of_another_file_is_found(ada: Signatory, name: str) -> None:
    """Though the content may be the same, byte for byte."""
    other = replace(WHEEL, file_name=name)
    verdict = judge(WHEEL, [ada.sign(other)], trust(ada.trusted()), DAY)
    assert verdict.finding is Finding.ALTERED
    assert "about another file" in verdict.sentence


def test_another_spelling_of_the_file_name_is_the_same_file(ada: Signatory) -> None:
    other = replace(WHEEL, file_name="acme_tool-1.0.0-py3-none-any.whl")
    assert found([ada.sign(other)], trust(ada.trusted())) is Finding.VERIFIED


@pytest.mark.parametrize(
    "statement",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        make_statement(WHEEL.file_name, WHEEL.sha256, "https://index/attestations/other/v1"),
        make_statement(WHEEL.file_name, WHEEL.sha256, FOR_PUBLISHING).replace(b"v1", b"v0.1", 1),
        make_statement(WHEEL.file_name, WHEEL.sha256, FOR_PUBLISHING).replace(
            b'"subject":[', b'"subject":[{"name":"x","digest":{"sha256":"y"}},'
        ),
    ],
)
def test_a_true_signature_over_another_thing_does_not_count(
    ada: Signatory, statement: bytes
) -> None:
    """A key may sign in other places, too."""
    assert found([ada.sign_statement(statement)], trust(ada.trusted())) is Finding.ALTERED


def test_a_signature_over_the_bare_statement_does_not_count(ada: Signatory) -> None:
    made = ada.sign()
    bare = bytes.fromhex(ada.signer.sign(made.statement).signature)

    def change(document: dict[str, Any]) -> None:
        document["envelope"]["signature"] = base64.b64encode(bare).decode()

    assert found([altered(made, change)], trust(ada.trusted())) is Finding.ALTERED


def test_a_key_for_other_projects_does_not_count(ada: Signatory) -> None:
    verdict = judge(WHEEL, [ada.sign()], trust(ada.trusted(projects=("other-*",))), DAY)
    assert verdict.finding is Finding.UNKNOWN_KEY
    assert "not trusted for acme-tool" in verdict.sentence


def test_a_revoked_key_counts_for_nothing_whenever_it_signed(ada: Signatory) -> None:
    whom = trust(ada.trusted(revoked=DAY, reason="laptop stolen"))
    verdict = judge(WHEEL, [ada.sign()], whom, DAY)
    assert verdict.finding is Finding.REVOKED
    assert verdict.sentence == "The key key-0 was revoked: laptop stolen."
    assert judge(WHEEL, [ada.sign()], whom, date(2026, 5, 31)).is_good


def test_a_key_counts_from_its_first_day_to_its_last(ada: Signatory) -> None:
    whom = trust(ada.trusted(valid_from=date(2026, 5, 1), valid_until=date(2026, 6, 30)))
    findings = {
        day: judge(WHEEL, [ada.sign()], whom, day).finding
        for day in (date(2026, 4, 30), date(2026, 5, 1), date(2026, 6, 30), date(2026, 7, 1))
    }
    assert list(findings.values()) == [
        Finding.EXPIRED,
        Finding.VERIFIED,
        Finding.VERIFIED,
        Finding.EXPIRED,
    ]


def test_two_of_three_are_enough_and_one_is_not(
    ada: Signatory, bob: Signatory, eve: Signatory
) -> None:
    whom = trust(ada.trusted(), bob.trusted(), eve.trusted(), threshold=2)
    assert found([ada.sign(), eve.sign()], whom) is Finding.VERIFIED
    verdict = judge(WHEEL, [bob.sign()], whom, DAY)
    assert verdict.finding is Finding.TOO_FEW
    assert verdict.sentence == "Signed by key-1 alone; 2 signatures are wanted."


def test_one_key_that_signs_twice_is_one_signer(signatories: Callable[[str], Signatory]) -> None:
    """Of a kind whose signatures differ each time."""
    ecdsa = signatories("ecdsa-256")
    first, second = ecdsa.sign(), ecdsa.sign()
    assert first != second
    whom = trust(ecdsa.trusted(), threshold=2)
    assert found([first, second], whom) is Finding.TOO_FEW


def test_those_who_do_not_count_do_not_fill_the_threshold(
    ada: Signatory, bob: Signatory, eve: Signatory
) -> None:
    for other, finding in (
        (bob.trusted(revoked=DAY), Finding.REVOKED),
        (bob.trusted(valid_until=date(2026, 1, 1)), Finding.EXPIRED),
        (bob.trusted(projects=("other",)), Finding.TOO_FEW),
    ):
        whom = trust(ada.trusted(), other, threshold=2)
        assert found([ada.sign(), bob.sign()], whom) is finding
    assert found([ada.sign(), eve.sign()], trust(ada.trusted(), threshold=2)) is Finding.TOO_FEW


def test_what_does_not_count_does_no_harm_where_enough_does(
    ada: Signatory, bob: Signatory, eve: Signatory
) -> None:
    whom = trust(ada.trusted(), bob.trusted(revoked=DAY))
    other = replace(WHEEL, sha256="f" * 64)
    attestations = [eve.sign(), bob.sign(), ada.sign(other), ada.sign()]
    assert found(attestations, whom) is Finding.VERIFIED


def test_the_worst_is_said_where_nothing_counts(ada: Signatory, bob: Signatory) -> None:
    whom = trust(ada.trusted(revoked=DAY), bob.trusted(valid_until=date(2026, 1, 1)))
    assert found([bob.sign(), ada.sign()], whom) is Finding.REVOKED


def test_today_is_taken_where_no_day_is_named(ada: Signatory) -> None:
    assert judge(WHEEL, [ada.sign()], trust(ada.trusted(valid_from=date(2020, 1, 1)))).is_good
    assert not judge(WHEEL, [ada.sign()], trust(ada.trusted(valid_from=date(9000, 1, 1)))).is_good


def test_a_hostile_key_identifier_is_shown_harmless(ada: Signatory) -> None:
    def change(document: dict[str, Any]) -> None:
        document["verification_material"]["public_key"]["hint"] = "\x1b[2J\ud800<error>"

    verdict = judge(WHEEL, [altered(ada.sign(), change)], trust(ada.trusted()), DAY)
    assert verdict.finding is Finding.UNKNOWN_KEY
    assert verdict.sentence.isprintable()
