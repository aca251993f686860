"""Each container killed in turn while installs go on: what may fail, and what may not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.stack.installing import NOTHING, installing
from tests.stack.test_gate import upload
from tests.support.distributions import make_wheel
from tests.support.docker import crash, inspect, wait_until_well

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stack.stack import Stack

BESIDE = ("redis", "prometheus", "grafana", "nginx-exporter", "redis-exporter", "node-exporter")
SETTLED = 2.0  # seconds of installs before, and after all is well again


@pytest.fixture
def wheel(stack: Stack, tmp_path: Path) -> Path:
    made = make_wheel(tmp_path, "wanted")
    assert upload(stack, made, "pub").status_code == 200
    return made


def kill(stack: Stack, service: str) -> None:
    """Kill the container of *service*, and wait until Docker has brought it back and it is well."""
    name = stack.containers[service]
    before = inspect(name)
    crash(name)
    wait_until_well(name, started_after=before["State"]["StartedAt"])
    assert inspect(name)["RestartCount"] == before["RestartCount"] + 1


@pytest.mark.parametrize("service", BESIDE)
def test_installs_do_not_notice_what_is_beside_them(
    stack: Stack, wheel: Path, service: str
) -> None:
    with installing(stack, wheel) as met:
        kill(stack, service)
        time.sleep(SETTLED)

    assert met.failed == {}, met.reasons[:5]
    assert met.done > 20


def test_without_nginx_connections_are_refused_until_it_is_back(stack: Stack, wheel: Path) -> None:
    with installing(stack, wheel) as met:
        time.sleep(SETTLED)
        assert met.failed == {}, met.reasons[:5]
        kill(stack, "nginx")
        well = time.monotonic()
        time.sleep(SETTLED)

    assert met.failed.keys() <= {NOTHING}
    assert met.last_failure < well


def test_without_the_registry_nginx_says_so_and_never_that_something_is_not_there(
    stack: Stack, wheel: Path
) -> None:
    """404 would send installers to look elsewhere, and 401 would ask people for their passwords."""
    with installing(stack, wheel) as met:
        time.sleep(SETTLED)
        assert met.failed == {}, met.reasons[:5]
        kill(stack, "pypi-server")
        well = time.monotonic()
        time.sleep(12)  # longer than nginx remembers what was allowed, and where the registry was

    assert met.failed.keys() <= {502, 503, 504}
    assert met.last_failure < well + 6
    assert upload(stack, make_wheel(wheel.parent, "after"), "pub").status_code == 200


def test_what_was_uploaded_is_there_after_all_is_killed(stack: Stack, wheel: Path) -> None:
    running = dict(stack.containers)
    before = {service: inspect(name)["State"]["StartedAt"] for service, name in running.items()}
    for name in running.values():
        crash(name)
    for service, name in running.items():
        wait_until_well(name, started_after=before[service])

    with stack.client() as client:
        deadline = time.monotonic() + 15
        while client.get("/health").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert wheel.name in client.get("/simple/wanted/").text
        assert client.get(f"/packages/wanted/{wheel.name}").content == wheel.read_bytes()
    assert stack.json("status")["state"] == "running"
