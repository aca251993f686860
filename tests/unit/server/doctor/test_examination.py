from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import NoServer, UsageError
from poetry_aegis.server.doctor.context import context_of
from poetry_aegis.server.doctor.examination import CHECKS, examine, select
from poetry_aegis.server.doctor.verdicts import Check, Verdict, well, wrong
from poetry_aegis.server.drivers.embedded import EmbeddedDriver
from poetry_aegis.server.users import add_user

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.doctor.context import Context
    from poetry_aegis.server.home import ServerHome
    from tests.unit.server.doctor.patients import Patient


def states(context: Context) -> dict[str, str]:
    return {finding.check.name: finding.verdict.state for finding in examine(context)}


def test_a_real_server_is_well(
    set_up: ServerHome, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("PIP_INDEX_URL", "PIP_FIND_LINKS", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    set_up.settings_file.chmod(0o600)
    add_user(set_up, "ada", "correct horse", role="admin", replace=False)
    driver = EmbeddedDriver(set_up, settings)
    driver.start()
    try:
        found = states(context_of(set_up, named=True))
    finally:
        driver.stop()

    asked = ("server", "version", "ready", "answer-anonymous", "answer-401", "answer-404")
    for name in (*asked, "metrics", "settings-applied", "ports", "pid-file", "index", "database"):
        assert found[name] == "ok", name
    assert "problem" not in found.values()


def test_a_reader_of_a_real_server_may_not_upload(
    set_up: ServerHome, settings: ServerSettings
) -> None:
    from dataclasses import replace

    from poetry_aegis.server.tokens import create_token

    add_user(set_up, "ada", "correct horse", role="admin", replace=False)
    add_user(set_up, "rae", "correct horse", role="reader", replace=False)
    texts = {name: create_token(set_up, name)[1] for name in ("ada", "rae")}
    driver = EmbeddedDriver(set_up, settings)
    driver.start()
    try:
        context = context_of(set_up, named=True)
        found = {
            name: [
                finding.verdict.state
                for finding in examine(
                    replace(context, environment={"AEGIS_READER_TOKEN": text}),
                    select(["answer-403", "answer-404"]),
                )
            ]
            for name, text in texts.items()
        }
    finally:
        driver.stop()

    assert found == {"rae": ["ok", "ok"], "ada": ["problem", "ok"]}
    assert not list((set_up.data / "packages").iterdir())


def test_settings_that_cannot_be_read_leave_what_can_be_looked_at(set_up: ServerHome) -> None:
    set_up.settings_file.write_text("port = 'many'\n")

    found = states(context_of(set_up, named=False))

    assert found["settings"] == "problem"
    assert {"data", "private-files", "command-lock"} <= found.keys()
    assert not {"server", "users", "index"} & found.keys()


def test_there_has_to_be_a_server(home: ServerHome) -> None:
    with pytest.raises(NoServer):
        context_of(home, named=False)


def test_checks_run_side_by_side_and_one_that_hangs_is_told_of(embedded: Patient) -> None:
    meeting, never = threading.Barrier(3, timeout=5), threading.Event()

    def meets(_: Context) -> Verdict:
        meeting.wait()
        return well("They met.")

    def hangs(_: Context) -> Verdict:
        never.wait(30)
        return well("At last.")

    checks = [Check(f"meet-{n}", "M", meets) for n in range(3)]
    began = time.monotonic()
    found = examine(embedded.context, [*checks, Check("hang", "H", hangs)], patience=1)
    never.set()

    assert time.monotonic() - began < 5
    assert [finding.verdict.state for finding in found] == ["ok", "ok", "ok", "warning"]
    assert "longer than 1 seconds" in found[-1].verdict.evidence


def test_a_check_that_breaks_off_hides_no_other(embedded: Patient) -> None:
    def fails(_: Context) -> Verdict:
        raise ValueError("secret")

    def denied(_: Context) -> Verdict:
        raise PermissionError(13, "Permission denied", "/x")

    checks = [Check("a", "A", fails), Check("b", "B", denied), Check("c", "C", lambda _: well("c"))]

    broken, closed, sound = examine(embedded.context, checks)

    assert (broken.verdict.state, closed.verdict.state) == ("warning", "problem")
    assert broken.verdict.evidence == "The check broke off with ValueError."
    assert closed.verdict.evidence == "/x: Permission denied."
    assert sound.verdict.state == "ok"


def test_checks_are_selected_by_name() -> None:
    assert select([]) == list(CHECKS)
    assert [check.name for check in select(["tls", "docker", "tls"])] == ["tls", "docker"]
    with pytest.raises(UsageError, match="no check 'dokcer'") as refused:
        select(["dokcer"])
    assert "'docker'" in refused.value.hint


def test_findings_tell_all_in_json(embedded: Patient) -> None:
    check = Check("a", "A title", lambda _: wrong("ill", "cure"))

    (finding,) = examine(embedded.context, [check])

    assert finding.to_json() == {
        "name": "a",
        "title": "A title",
        "state": "problem",
        "evidence": "ill",
        "remedy": "cure",
        "fixable": False,
        "mended": "",
    }


def test_docker_is_asked_once_for_all_checks(stack: Patient) -> None:
    first = stack.context.stack

    assert stack.context.stack is first
    assert first.versions is not None
    assert (first.versions.engine, first.versions.compose) == ("28.2.2", "2.32.1")


def test_a_certificate_of_the_operator_is_verified_by_its_own_chain(stack: Patient) -> None:
    from dataclasses import replace

    tls = stack.home.tls
    chain = (tls / "server.crt").read_bytes() + (tls / "ca.crt").read_bytes()
    (stack.home.root / "own.crt").write_bytes(chain)
    web = stack.settings.web
    stack.set(web=replace(web, certificate="own.crt", certificate_key="tls/server.key"))

    assert stack.look("tls").state == "ok"
    assert stack.look("certificate").state == "ok"
    assert stack.look("server").state == "ok"

    (stack.home.root / "own.crt").write_bytes(chain.partition(b"-----END")[0])
    assert stack.look("tls").state == "problem"
    assert stack.look("server").state == "problem"


def test_who_may_not_ask_says_so_and_accuses_nobody(stack: Patient) -> None:
    from dataclasses import replace

    stack.set(web=replace(stack.settings.web, allow=("192.0.2.0/24",)))
    for path in ("/simple/", "/legacy/", "/metrics"):
        stack.front.told[path] = (403, {}, b"")
    stack.export(AEGIS_READER_TOKEN="aegis_0_reader")

    for name in ("answer-anonymous", "answer-401", "answer-403", "answer-413", "metrics"):
        assert stack.look(name).state == "skipped", name
