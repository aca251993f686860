"""Commands about a server in one home, in Poetry's own application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import ImportFailed, IndexMismatch, PortInUse, UsageError
from poetry_aegis.server import installation, users
from poetry_aegis.server.config import ServerSettings
from tests.support.commands import Result, aegis
from tests.support.distributions import make_wheel
from tests.support.server import busy_port, free_port, vacant_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome

PASSWORD = "correct horse battery staple"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ServerHome]:
    """Return the home of a server with the admin ``ada``."""
    with vacant_home(tmp_path / "server") as home:
        settings = ServerSettings(port=free_port())
        installation.create(home, settings, user="ada", password=PASSWORD)
        yield home


def server(home: ServerHome, *arguments: str) -> Result:
    return aegis("server", *arguments, "--home", str(home.root))


def test_a_damaged_file_is_told_of_each_time_with_the_way_out(home: ServerHome) -> None:
    make_wheel(home.data / "packages" / "demo")
    assert server(home, "reindex").code == 0
    (home.data / "packages" / "demo" / "demo-3.0.tar.gz").write_bytes(b"broken")

    for _ in range(2):
        for check, code in (((), 0), (("--check",), IndexMismatch.exit_code)):
            told = server(home, "reindex", *check)
            assert told.code == code, told.err
            assert "unreadable  demo/demo-3.0.tar.gz: " in told.out
            assert "Mend or remove it, then reindex." in told.out
            assert "Bring the pages up to date" not in told.out
            assert "pages and files agree" not in told.out


def test_a_role_is_changed_and_the_password_kept(home: ServerHome) -> None:
    users.add_user(home, "robot", PASSWORD, role="publisher", replace=False)

    told = server(home, "user", "add", "robot", "--keep-password", "--role", "reader")

    assert (told.code, told.out) == (0, "User robot can log in, as reader.\n")
    assert users.open_users(home).authenticate("robot", PASSWORD)
    for wrong in ([], ["--role", "reader", "--password-stdin"], ["--role", "reader", "--replace"]):
        refused = server(home, "user", "add", "robot", "--keep-password", *wrong)
        assert refused.code == UsageError.exit_code


def test_a_token_that_promises_what_its_user_may_not_do(home: ServerHome) -> None:
    users.add_user(home, "robot", PASSWORD, role="publisher", replace=False)

    vain = server(home, "token", "create", "--user", "robot", "--allow", "read,delete")
    sound = server(home, "token", "create", "--user", "robot")

    assert "Warning: robot may not delete, and so the token cannot either." in vain.err
    assert sound.err == ""
    assert "belongs to user robot." in sound.out
    listed = server(home, "token", "list").out
    assert "robot: read, delete; never used" in listed
    assert "robot: what the user may; never used" in listed


def test_the_status_tells_of_the_last_backup(home: ServerHome) -> None:
    assert "last backup  never" in server(home, "status").out

    assert server(home, "backup").code == 0

    assert "last backup  never" not in server(home, "status").out
    assert server(home, "status", "--json").document["last_backup"] is not None
    try:
        assert server(home, "start").code == 0
        running = server(home, "status", "--json").document
    finally:
        server(home, "stop")
    assert running["state"] == "running"
    assert running["last_backup"] is not None


def test_an_import_of_nothing(home: ServerHome, tmp_path: Path) -> None:
    make_wheel(tmp_path / "packages")

    refused = server(home, "import", str(tmp_path / "packages"), "--only", "zzz")

    assert refused.code == ImportFailed.exit_code
    assert "no project that matches zzz" in refused.err
    refused = server(home, "import", str(tmp_path / "packages"), "--only", "한글")
    assert "'한글' is not a pattern of project names" in refused.err


def test_a_server_that_cannot_run_does_not_say_that_it_serves(home: ServerHome) -> None:
    with busy_port() as port:
        text = home.settings_file.read_text(encoding="utf-8")
        lines = [f"port = {port}" if line.startswith("port") else line for line in text.split("\n")]
        home.settings_file.write_text("\n".join(lines), encoding="utf-8")

        refused = server(home, "run")

    assert refused.code == PortInUse.exit_code
    assert "Serving" not in refused.out


def test_a_long_plan_is_told_by_project(home: ServerHome) -> None:
    with home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write("[[retention]]\nkeep_pre_releases = 1\n")
    for number in range(1, 53):
        make_wheel(home.data / "packages" / "demo", version=f"1.0a{number}")
    for number in (1, 2):
        make_wheel(home.data / "packages" / "other", "other", f"1.0a{number}")
    assert server(home, "reindex").code == 0

    told = server(home, "prune").out

    assert "  demo   51 files of 51 versions, 1.0a1 to 1.0a51, " in told
    assert "  other  1 file of 1.0a1, " in told
    assert "52 files would go" in told
    few = server(home, "prune", "other").out
    assert "other/other-1.0a1-py3-none-any.whl  1 newer pre-release is kept" in few


@pytest.mark.parametrize(
    "command",
    ["start", "stop", "run", "init", "user list", "user remove", "user add"],
)
def test_help_teaches_in_lines_that_fit(command: str) -> None:
    told = aegis("server", *command.split(), "--help").out
    _, _, text = told.partition("Help:\n")
    assert len(text.splitlines()) > 1
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", ["Bad_Name", "한글"])
def test_a_folder_that_is_no_projects_is_told_of(home: ServerHome, name: str) -> None:
    make_wheel(home.data / "packages" / name)

    for check, code in (((), 0), (("--check",), IndexMismatch.exit_code)):
        told = server(home, "reindex", *check)
        assert told.code == code, told.err
        assert f"unreadable  {name}: the folder is not named as a project is" in told.out
    assert server(home, "status", "--json").document["projects"] == 0
