"""What goes wrong at the start, said in a sentence, with nothing lost."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from poetry_aegis.errors import NotReady, PortInUse, SettingsError, StackError
from tests.stack.stack import STARTING
from tests.support.docker import containers, images, leftovers

if TYPE_CHECKING:
    from tests.stack.stack import Stack


def test_a_port_that_is_taken_is_named_before_anything_is_started(own_stack: Stack) -> None:
    port = own_stack.ports["https"]
    with socket.create_server(("127.0.0.1", port)):
        told = own_stack.fails(PortInUse, "start")

    assert str(port) in told
    assert "server.toml" in told
    assert leftovers(own_stack.project) == []


def test_a_half_edited_file_starts_nothing(own_stack: Stack) -> None:
    settings = own_stack.home.settings_file
    settings.write_text(settings.read_text().replace("https_port", "htps_port"), encoding="utf-8")

    assert "htps_port" in own_stack.fails(SettingsError, "start")
    assert leftovers(own_stack.project) == []


def test_an_image_that_cannot_be_had_is_named(own_stack: Stack) -> None:
    own_stack.edit(images={"nginx": "127.0.0.1:9/nosuch/nginx:1"})

    done = own_stack.run("start")

    assert done.returncode == StackError.exit_code, done.stdout + done.stderr
    assert "nginx" in done.stderr
    assert "127.0.0.1:9" in done.stderr


def test_an_image_that_is_another_program_is_named(own_stack: Stack) -> None:
    own_stack.edit(images={"nginx": images()["python"]})

    told = own_stack.run("start")

    assert told.returncode in {StackError.exit_code, NotReady.exit_code}
    assert '"nginx": executable file not found' in told.stderr


def test_a_service_that_does_not_come_up_is_named_and_why(own_stack: Stack) -> None:
    own_stack.edit(containers={"memory": "12m"})

    told = own_stack.fails(NotReady, "start")

    assert "pypi-server" in told
    assert "memory" in told
    own_stack.edit(containers={"memory": "256m"})
    own_stack.ok("start")
    assert own_stack.json("status")["state"] == "running"


def test_ctrl_c_during_start_loses_nothing(own_stack: Stack) -> None:
    command = [sys.executable, "-m", "poetry", "aegis", "server", "start"]
    with subprocess.Popen(
        command,
        cwd=own_stack.poetry.root,
        env=own_stack.poetry.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + STARTING
        while not containers(own_stack.project):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 130, out + err
    assert "Traceback" not in out + err
    assert "server stop" in out + err
    own_stack.ok("start")
    assert own_stack.json("status")["state"] == "running"
    assert own_stack.home.auth.joinpath("htpasswd").exists()


def test_stopped_and_destroyed(own_stack: Stack) -> None:
    own_stack.ok("start")
    kept = own_stack.home.data
    # A file that cannot be read does not keep a server running.
    whole = own_stack.home.settings_file.read_text(encoding="utf-8")
    own_stack.home.settings_file.write_text("driver = = 1\n", encoding="utf-8")
    own_stack.ok("stop")
    own_stack.home.settings_file.write_text(whole, encoding="utf-8")
    stopped = own_stack.run("status", "--json")
    assert '"stopped"' in stopped.stdout
    own_stack.ok("start")

    own_stack.ok("destroy", "--yes")

    assert leftovers(own_stack.project) == []
    assert (kept / "auth" / "htpasswd").exists()
