from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.plugin import COMMANDS
from poetry_aegis.server.doctor.examination import CHECKS, examine
from tests.unit.server.doctor.breaks import BREAKS, Break
from tests.unit.server.doctor.patients import TOKEN, Patient

if TYPE_CHECKING:
    from poetry_aegis.server.doctor.verdicts import Finding

COMMAND = re.compile(r"poetry (aegis server (?:user |token )?[a-z]+)")


def findings(patient: Patient) -> list[Finding]:
    return [finding for finding in examine(patient.context) if finding.verdict.is_finding]


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_named_with_what_mends_it(
    broken: Break, request: pytest.FixtureRequest
) -> None:
    patient = request.getfixturevalue("stack" if broken.driver == "compose" else "embedded")
    before = patient.look(broken.check)
    assert before.state in ("ok", "skipped"), before

    broken.spoil(patient)

    verdict = patient.look(broken.check)
    assert verdict.state == broken.state, verdict
    assert broken.evidence in verdict.evidence
    assert broken.remedy in verdict.remedy
    for words in COMMAND.findall(verdict.remedy):
        assert words in COMMANDS, "The command that mends it is none."
    assert "user:pw" not in verdict.evidence + verdict.remedy


def test_every_check_is_broken_by_a_test() -> None:
    assert {broken.check for broken in BREAKS} == {check.name for check in CHECKS}
    assert len(CHECKS) >= 25


def test_names_are_unique_and_titles_short() -> None:
    names = [check.name for check in CHECKS]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) for name in names)
    assert all(len(check.title) <= 50 and len(check.name) <= 19 for check in CHECKS)


def test_a_well_server_gives_no_finding(embedded: Patient) -> None:
    embedded.export(AEGIS_READER_TOKEN=TOKEN)

    assert findings(embedded) == []


def test_a_well_stack_gives_no_finding(stack: Patient) -> None:
    stack.export(AEGIS_READER_TOKEN=TOKEN, REQUESTS_CA_BUNDLE=str(stack.home.tls / "ca.crt"))

    assert findings(stack) == []
    # Nothing was passed over but what only a server without containers has.
    states = {finding.check.name: finding.verdict for finding in examine(stack.context)}
    assert [name for name, verdict in states.items() if verdict.state == "skipped"] == []


def test_looking_changes_nothing_of_a_well_server(embedded: Patient) -> None:
    def content() -> dict[str, tuple[int, bytes]]:
        return {
            str(path): (path.stat().st_mode, path.read_bytes())
            for path in embedded.home.root.rglob("*")
            if path.is_file() and not path.name.startswith("state.db-")
        }

    before = content()
    examine(embedded.context)

    after = content()
    assert {name: after[name] for name in before} == before
    assert not [name for name in after.keys() - before.keys() if "/locks/" not in name]
