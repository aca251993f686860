"""``poetry aegis server ...``, as a user runs it: real Poetry, real server processes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from poetry_aegis.errors import (
    MissingExtra,
    NoServer,
    NotRunning,
    PortInUse,
    ServerError,
    ServerExists,
    SettingsError,
    UnreadableUsers,
    UsageError,
    UserError,
)
from poetry_aegis.server import installation, processes
from poetry_aegis.server.config import ServerSettings
from tests.support.poetry import PoetryHome
from tests.support.server import EVERY_ADDRESS, busy_port, free_port, vacant_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.errors import AegisError
    from poetry_aegis.server.home import ServerHome

PASSWORD = "correct horse battery staple"


class Aegis:
    """``poetry aegis`` in a directory that holds no project."""

    def __init__(self, poetry: PoetryHome, cwd: Path, home: ServerHome) -> None:
        self.poetry = poetry
        self.cwd = cwd
        self.home = home

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return self.poetry.run("aegis", *arguments, cwd=self.cwd, stdin=stdin)

    def ok(self, *arguments: str, stdin: str | None = None) -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str, stdin: str | None = None) -> dict[str, Any]:
        document = json.loads(self.ok(*arguments, "--json", stdin=stdin))
        assert isinstance(document, dict)
        return document

    def fails(self, error: type[AegisError], *arguments: str, stdin: str | None = None) -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == error.exit_code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        return done.stderr

    def set_up(self) -> None:
        """Set up a server as `init` does, without the cost of a Poetry process."""
        settings = ServerSettings(port=free_port())
        installation.create(self.home, settings, user="admin", password=PASSWORD)


@pytest.fixture
def aegis(poetry: PoetryHome, tmp_path: Path) -> Iterator[Aegis]:
    with vacant_home(Path(poetry.env["AEGIS_SERVER_HOME"])) as home:
        yield Aegis(poetry, tmp_path, home)


def status_of(url: str, password: str, user: str = "admin") -> int:
    return httpx.get(f"{url}simple/", auth=(user, password), trust_env=False).status_code


def test_from_nothing_to_a_running_server_and_back(aegis: Aegis) -> None:
    told = aegis.ok("server", "init", "--port", "0")
    (line,) = [line for line in told.splitlines() if "shown only this once" in line]
    password = line.split()[1]
    assert "poetry aegis server start" in told
    assert "poetry aegis client poetry" in told
    holders = [p for p in aegis.home.root.rglob("*") if p.is_file() and password in p.read_text()]
    assert holders == []

    started = aegis.ok("server", "start")
    assert started.count("\n") == 1
    status = aegis.json("server", "status")
    assert status["url"] in started
    assert status["state"] == "running"
    assert (status["projects"], status["files"]) == (0, 0)
    assert status_of(status["url"], password) == 200
    assert status_of(status["url"], "wrong") == 401

    shown = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True)
    assert str(aegis.home.data) in shown.stdout
    assert password not in shown.stdout
    assert password not in aegis.home.log_file.read_text()

    again = aegis.ok("server", "start")
    assert "already running" in again
    assert status["url"] in again
    assert again.count("\n") == 1

    assert aegis.ok("server", "stop") == "The server is stopped.\n"
    assert processes.creation_mark(status["pid"]) is None
    assert aegis.ok("server", "stop") == "The server was not running.\n"


def test_status_of_a_stopped_server(aegis: Aegis) -> None:
    aegis.set_up()
    table = aegis.run("server", "status")
    assert table.returncode == NotRunning.exit_code
    assert "stopped" in table.stdout
    assert "poetry aegis server start" in table.stdout
    document = aegis.run("server", "status", "--json")
    assert document.returncode == NotRunning.exit_code
    assert json.loads(document.stdout)["pid"] is None


def test_init_for_machines(aegis: Aegis) -> None:
    told = aegis.fails(UsageError, "server", "init", "--json")
    assert "--password-stdin" in told
    assert not aegis.home.root.exists()
    options = ("--user", "ada", "--port", "0", "--password-stdin")
    document = aegis.json("server", "init", *options, stdin=PASSWORD + "\n")
    assert document["user"] == "ada"
    assert document["port"] > 0
    assert PASSWORD not in json.dumps(document)
    assert document["next"][1].endswith("--username ada")


def test_a_second_init_changes_nothing(aegis: Aegis) -> None:
    aegis.set_up()
    before = {p: p.read_bytes() for p in aegis.home.root.rglob("*") if p.is_file()}
    told = aegis.fails(ServerExists, "server", "init", "--user", "eve")
    assert "poetry aegis server start" in told
    assert {p: p.read_bytes() for p in aegis.home.root.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("options", "stdin", "words"),
    [
        (["--port", "http"], None, "not a port"),
        (["--driver", "podman"], None, "embedded"),
        (["--password-stdin"], "", "no password on standard input"),
    ],
)
def test_init_with_options_that_make_no_sense(
    aegis: Aegis, options: list[str], stdin: str | None, words: str
) -> None:
    assert words in aegis.fails(UsageError, "server", "init", *options, stdin=stdin)
    assert not aegis.home.root.exists()


def test_beyond_loopback_there_is_a_warning(aegis: Aegis) -> None:
    done = aegis.run("server", "init", "--host", EVERY_ADDRESS, "--port", "0")
    assert done.returncode == 0
    assert "without TLS" in done.stderr


def test_a_home_by_option(aegis: Aegis) -> None:
    with vacant_home(aegis.cwd / "my server") as home:
        told = aegis.ok("server", "init", "--port", "0", "--home", "my server")
        assert f"server start --home '{home.root}'" in told
        aegis.ok("server", "start", "--home", "my server")
        assert home.pid_file.exists()
        assert not aegis.home.root.exists()
        aegis.ok("server", "stop", "--home", "my server")


@pytest.mark.parametrize("command", ["start", "stop", "user add x"])
def test_without_a_server(aegis: Aegis, command: str) -> None:
    told = aegis.fails(NoServer, "server", *command.split())
    assert "poetry aegis server init" in told
    assert not aegis.home.root.exists()


def test_a_half_edited_server_toml(aegis: Aegis) -> None:
    aegis.set_up()
    text = aegis.home.settings_file.read_text()
    aegis.home.settings_file.write_text(text.replace("port =", "prot ="))
    told = aegis.fails(SettingsError, "server", "start")
    assert "'prot'" in told
    assert "'port'" in told
    aegis.home.settings_file.write_text(text + "\n[")
    assert "server.toml" in aegis.fails(ServerError, "server", "start")


def test_a_broken_server_toml_does_not_keep_a_server_running(aegis: Aegis) -> None:
    aegis.set_up()
    aegis.ok("server", "start")
    aegis.home.settings_file.write_text("port = = 1\n")
    assert aegis.ok("server", "stop") == "The server is stopped.\n"


def test_a_server_whose_data_is_gone_does_not_start_empty(aegis: Aegis) -> None:
    aegis.set_up()
    aegis.home.data.rename(aegis.home.root / "elsewhere")
    assert "is not there" in aegis.fails(ServerError, "server", "start")
    assert not aegis.home.data.exists()


def test_a_port_in_use(aegis: Aegis) -> None:
    aegis.set_up()
    text = aegis.home.settings_file.read_text()
    with busy_port() as port:
        lines = [f"port = {port}" if x.startswith("port") else x for x in text.splitlines()]
        aegis.home.settings_file.write_text("\n".join(lines))
        for command in ("start", "run"):
            told = aegis.fails(PortInUse, "server", command)
            assert str(port) in told
            assert str(aegis.home.settings_file) in told


def test_two_starts_at_once(aegis: Aegis) -> None:
    aegis.set_up()
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: aegis.json("server", "start"), range(2)))
    assert both[0]["pid"] == both[1]["pid"]
    assert sorted(one["already_running"] for one in both) == [False, True]


def test_logs(aegis: Aegis) -> None:
    aegis.set_up()
    aegis.home.log_file.write_text("".join(f"<b>line</b> {n}\n" for n in range(200)))
    assert aegis.ok("server", "logs", "--lines", "2") == "<b>line</b> 198\n<b>line</b> 199\n"
    assert aegis.ok("server", "logs").count("\n") == 100
    assert "number of lines" in aegis.fails(UsageError, "server", "logs", "--lines", "x")


@contextlib.contextmanager
def background(aegis: Aegis, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "poetry", "aegis", *arguments],
        cwd=aegis.cwd,
        env=aegis.poetry.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_following_logs_ends_with_ctrl_c(aegis: Aegis) -> None:
    aegis.set_up()
    aegis.home.log_file.write_text("one\n")
    with background(aegis, "server", "logs", "--follow") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "one\n"
        with aegis.home.log_file.open("a") as log:
            log.write("two\n")
        assert process.stdout.readline() == "two\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_a_reader_of_logs_that_has_read_enough(aegis: Aegis) -> None:
    aegis.set_up()
    aegis.home.log_file.write_text("a line\n" * 50_000)
    with background(aegis, "server", "logs", "--lines", "50000") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "a line\n"
        process.stdout.close()
        process.wait(30)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_until_it_is_stopped(aegis: Aegis, number: signal.Signals) -> None:
    aegis.set_up()
    with background(aegis, "server", "run") as process:
        record = wait_for_record(aegis.home)
        wait_until_ready(record.url)
        assert "already running" in aegis.fails(PortInUse, "server", "run")
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert record.url in output
    assert "stopped" in output
    assert "Traceback" not in errors
    assert not record.is_alive
    assert not aegis.home.pid_file.exists()


def wait_for_record(home: ServerHome) -> processes.ProcessRecord:
    deadline = time.monotonic() + 30
    while (record := processes.read_pid_file(home.pid_file)) is None:
        assert time.monotonic() < deadline, "no pid file appeared"
        time.sleep(0.02)
    return record


def wait_until_ready(url: str) -> None:
    from poetry_aegis.server.probe import is_ready

    deadline = time.monotonic() + 30
    while not is_ready(url):
        assert time.monotonic() < deadline, "the server did not come up"
        time.sleep(0.02)


def test_users(aegis: Aegis) -> None:
    aegis.set_up()
    told = aegis.ok("server", "user", "add", "<b>bob")
    assert "shown only this once" in told
    options = ("--role", "reader", "--read", "acme-*", "--read", "Tools", "--password-stdin")
    added = aegis.json("server", "user", "add", "rita", *options, stdin=PASSWORD)
    every = {"read": ["*"], "publish": ["*"]}
    rita = {"name": "rita", "role": "reader", "read": ["acme-*", "tools"], "publish": ["*"]}
    assert added == rita
    assert aegis.json("server", "user", "list")["users"] == [
        {"name": "<b>bob", "role": "publisher", **every},
        {"name": "admin", "role": "admin", **every},
        rita,
    ]
    assert "reader (reads acme-*, tools)" in aegis.ok("server", "user", "list")
    assert "<b>bob" in aegis.ok("server", "user", "remove", "<b>bob")
    assert "bob" not in aegis.ok("server", "user", "list")
    assert "only admin" in aegis.fails(UserError, "server", "user", "remove", "admin")


def test_a_new_user_and_a_new_password_count_at_once(aegis: Aegis) -> None:
    aegis.set_up()
    url = aegis.json("server", "start")["url"]
    add = ("server", "user", "add", "rita", "--password-stdin")
    aegis.ok(*add, stdin=PASSWORD)
    assert status_of(url, PASSWORD, "rita") == 200
    aegis.ok(*add, "--replace", stdin="another")
    assert status_of(url, PASSWORD, "rita") == 401
    assert status_of(url, "another", "rita") == 200
    aegis.ok("server", "user", "remove", "rita")
    assert status_of(url, "another", "rita") == 401


def test_tokens(aegis: Aegis) -> None:
    aegis.set_up()
    url = aegis.json("server", "start")["url"]
    create = ("server", "token", "create", "--user", "admin")
    limits = ("--allow", "read,Upload", "--allow", "yank", "--projects", "acme-*")
    shown = aegis.ok(*create, *limits, "--expires", "90d", "--comment", "<b>CI")
    (line,) = [line for line in shown.splitlines() if "shown only this once" in line]
    text = line.split()[1]

    assert status_of(url, text, "__token__") == 200
    made = aegis.json(*create)
    assert status_of(url, made["token"], "__token__") == 200
    (first, second) = aegis.json("server", "token", "list")["tokens"]
    assert (first["user"], first["comment"], first["expired"]) == ("admin", "<b>CI", False)
    assert (first["actions"], first["projects"]) == (["read", "upload", "yank"], ["acme-*"])
    assert first["last_used"]
    assert second["id"] == made["id"]
    listing = aegis.ok("server", "token", "list")
    assert "admin: read, upload, yank on acme-*; expires 20" in listing
    assert text not in listing

    assert "is revoked" in aegis.ok("server", "token", "revoke", first["id"])
    assert status_of(url, text, "__token__") == 401
    assert "token list" in aegis.fails(UserError, "server", "token", "revoke", first["id"])
    assert "--user NAME" in aegis.fails(UsageError, "server", "token", "create")
    assert text not in aegis.home.log_file.read_text()


def test_unreadable_users(aegis: Aegis) -> None:
    aegis.set_up()
    htpasswd = aegis.home.auth / "htpasswd"
    htpasswd.write_bytes(b"\xff\xfe")
    assert "htpasswd" in aegis.fails(UnreadableUsers, "server", "start")
    htpasswd.unlink()
    htpasswd.mkdir()
    assert "htpasswd" in aegis.fails(UnreadableUsers, "server", "user", "list")


def test_without_the_extra(aegis: Aegis, tmp_path: Path) -> None:
    # What is not installed cannot be found: the same to an import as a finder that finds nothing.
    (tmp_path / "block").mkdir()
    (tmp_path / "block" / "sitecustomize.py").write_text(
        "import importlib.machinery as m\n"
        "find = m.PathFinder.find_spec\n"
        "hide = lambda name, *rest: None if name == 'bcrypt' else find(name, *rest)\n"
        "m.PathFinder.find_spec = staticmethod(hide)\n"
    )
    blocked = PoetryHome(aegis.poetry.root, {"PYTHONPATH": str(tmp_path / "block")})
    without = Aegis(blocked, aegis.cwd, aegis.home)
    assert "poetry-aegis[registry" in without.fails(MissingExtra, "server", "init")
    assert not aegis.home.root.exists()
    aegis.set_up()
    without.fails(MissingExtra, "server", "start")


def on_a_terminal(aegis: Aegis, *arguments: str, typed: str) -> tuple[int, str]:
    """Run a command on a terminal of its own, answer its question, return code and screen."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover  the child becomes Poetry
        os.chdir(aegis.cwd)
        command = [sys.executable, "-m", "poetry", "aegis", *arguments]
        os.execve(sys.executable, command, aegis.poetry.env)  # noqa: S606  only fork gives it a terminal
    screen = b""
    try:
        while b"assword" not in screen:
            screen += os.read(terminal, 4096)
        os.write(terminal, typed.encode())
        with contextlib.suppress(OSError):  # Linux reports the end of a terminal as an error.
            while block := os.read(terminal, 4096):
                screen += block
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), screen.decode()


def test_a_password_typed_on_a_terminal_is_not_shown(aegis: Aegis) -> None:
    code, screen = on_a_terminal(aegis, "server", "init", "--port", "0", typed=f"{PASSWORD}\n")
    assert code == 0
    assert PASSWORD not in screen
    assert "shown only this once" not in screen
    url = aegis.json("server", "start")["url"]
    assert status_of(url, PASSWORD) == 200


def test_an_empty_answer_generates_a_password(aegis: Aegis) -> None:
    code, screen = on_a_terminal(aegis, "server", "init", "--port", "0", typed="\n")
    assert code == 0
    assert screen.count("shown only this once") == 1
