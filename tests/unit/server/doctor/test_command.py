from __future__ import annotations

import os
import re
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from cleo.io.inputs.argv_input import ArgvInput
from cleo.io.outputs.stream_output import StreamOutput
from poetry.console.application import Application

from poetry_aegis.errors import NoServer, Unwell, UsageError
from poetry_aegis.registry.people.users import Users
from poetry_aegis.server.doctor.examination import CHECKS
from tests.support.commands import Result, aegis
from tests.support.registry import CHEAP_ROUNDS

if TYPE_CHECKING:
    from poetry_aegis.server.home import ServerHome


@pytest.fixture
def server(set_up: ServerHome, monkeypatch: pytest.MonkeyPatch) -> ServerHome:
    """Return a server that is stopped, and well otherwise."""
    for variable in ("PIP_INDEX_URL", "PIP_FIND_LINKS", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    set_up.settings_file.chmod(0o600)
    Users(set_up.auth, rounds=CHEAP_ROUNDS).add("ada", "correct horse", "admin")
    return set_up


def doctor(home: ServerHome, *arguments: str) -> Result:
    return aegis("server", "doctor", "--home", str(home.root), *arguments)


def test_warnings_are_no_reason_to_fail(server: ServerHome) -> None:
    told = doctor(server)

    assert told.code == 0, told.out
    assert "warning  server " in told.out
    assert f"poetry aegis server start --home {server.root}" in told.out
    assert "skipped" not in told.out
    assert "skipped  answer-401 " in doctor(server, "-v").out


def test_a_problem_is_named_fixed_on_request_and_decides_the_exit_code(server: ServerHome) -> None:
    users = server.auth / "htpasswd"
    users.chmod(0o644)

    ill = doctor(server)
    assert ill.code == Unwell.exit_code
    assert "problem  private-files " in ill.out
    assert f"chmod go-rwx {users}" in ill.out
    assert f"poetry aegis server doctor --fix --home {server.root}" in ill.out
    assert users.stat().st_mode & 0o777 == 0o644

    assert doctor(server, "--fix", "--only", "private-files").code == 0
    assert users.stat().st_mode & 0o777 == 0o600
    assert doctor(server).code == 0


def test_in_a_pipe_each_check_is_one_line(server: ServerHome) -> None:
    told, _, _ = doctor(server, "-v").out.partition("\n\n")

    assert all(
        re.match(r"(ok|warning|problem|skipped) +[a-z0-9-]+  +\S", line)
        for line in told.splitlines()
    )
    assert len(told.splitlines()) > len(CHECKS) // 2
    assert max(map(len, told.splitlines())) > 80


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal as POSIX has it")
def test_lines_fit_a_terminal_but_for_what_cannot_be_broken(
    server: ServerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = on_terminal(90, "server", "doctor", "--home", str(server.root), "-v", "--no-ansi")

    assert any(line.startswith(" " * 20) for line in lines)
    assert [line for line in lines if len(line.replace(str(server.root), "HOME")) > 90] == []


def on_terminal(columns: int, *arguments: str) -> list[str]:
    """Return the lines that ``poetry aegis ARGUMENTS`` writes to a terminal of so many columns."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    written: list[bytes] = []
    reader = threading.Thread(target=lambda: written.extend(iter(lambda: _read(ours), b"")))
    reader.start()
    with open(theirs, "w", encoding="utf-8") as stream:  # noqa: PTH123 -- it is no path
        application = Application()
        application.auto_exits(auto_exits=False)
        output = StreamOutput(stream, decorated=False)
        application.run(ArgvInput(["poetry", "aegis", *arguments]), output, output)
    reader.join()
    os.close(ours)
    return b"".join(written).decode().splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so where the other end is closed.
        return b""


def test_json_has_every_check(server: ServerHome) -> None:
    (server.auth / "htpasswd").chmod(0o644)

    told = doctor(server, "--json")

    document = told.document
    assert told.code == Unwell.exit_code
    assert document["well"] is False
    assert document["problem"] == 1
    assert {"settings", "index", "tokens"} <= {check["name"] for check in document["checks"]}
    (found,) = [check for check in document["checks"] if check["state"] == "problem"]
    assert (found["name"], found["fixable"], found["mended"]) == ("private-files", True, "")
    assert "Closed to others" in str(doctor(server, "--json", "--fix").document)


def test_checks_are_listed_and_made_alone(server: ServerHome) -> None:
    listed = doctor(server, "--list")
    assert listed.code == 0
    assert all(check.name in listed.out and check.title in listed.out for check in CHECKS)
    assert len(doctor(server, "--list", "--json").document["checks"]) == len(CHECKS)

    alone = doctor(server, "--only", "data", "--only", "admin", "--json").document
    assert [check["name"] for check in alone["checks"]] == ["data", "admin"]

    assert doctor(server, "--only", "dta").code == UsageError.exit_code


def test_where_there_is_no_server(home: ServerHome) -> None:
    assert doctor(home).code == NoServer.exit_code


def test_half_edited_settings_are_a_finding(server: ServerHome) -> None:
    server.settings_file.write_text('port = 8080\nhost = "')

    told = doctor(server)

    assert told.code == Unwell.exit_code
    assert "problem  settings " in told.out
    assert "is not valid TOML" in " ".join(told.out.split())
