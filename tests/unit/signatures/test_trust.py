"""Whom a team trusts: what such a table may say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.signatures.trust import Trust, TrustedKey, check_key_name, matches_any
from poetry_aegis.tables import InvalidTable, read_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.signatures.conftest import Signatory

DAY = date(2026, 6, 1)


def test_a_table_is_read_with_all_that_it_may_say(ada: Signatory) -> None:
    table = {
        "threshold": 2,
        "keys": {
            "ada": {
                "keytype": "ed25519",
                "scheme": "ed25519",
                "public": ada.public.public,
                "projects": ["acme-*"],
                "valid_from": date(2026, 1, 1),
                "valid_until": date(2026, 12, 31),
                "revoked": date(2026, 7, 1),
                "reason": "lost",
            }
        },
    }
    trust = read_table(Trust, table, where="[trust]")
    assert trust.threshold == 2
    assert trust.by_id[ada.public.id][0] == "ada"
    assert trust.keys["ada"].is_for("Acme_Tool")
    assert not trust.keys["ada"].is_for("acme")


def test_a_key_stands_as_its_days_say(ada: Signatory) -> None:
    def standing(**days: date) -> str:
        return ada.trusted(**days).standing(DAY)

    assert standing() == "valid"
    assert standing(valid_from=DAY, valid_until=DAY) == "valid"
    assert standing(valid_from=date(2026, 6, 2)) == "not yet valid"
    assert standing(valid_until=date(2026, 5, 31)) == "expired"
    assert standing(revoked=DAY) == "revoked"
    assert standing(revoked=date(2026, 6, 2)) == "valid"


@pytest.mark.parametrize("threshold", [0, -1, 17])
def test_a_threshold_that_nothing_can_reach_is_refused(threshold: int) -> None:
    with pytest.raises(InvalidTable, match="1 to 16"):
        Trust(threshold)


def test_days_that_leave_no_day_are_refused(ada: Signatory) -> None:
    with pytest.raises(InvalidTable, match="before valid_from"):
        ada.trusted(valid_from=date(2026, 2, 1), valid_until=date(2026, 1, 1))


def test_a_reason_is_one_line(ada: Signatory) -> None:
    with pytest.raises(InvalidTable, match="one line"):
        ada.trusted(reason="lost\x1b[2J")


def test_a_bad_key_is_named(ada: Signatory) -> None:
    bad = replace(ada.trusted(), public="abc")
    with pytest.raises(InvalidTable, match=r"^keys\.bad: It is no public key"):
        _ = Trust(1, {"bad": bad}).by_id


def test_one_key_does_not_count_for_two(
    ada: Signatory, signatories: Callable[[str], Signatory]
) -> None:
    """Under another name, in another spelling, with another scheme or fingerprint."""
    rsa, gnupg = signatories("rsa").trusted(), signatories("gnupg-ed25519").trusted()
    shown = replace(gnupg, fingerprint="0" * 40)
    plain = TrustedKey("ed25519", "ed25519", gnupg.public.removeprefix("q:"))
    own = ada.trusted()
    for one, other in (
        (own, own),
        (own, replace(own, public=own.public.upper())),
        (rsa, replace(rsa, scheme="rsa-pkcs1v15-sha256")),
        (rsa, replace(rsa, public=rsa.public.replace("\n", "\r\n"))),
        (gnupg, shown),
        (gnupg, plain),
        (
            gnupg,
            replace(
                own,
                keytype="eddsa",
                scheme="pgp+eddsa-ed25519",
                public=f"q:{own.public}",
                fingerprint=gnupg.fingerprint,
            ),
        ),
    ):
        with pytest.raises(InvalidTable, match=r"keys\.\w+ and keys\.\w+ are the same key"):
            _ = Trust(1, {"one": one, "other": other}).by_id


@pytest.mark.parametrize(
    "name", ["", ".hidden", "-x", "a/b", "..", "a b", "a\n", "ä", "x" * 65, "a\x1b[2J", "\ud800"]
)
def test_a_name_that_is_none_is_refused(name: str, ada: Signatory) -> None:
    with pytest.raises(InvalidTable, match="cannot be the name of a key") as refused:
        Trust(1, {name: ada.trusted()})
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["a", "ada-2026", "Ada.L_1", "x" * 64])
def test_a_name_has_letters_digits_and_three_signs(name: str) -> None:
    check_key_name(name)


def test_patterns_are_compared_as_names_are() -> None:
    assert matches_any("Acme.Tool", ("acme-*",))
    assert matches_any("acme-tool", ("ACME_TOOL",))
    assert not matches_any("acme", ("acme-*", ""))
