"""A running stack brought to a changed server.toml: nobody notices more than is needed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from poetry_aegis.errors import SettingsError
from tests.stack.installing import installing
from tests.stack.test_gate import upload
from tests.support.distributions import make_wheel
from tests.support.docker import docker, inspect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stack.stack import Stack


def started(stack: Stack) -> dict[str, tuple[str, str]]:
    found = {service: inspect(name) for service, name in stack.containers.items()}
    return {name: (one["Id"], one["State"]["StartedAt"]) for name, one in found.items()}


def test_nginx_reads_its_configuration_anew_and_no_request_fails(
    stack: Stack, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "reloaded")
    assert upload(stack, wheel, "pub").status_code == 200
    before = started(stack)
    try:
        with installing(stack, wheel) as met:
            stack.edit(web={"rate": 5000, "burst": 5000})
            shown = stack.ok("apply", "--dry-run")
            assert "+" in shown
            assert "5000r/s" in shown
            assert "5000" not in (stack.home.stack / "nginx" / "nginx.conf").read_text()
            stack.ok("apply")
            for _ in range(5):
                docker("exec", stack.containers["nginx"], "sh", "-c", "kill -HUP 1")
                time.sleep(0.5)
        assert met.failed == {}, met.reasons[:5]
        assert met.done > 50
        assert started(stack) == before

        stack.edit(web={"rate": 1, "burst": 0})
        stack.ok("apply")
        time.sleep(1.5)
        with stack.client() as client:
            answers = [client.get("/simple/") for _ in range(5)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert limited
        assert all(int(answer.headers["retry-after"]) > 0 for answer in limited)
    finally:
        stack.edit(web={"rate": 0, "burst": 200})
        stack.ok("apply")
    assert started(stack) == before


def test_the_registry_alone_is_restarted_for_its_own_settings(stack: Stack) -> None:
    before = started(stack)
    stack.edit(reserved=["acme-*"])

    stack.ok("apply")

    after = started(stack)
    assert {name for name in before if before[name] != after[name]} == {"pypi-server"}
    assert stack.json("status")["state"] == "running"
    again = started(stack)
    stack.ok("apply")
    assert started(stack) == again


def test_a_half_edited_file_changes_nothing(stack: Stack) -> None:
    settings = stack.home.settings_file
    whole = settings.read_text(encoding="utf-8")
    before = started(stack)
    try:
        settings.write_text(whole.replace("http_port", "htpt_port"), encoding="utf-8")
        told = stack.fails(SettingsError, "apply")
        assert "htpt_port" in told
        settings.write_text(whole + "\n[web", encoding="utf-8")
        done = stack.run("apply")
        assert done.returncode not in (0, 1)
        assert "server.toml" in done.stderr
    finally:
        settings.write_text(whole, encoding="utf-8")
    assert started(stack) == before


def test_a_file_edited_by_hand_is_shown_before_it_is_overwritten(stack: Stack) -> None:
    path = stack.home.stack / "nginx" / "nginx.conf"
    generated = path.read_text(encoding="utf-8")
    path.write_text(f"{generated}# by hand\n", encoding="utf-8")

    assert "-# by hand" in stack.ok("apply", "--dry-run")
    stack.ok("apply", "--yes")

    assert path.read_text(encoding="utf-8") == generated


def test_restart_of_one_service(stack: Stack) -> None:
    before = started(stack)

    stack.ok("restart", "redis")

    after = started(stack)
    assert {name for name in before if before[name] != after[name]} == {"redis"}
    assert stack.json("status")["state"] == "running"
