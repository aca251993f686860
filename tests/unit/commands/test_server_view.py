"""How the services of a stack are shown while they come up."""

from __future__ import annotations

import io

import pytest
from cleo.io.outputs.buffered_output import BufferedOutput
from cleo.io.outputs.stream_output import StreamOutput

from poetry_aegis.commands.server_view import StartView
from poetry_aegis.server.docker.services import ServiceStatus


def status(name: str, state: str, health: str = "") -> ServiceStatus:
    return ServiceStatus(name, state, health)


@pytest.fixture
def output() -> BufferedOutput:
    return BufferedOutput()


def test_a_service_that_is_to_be_started_is_no_failure(output: BufferedOutput) -> None:
    view = StartView(output)
    view.services([status("grafana", "exited"), status("nginx", "exited")])
    view.services([status("grafana", "exited"), status("nginx", "running", "starting")])
    view.services([status("grafana", "exited"), status("nginx", "running", "healthy")])
    assert output.fetch().splitlines() == [
        "    nginx            starting",
        "  + nginx            healthy",
    ]


def test_a_service_that_ends_after_its_start_is_a_failure(output: BufferedOutput) -> None:
    view = StartView(output)
    for state in ("exited", "running", "exited"):
        view.services([status("nginx", state)])
    assert output.fetch().splitlines()[-1] == "  ! nginx            exited"


def test_what_was_told_is_not_told_again(output: BufferedOutput) -> None:
    old, new = status("pypi-server", "running", "healthy"), status("pypi-server", "created")
    view = StartView(output)
    view.services([status("nginx", "running", "healthy"), old])
    view.services([old, new])  # A container that takes another's place is listed beside it.
    view.services([new])
    view.services([status("nginx", "running", "healthy")])
    view.services([status("nginx", "running", "healthy"), new])
    assert output.fetch().splitlines() == ["    pypi-server      created"]


def test_a_terminal_shows_what_is_to_be_started_as_stopped() -> None:
    stream = io.StringIO()
    view = StartView(StreamOutput(stream, decorated=True))
    view.services([status("grafana", "exited")])
    view.services([status("grafana", "running"), status("nginx", "exited")])
    told = stream.getvalue()
    assert "grafana          stopped" in told
    assert "+ grafana          running" in told
    assert "! nginx            exited" in told
