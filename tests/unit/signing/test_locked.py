"""What is found of locked packages before any index is asked: by where they come from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from poetry_aegis.settings import TrustSettings
from poetry_aegis.signatures.trust import Trust
from poetry_aegis.signing.findings import ALTERED, LockedFile, LockedPackage, Objection
from poetry_aegis.signing.locked import Manner, check_lock, in_question

FILES = (LockedFile("acme_core-1.0.tar.gz", f"sha256:{'0' * 64}"),)
PUBLIC = LockedPackage("acme-core", "1.0", "", FILES, "the public index")
PRIVATE = replace(PUBLIC, source="corp", origin="the source corp")
MISPLACED = replace(PUBLIC, objection=Objection(ALTERED, "The lock has it from elsewhere."))
EVERY, NAMED, OTHERS = ("*",), ("*", "Acme.*"), ("other-*",)


@pytest.mark.parametrize(
    ("package", "projects", "asked"),
    [
        (PUBLIC, EVERY, False),
        (PUBLIC, NAMED, True),
        (PUBLIC, OTHERS, False),
        (replace(PUBLIC, origin="the directory ../core", is_local=True), NAMED, False),
        (PRIVATE, EVERY, True),
        (PRIVATE, OTHERS, True),
        (MISPLACED, EVERY, True),
        (MISPLACED, OTHERS, True),
    ],
)
def test_only_what_is_private_misplaced_or_named_is_in_question(
    package: LockedPackage, projects: tuple[str, ...], asked: bool
) -> None:
    assert bool(in_question([package], projects)) == asked


@pytest.mark.parametrize(
    ("package", "settings", "finding", "said"),
    [
        (
            PUBLIC,
            TrustSettings(projects=NAMED),
            "unverifiable",
            "It must be signed, but comes from the public index, which has no signatures.",
        ),
        (PUBLIC, TrustSettings(projects=NAMED, unsigned=("acme-*",)), "excused", "needs no"),
        (PRIVATE, TrustSettings(projects=OTHERS), "excused", "needs no signature"),
        (MISPLACED, TrustSettings(projects=NAMED), "altered", "from elsewhere"),
        (MISPLACED, TrustSettings(projects=OTHERS), "altered", "from elsewhere"),
        (MISPLACED, TrustSettings(unsigned=("*",)), "altered", "from elsewhere"),
        (replace(MISPLACED, source="corp"), TrustSettings(), "altered", "from elsewhere"),
    ],
)
def test_an_excuse_is_for_a_missing_signature_and_not_for_a_wrong_place(
    package: LockedPackage, settings: TrustSettings, finding: str, said: str
) -> None:
    manner = Manner(Trust(), settings.excuses)
    assert not manner.judges(package)
    (found,) = check_lock([package], {}, manner, download=True)
    assert (found.file, found.finding) == (None, finding)
    assert said in found.sentence


def test_only_a_private_package_in_its_place_is_judged_by_signatures() -> None:
    assert Manner(Trust()).judges(PRIVATE)
    assert not Manner(Trust()).judges(PUBLIC)
