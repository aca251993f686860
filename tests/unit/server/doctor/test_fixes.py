from __future__ import annotations

import os
import stat
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import ServerError
from poetry_aegis.server.certificates import check_certificate
from poetry_aegis.server.doctor.examination import examine, mend, select
from poetry_aegis.server.doctor.verdicts import Check, warn
from tests.unit.server.doctor import breaks
from tests.unit.server.doctor.patients import OWN_USER

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.server.doctor.verdicts import Finding
    from tests.unit.server.doctor.patients import Patient


def mended(patient: Patient, name: str) -> Finding:
    (finding,) = mend(patient.context, examine(patient.context, select([name])))
    return finding


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("pid-file", breaks.a_process_that_was_killed, "registry.pid is removed."),
        ("folders", breaks.a_folder_that_is_gone, "Made: "),
        ("data-writable", breaks.a_folder_that_is_closed, "Opened for their owner: "),
        ("private-files", breaks.users_that_others_can_read, "Closed to others: "),
        ("leftovers", breaks.a_temporary_file_left_over, "1 file removed."),
        ("unfinished", breaks.a_change_that_a_crash_cut_off, "1 project brought up to date."),
        ("index", breaks.a_file_that_was_taken_away, "1 project brought up to date."),
    ],
)
def test_what_is_safe_is_mended_and_found_well_then(
    name: str, spoil: Callable[[Patient], None], said: str, embedded: Patient
) -> None:
    spoil(embedded)

    finding = mended(embedded, name)

    assert said in finding.mended
    assert finding.verdict.state == "ok"
    assert mended(embedded, name).mended == ""


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("certificate-expiry", breaks.a_certificate_that_ended),
        ("certificate", breaks.a_key_of_another_certificate),
        ("certificate", breaks.no_certificate),
    ],
)
def test_a_certificate_of_the_local_authority_is_renewed(
    name: str, spoil: Callable[[Patient], None], stack: Patient
) -> None:
    spoil(stack)

    finding = mended(stack, name)

    assert "It is renewed until " in finding.mended
    assert "server restart nginx" in finding.mended
    assert finding.verdict.state == "ok"
    assert check_certificate(stack.home, stack.settings.web).days_left > 300


def test_a_certificate_of_the_operator_is_left_alone(stack: Patient) -> None:
    from dataclasses import replace

    breaks.a_certificate_that_ended(stack)
    own = replace(
        stack.settings.web, certificate="tls/server.crt", certificate_key="tls/server.key"
    )
    stack.set(web=own)
    before = (stack.home.tls / "server.crt").read_bytes()

    finding = mended(stack, "certificate-expiry")

    assert finding.verdict.state == "problem"
    assert "under [web]" in finding.verdict.remedy
    assert (stack.home.tls / "server.crt").read_bytes() == before


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(
    ("spoil", "file"),
    [
        (breaks.a_file_of_somebody_else, "data/packages/demo/demo-1.0.0"),
        (breaks.a_key_that_nginx_cannot_read, "tls/server.key"),
    ],
)
def test_root_gives_files_back_to_the_server(
    spoil: Callable[[Patient], None], file: str, stack: Patient
) -> None:
    spoil(stack)
    assert f"1 file not of {OWN_USER}, " in stack.look("data-owner").evidence
    assert f"such as {file}" in stack.look("data-owner").evidence

    finding = mended(stack, "data-owner")

    assert finding.mended == f"All of it belongs to {OWN_USER} now."
    assert finding.verdict.state == "ok"


def test_modes_lose_no_more_than_what_is_for_others(embedded: Patient) -> None:
    file = embedded.home.auth / "htpasswd"
    file.chmod(0o467)

    mended(embedded, "private-files")

    assert stat.S_IMODE(file.stat().st_mode) == 0o400


def test_a_pid_file_of_a_server_that_came_up_meanwhile_stays(embedded: Patient) -> None:
    pid_file = embedded.home.pid_file
    running = pid_file.read_bytes()
    embedded.home.pid_file.write_text("no process")
    findings = examine(embedded.context, select(["pid-file"]))
    pid_file.write_bytes(running)

    mend(embedded.context, findings)

    assert pid_file.read_bytes() == running


def test_a_young_temporary_file_is_somebody_at_work(embedded: Patient) -> None:
    young = embedded.home.root / ".tmp-young.part"
    young.touch()

    assert mended(embedded, "leftovers").verdict.state == "ok"
    assert young.exists()
    embedded.alter(now=datetime.fromtimestamp(young.stat().st_mtime + 7200, timezone.utc))
    assert mended(embedded, "leftovers").mended == "1 file removed."


def test_a_fix_that_fails_says_so_and_the_finding_stays(embedded: Patient) -> None:
    def fails() -> str:
        raise ServerError("It is held.")

    def denied() -> str:
        raise PermissionError(13, "Permission denied")

    checks = [Check("a", "A", lambda _: warn("ill", "x", fails))]
    checks += [Check("b", "B", lambda _: warn("ill", "x", denied))]

    first, second = mend(embedded.context, examine(embedded.context, checks))

    assert first.mended == "It could not be mended: It is held."
    assert second.mended == "It could not be mended: Permission denied."
    assert first.verdict.is_finding


def test_what_a_fix_mends_elsewhere_is_well_then_too(embedded: Patient) -> None:
    embedded.fronts.close()
    embedded.kill()
    names = ["server", "pid-file"]
    before = examine(embedded.context, select(names))
    assert [finding.verdict.state for finding in before] == ["problem", "warning"]

    after = mend(embedded.context, before)

    assert [finding.verdict.state for finding in after] == ["warning", "ok"]


def test_a_password_that_is_not_there_is_made(stack: Patient) -> None:
    breaks.a_password_that_was_never_made(stack)
    kept = stack.home.env_file.read_text()

    finding = mended(stack, "env-file")

    assert finding.mended == "Made: REDIS_PASSWORD."
    assert finding.verdict.state == "ok"
    assert stack.home.env_file.read_text().startswith(kept)
    assert stat.S_IMODE(stack.home.env_file.stat().st_mode) == 0o600
