"""``server ca`` and ``server user passwd``, in Poetry's own application."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.errors import CertificateError, NoServer, UsageError, UserError
from poetry_aegis.server import users
from poetry_aegis.server.certificates import ca_certificate, ensure_certificates
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.stack.settings import WebSettings
from poetry_aegis.server.template import render_settings
from tests.support.commands import Result, aegis
from tests.support.server import vacant_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome

PASSWORD = "correct horse battery staple"
ANOTHER = "staple battery horse correct"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ServerHome]:
    """Return the home of a stack that was never started, with the admin ``ada``."""
    with vacant_home(tmp_path / "server") as home:
        set_up(home, ServerSettings(driver="compose"))
        users.add_first_user(home, "ada", PASSWORD)
        yield home


def set_up(home: ServerHome, settings: ServerSettings) -> None:
    home.make_directories()
    atomic.write_text(home.settings_file, render_settings(settings))


def server(home: ServerHome, *arguments: str) -> Result:
    return aegis("server", *arguments, "--home", str(home.root))


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_the_authority_is_printed_and_written(home: ServerHome, tmp_path: Path) -> None:
    ensure_certificates(home, WebSettings())
    ca = ca_certificate(home, WebSettings())
    assert server(home, "ca").out == ca
    assert server(home, "ca", "--json").document == {"certificate": ca, "file": None}

    path = tmp_path / "ca.crt"
    told = server(home, "ca", "--output", str(path))
    assert told.out == f"The authority's certificate is in {path}.\n"
    assert path.read_text() == ca
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_server_that_was_never_started_has_none_yet(home: ServerHome) -> None:
    told = server(home, "ca")
    assert told.code == CertificateError.exit_code
    assert "poetry aegis server start" in told.err


def test_a_server_without_tls_has_none(tmp_path: Path) -> None:
    with vacant_home(tmp_path / "embedded") as home:
        assert server(home, "ca").code == NoServer.exit_code
        set_up(home, ServerSettings())
        told = server(home, "ca")
    assert told.code == CertificateError.exit_code
    assert "answers without TLS" in told.err


def test_a_folder_that_is_not_there_is_named(home: ServerHome, tmp_path: Path) -> None:
    ensure_certificates(home, WebSettings())
    told = server(home, "ca", "--output", str(tmp_path / "nowhere" / "ca.crt"))
    assert told.code == 1
    assert "No such file or directory" in told.err


def test_a_new_password_ends_the_old_one_and_no_token(
    home: ServerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.add_user(home, "robot", PASSWORD, role="publisher", replace=False, publishes=["acme-*"])
    _, token = users.open_users(home).create_token("robot")
    typed(monkeypatch, f"{ANOTHER}\n")

    told = server(home, "user", "passwd", "robot", "--password-stdin")

    assert (told.code, told.out) == (0, "User robot has a new password.\n")
    known = users.open_users(home)
    assert known.authenticate("robot", PASSWORD) is None
    user = known.authenticate("robot", ANOTHER)
    assert user is not None
    assert (user.role, user.publishes) == ("publisher", ("acme-*",))
    assert known.authenticate_token(token) is not None
    audit = server(home, "audit", "--json").out
    assert "robot, new password" in audit
    assert ANOTHER not in audit + told.err


def test_where_nobody_can_be_asked_a_password_is_generated(
    home: ServerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "")
    told = server(home, "user", "passwd", "ada")
    assert told.code == 0
    assert "shown only this once" in told.out
    generated = told.out.split()[told.out.split().index("password", 5) + 1]
    assert users.open_users(home).authenticate("ada", generated)


def test_who_is_not_there_is_not_added(home: ServerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, f"{ANOTHER}\n")
    told = server(home, "user", "passwd", "nobody", "--password-stdin")
    assert told.code == UserError.exit_code
    assert "user list" in told.err
    assert [user.name for user in users.list_users(home)] == ["ada"]


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("", ["--password-stdin"], UsageError.exit_code),
        ("x" * 100, ["--password-stdin"], UserError.exit_code),
        ("", ["--json"], UsageError.exit_code),
    ],
    ids=["empty", "longer than bcrypt takes", "nowhere to show it"],
)
def test_a_password_that_is_none_changes_nothing(
    home: ServerHome, monkeypatch: pytest.MonkeyPatch, text: str, options: list[str], code: int
) -> None:
    typed(monkeypatch, text)
    assert server(home, "user", "passwd", "ada", *options).code == code
    assert users.open_users(home).authenticate("ada", PASSWORD)


def test_json_tells_whose_it_is(home: ServerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, f"{ANOTHER}\n")
    told = server(home, "user", "passwd", "ada", "--password-stdin", "--json")
    assert told.document["name"] == "ada"
    assert ANOTHER not in told.out
