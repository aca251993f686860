"""Setting up a stack, and making it known to Poetry, where something is not as it should be."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.client import poetry as client
from poetry_aegis.errors import ServerExists, Unreachable, UsageError
from poetry_aegis.server import installation
from poetry_aegis.server.config import ServerSettings, new_settings
from tests.support import fake_docker
from tests.support.commands import Result, aegis
from tests.support.fake_docker import DOWN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fake_docker import FakeDocker

NOWHERE = "pypi.example.invalid"


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return fake_docker.install(tmp_path / "bin", monkeypatch)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long enough password\n" * 3))
    return tmp_path / "home"


def init(root: Path, *options: str) -> Result:
    where = ("--home", str(root), "--password-stdin")
    return aegis("server", "init", "--driver", "compose", *where, *options)


def test_init_tells_machines_the_ports_of_the_stack(root: Path, docker: FakeDocker) -> None:
    ports = ("--http-port", "8081", "--https-port", "8444")
    told = init(root, "--json", "--name", "localhost", *ports)
    assert told.code == 0, told.err
    document = told.document
    assert (document["name"], document["http_port"], document["https_port"]) == (
        *("localhost", 8081, 8444),
    )
    assert "port" not in document
    assert document["warnings"] == []
    assert docker.asked("version")


def test_init_warns_of_what_is_in_the_way(root: Path, docker: FakeDocker) -> None:
    docker.says(refusal=DOWN)
    told = init(root, "--json", "--name", NOWHERE)
    assert told.code == 0, told.err
    of_docker, of_name = told.document["warnings"]
    assert of_docker.startswith("No containers can run here yet: ")
    assert of_name.splitlines()[-1] == f"  127.0.0.1 {NOWHERE}"
    assert max(map(len, of_name.splitlines())) < 70
    assert "Warning: No containers can run here yet" in told.err


def test_a_single_process_needs_no_docker(docker: FakeDocker) -> None:
    docker.says(refusal=DOWN)
    assert installation.obstacles(ServerSettings()) == ()
    assert docker.calls == []


@pytest.mark.usefixtures("docker")
def test_a_second_init_names_the_home_that_was_given(root: Path) -> None:
    assert init(root, "--name", "localhost").code == 0
    told = init(root)
    assert told.code == ServerExists.exit_code
    assert f"poetry aegis server start --home {root}\n" in told.err


@pytest.mark.usefixtures("docker")
def test_one_port_for_two_services_is_refused(root: Path) -> None:
    told = init(root, "--http-port", "8443", "--https-port", "8443")
    assert told.code == UsageError.exit_code
    assert "both 8443" in told.err
    assert not root.exists()


@pytest.mark.usefixtures("docker")
def test_a_client_is_told_how_to_make_the_name_known(root: Path) -> None:
    assert init(root, "--name", NOWHERE).code == 0
    where = ("--home", str(root), "--password-stdin")
    told = aegis("client", "poetry", *where, "--dry-run")
    assert told.code == Unreachable.exit_code
    assert f"\n  127.0.0.1 {NOWHERE}\n" in told.err
    assert "Check the address" in told.err


def test_the_address_of_another_machine_is_not_led_to_this_one() -> None:
    index = client.make_index("aegis", f"https://{NOWHERE}/")
    with pytest.raises(Unreachable) as caught:
        client.check_credential(index, "ada", "secret")
    assert "127.0.0.1" not in caught.value.hint


def test_settings_of_a_single_process_keep_their_ports() -> None:
    assert new_settings(host="127.0.0.1", port=8123).web == ServerSettings().web
