from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.attestations import attestations_in, provenance_of
from poetry_aegis.registry.errors import BadAttestations, InvalidSettings, NotSigned, Unavailable
from poetry_aegis.registry.names import parse_file_name
from poetry_aegis.registry.options import SignatureSettings
from poetry_aegis.registry.signers import Signers, load_trust
from poetry_aegis.signatures.verdict import Finding, Subject
from tests.support.attestations import attestation
from tests.unit.registry.signed import Person, trust

if TYPE_CHECKING:
    from pathlib import Path

NAME = parse_file_name("acme_core-1.0-py3-none-any.whl")
SHA256 = "a" * 64
ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")


@pytest.fixture
def trust_file(tmp_path: Path) -> Path:
    return tmp_path / "trust.toml"


def signers(trust_file: Path, text: str, *required: str) -> Signers:
    trust_file.write_text(text, encoding="utf-8")
    return Signers.of(SignatureSettings(required or ("acme-*",), str(trust_file)))


def by(*people: Person) -> bytes:
    found = [person.signs(NAME.file_name, SHA256) for person in people]
    return provenance_of(json.dumps(found), NAME.file_name, SHA256)


def day(days: int) -> str:
    return (datetime.now(timezone.utc).date() + timedelta(days=days)).isoformat()


def test_who_has_to_sign_lets_a_file_in(trust_file: Path) -> None:
    asked = signers(trust_file, trust(ADA.trusted(), BOB.trusted(), threshold=2))

    asked.admit(NAME, SHA256, None, by(ADA, BOB))
    asked.admit(NAME, SHA256, by(EVE, BOB, ADA), None)  # what is there already may stay
    assert asked.account(NAME, SHA256, by(ADA, BOB)) == "Signed by ada, bob."


@pytest.mark.parametrize(
    ("people", "found"),
    [
        ((), "It is not signed."),
        ((ADA,), "Signed by ada alone; 2 signatures are wanted."),
        ((EVE,), "It is signed by an unknown key"),
    ],
)
def test_without_them_it_is_said_who_must_sign(
    trust_file: Path, people: tuple[Person, ...], found: str
) -> None:
    asked = signers(trust_file, trust(ADA.trusted(), BOB.trusted(), threshold=2))

    with pytest.raises(NotSigned) as refusal:
        asked.admit(NAME, SHA256, None, by(*people) if people else None)

    said = str(refusal.value)
    assert said.startswith("acme-core 1.0 must be signed by 2 of ada, bob. ")
    assert found in said
    assert refusal.value.status == 400


def test_only_keys_that_count_are_named(trust_file: Path) -> None:
    tables = [
        ADA.trusted(),
        BOB.trusted(f"revoked = {day(0)}"),
        EVE.trusted(f"valid_until = {day(-1)}"),
        Person("new").trusted(f"valid_from = {day(1)}"),
        Person("other").trusted('projects = ["other-*"]'),
    ]

    with pytest.raises(NotSigned, match=r"must be signed by ada\. It is not signed"):
        signers(trust_file, trust(*tables)).admit(NAME, SHA256, None, None)
    with pytest.raises(NotSigned, match="by 2, of whom this registry knows 1"):
        signers(trust_file, trust(*tables, threshold=2)).admit(NAME, SHA256, None, None)
    many = [Person(f"p{number}").trusted() for number in range(8)]
    with pytest.raises(NotSigned, match="by 3 of p0, p1, p2, p3, p4 and 3 more"):
        signers(trust_file, trust(*many, threshold=3)).admit(NAME, SHA256, None, None)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"revoked = {day(0)}", "was revoked"),
        (f"valid_until = {day(-1)}", "is not valid on"),
        ('projects = ["other-*"]', "is not trusted for acme-core"),
    ],
)
def test_a_key_that_does_not_count_any_more_lets_nothing_in(
    trust_file: Path, line: str, found: str
) -> None:
    with pytest.raises(NotSigned, match=found):
        signers(trust_file, trust(ADA.trusted(line))).admit(NAME, SHA256, None, by(ADA))


def test_other_projects_need_no_signature(trust_file: Path) -> None:
    signers(trust_file, trust(ADA.trusted()), "other").admit(NAME, SHA256, None, None)
    Signers().admit(NAME, SHA256, None, None)
    assert Signers().account(NAME, SHA256, by(ADA)) == ""


@pytest.mark.parametrize("pattern", ["*", "Acme.Core", "acme_*"])
def test_patterns_are_in_any_spelling(trust_file: Path, pattern: str) -> None:
    with pytest.raises(NotSigned):
        signers(trust_file, trust(ADA.trusted()), pattern).admit(NAME, SHA256, None, None)


def test_the_file_counts_as_it_is_now(trust_file: Path) -> None:
    asked = signers(trust_file, trust(ADA.trusted()))
    asked.admit(NAME, SHA256, None, by(ADA))

    trust_file.write_text(trust(BOB.trusted()), encoding="utf-8")

    with pytest.raises(NotSigned):
        asked.admit(NAME, SHA256, None, by(ADA))
    asked.admit(NAME, SHA256, None, by(BOB))


@pytest.mark.parametrize("text", ["threshold = ", "threshold = 0", "[keys.ada]", "tresh = 1", "é"])
def test_where_nobody_can_tell_nothing_is_let_in_and_the_log_says_why_once(
    trust_file: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = signers(trust_file, trust(ADA.trusted()))
    trust_file.write_bytes(text.encode("latin-1"))

    for _ in range(3):
        with pytest.raises(Unavailable, match="acme-core must be signed") as refusal:
            asked.admit(NAME, SHA256, None, by(ADA))
        assert refusal.value.status == 503
        assert str(trust_file) not in str(refusal.value)
    assert asked.verdict(Subject("acme-core", NAME.file_name, SHA256), by(ADA)) is None
    (complaint,) = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert str(trust_file) in complaint.getMessage()

    trust_file.write_text(trust(ADA.trusted()), encoding="utf-8")
    asked.admit(NAME, SHA256, None, by(ADA))


def test_a_file_that_is_gone_lets_nothing_in(trust_file: Path) -> None:
    asked = signers(trust_file, trust(ADA.trusted()))
    trust_file.unlink()

    with pytest.raises(Unavailable):
        asked.admit(NAME, SHA256, None, by(ADA))
    asked.admit(parse_file_name("free-1.0.tar.gz"), SHA256, None, None)


def test_a_file_that_cannot_be_read_is_read_when_it_can(trust_file: Path) -> None:
    asked = signers(trust_file, trust(ADA.trusted()))
    trust_file.unlink()
    trust_file.mkdir()
    with pytest.raises(Unavailable):
        asked.admit(NAME, SHA256, None, by(ADA))

    trust_file.rmdir()
    trust_file.write_text(trust(BOB.trusted()), encoding="utf-8")
    asked.admit(NAME, SHA256, None, by(BOB))


def test_one_key_under_two_names_is_refused(trust_file: Path) -> None:
    twice = ADA.trusted() + ADA.trusted().replace("keys.ada", "keys.ada-again")
    trust_file.write_text(trust(twice, threshold=2), encoding="utf-8")

    with pytest.raises(InvalidSettings, match="same key"):
        load_trust(trust_file)


def test_a_verdict_tells_what_was_found(trust_file: Path) -> None:
    asked = signers(trust_file, trust(ADA.trusted()))
    verdict = asked.verdict(Subject("acme-core", NAME.file_name, "b" * 64), by(ADA))

    assert verdict is not None
    assert verdict.finding is Finding.ALTERED


OF_NOBODY = provenance_of(json.dumps(attestation(NAME.file_name, SHA256)), NAME.file_name, SHA256)


def masked(person: Person, true: Person) -> bytes:
    """Return what *true* has signed, under the name of *person*."""
    one = true.signs(NAME.file_name, SHA256)
    one["verification_material"] = {"public_key": {"hint": person.key.id}}
    return provenance_of(json.dumps(one), NAME.file_name, SHA256)


@pytest.mark.parametrize("present", [None, by(ADA)], ids=["new", "signed"])
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (by(EVE), f"is by the key '{EVE.key.id[:16]}', which is unknown here"),
        (masked(BOB, EVE), f"the name of the key '{BOB.key.id[:16]}', which has not signed it"),
        (OF_NOBODY, "names no key, and is not taken for acme-core. Leave it out."),
    ],
    ids=["a stranger", "a mask", "nobody"],
)
def test_what_must_be_signed_takes_nothing_of_others(
    trust_file: Path, present: bytes | None, more: bytes, said: str
) -> None:
    asked = signers(trust_file, trust(ADA.trusted(), BOB.trusted()))
    given = more if present else joined(by(ADA), more)

    with pytest.raises(BadAttestations) as refusal:
        asked.admit(NAME, SHA256, present, given)

    assert said in str(refusal.value)
    assert str(refusal.value).startswith(f"An attestation of {NAME.file_name} ")
    assert refusal.value.status == 400


def joined(*several: bytes) -> bytes:
    documents = [dict(one.document) for each in several for one in attestations_in(each)]
    return provenance_of(json.dumps(documents), NAME.file_name, SHA256)


def test_who_lacks_signatures_is_told_of_those_first(trust_file: Path) -> None:
    asked = signers(trust_file, trust(ADA.trusted(), BOB.trusted()))

    with pytest.raises(NotSigned, match="must be signed by 1 of ada, bob"):
        asked.admit(NAME, SHA256, None, by(EVE))


def test_what_is_there_already_may_come_again_whoever_has_signed_it(trust_file: Path) -> None:
    asked = signers(trust_file, trust(ADA.trusted(), BOB.trusted()))
    present = joined(by(EVE), by(ADA), OF_NOBODY)

    assert asked.admit(NAME, SHA256, present, None) == present
    assert asked.admit(NAME, SHA256, present, present) == present
    after = asked.admit(NAME, SHA256, present, by(BOB))
    assert after == joined(by(EVE), by(ADA), OF_NOBODY, by(BOB))


@pytest.mark.parametrize("required", ["acme-*", "other"])
def test_who_is_trusted_finds_a_place_where_strangers_have_filled_them(
    trust_file: Path, required: str
) -> None:
    asked = signers(trust_file, trust(ADA.trusted(), BOB.trusted()), required)
    filled = joined(*(by(Person(f"p{number}")) for number in range(15)), by(BOB))

    after = asked.admit(NAME, SHA256, filled, by(ADA))

    assert asked.admit(NAME, SHA256, after, None) == after
    assert len(attestations_in(after)) == 16
    assert asked.account(NAME, SHA256, after) == "Signed by bob, ada."


@pytest.mark.parametrize(
    "line", [f"revoked = {day(0)}", f"valid_until = {day(-1)}", 'projects = ["other-*"]']
)
def test_a_key_of_the_file_that_counts_no_longer_may_come_along(
    trust_file: Path, line: str
) -> None:
    asked = signers(trust_file, trust(ADA.trusted(), BOB.trusted(line)))

    assert asked.admit(NAME, SHA256, None, by(ADA, BOB)) == by(ADA, BOB)


def test_with_a_trust_that_cannot_be_read_only_other_projects_take_attestations(
    trust_file: Path,
) -> None:
    asked = signers(trust_file, "threshold = 0")

    with pytest.raises(Unavailable):
        asked.admit(NAME, SHA256, by(ADA), by(BOB))
    other = signers(trust_file, "threshold = 0", "other")
    assert other.admit(NAME, SHA256, by(ADA), by(BOB)) == by(ADA, BOB)
