from __future__ import annotations

import netrc as reference
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.client import netrc
from poetry_aegis.client.setup import Login
from poetry_aegis.errors import UsageError


def changed(content: str | None, password: str = "s3cret") -> str:  # noqa: S107
    before = None if content is None else content.encode()
    return netrc.with_login(before, "host", "ada", password).decode()


ENTRY = "machine host login ada password s3cret"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"{ENTRY}\n"),
        ("machine other login x password y", f"{ENTRY}\nmachine other login x password y"),
        ("default login x password y\r\n", f"{ENTRY}\r\ndefault login x password y\r\n"),
        ("machine host\n  login bob\n  password old # why\n", f"{ENTRY} # why\n"),
        (f"# mine\n{ENTRY}\n", f"# mine\n{ENTRY}\n"),
        (
            "machine host login ada\n\tpassword s3cret\n",
            "machine host login ada\n\tpassword s3cret\n",
        ),
        ("# machine host login a password b\n", f"{ENTRY}\n# machine host login a password b\n"),
        (
            "macdef init\nmachine host login a password b\n\nmachine z login a password b\n",
            (
                f"{ENTRY}\nmacdef init\nmachine host login a password b\n\n"  # as it was
                "machine z login a password b\n"
            ),
        ),
    ],
)
def test_a_host_gets_one_login(before: str | None, after: str) -> None:
    assert changed(before) == after
    assert changed(after) == after
    assert netrc.login_for(after.encode(), "host") == ("ada", "s3cret")


def test_a_host_that_is_named_twice_is_named_once_then() -> None:
    twice = "machine host login a password b\nmachine host login c password d\n"
    assert changed(twice) == f"{ENTRY}\n\n"


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1))
def test_any_password_is_read_again_as_it_was(password: str) -> None:
    content = netrc.with_login(None, "host", "ada", password)
    assert netrc.login_for(content, "host") == ("ada", password)


PLAIN = ["plain", "a#b", "'"]
QUOTED = ["a b", 'a"b', "a\\b", "#a", '"', '" "']  # which Python reads since 3.11
READ = [*PLAIN, *QUOTED] if sys.version_info >= (3, 11) else PLAIN


@pytest.mark.parametrize("password", READ)
def test_python_reads_what_was_written(tmp_path: Path, password: str) -> None:
    path = tmp_path / "netrc"
    path.write_bytes(netrc.with_login(None, "host", "ada", password))
    login = reference.netrc(path).authenticators("host")
    assert login is not None
    assert (login[0], login[2]) == ("ada", password)


@pytest.mark.parametrize("password", [*PLAIN, *QUOTED])
def test_what_an_old_python_cannot_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    notes = netrc.work("host", Login("ada", password)).notes
    assert ("Python 3.10" in "".join(notes)) == (password in QUOTED)
    assert password not in notes


def test_what_clients_would_read_in_different_ways_is_refused() -> None:
    with pytest.raises(UsageError, match="ASCII") as caught:
        changed(None, "pässword")
    assert "pässword" not in f"{caught.value}{caught.value.hint}"


def test_the_place_is_the_home_or_what_the_environment_names(tmp_path: Path) -> None:
    assert netrc.location({}) == Path.home() / ".netrc"
    assert netrc.location({"NETRC": str(tmp_path / "n")}) == tmp_path / "n"


def test_a_host_that_it_cannot_hold() -> None:
    with pytest.raises(UsageError, match="cannot be the name of a machine"):
        netrc.work("::1", Login("ada", "x"))


def test_a_file_with_a_password_is_its_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.name == "nt":
        pytest.skip("Windows has no permission bits")
    from poetry_aegis.client.setup import plan_setup
    from poetry_aegis.client.undoing import plan_undo, take_back

    path = tmp_path / ".netrc"
    monkeypatch.setenv("NETRC", str(path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path.write_text("machine other login x password y\n")
    path.chmod(0o644)
    plan_setup("default", netrc.work("host", Login("ada", "s3cret"))).write()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    back = plan_undo("default", "netrc")
    assert back is not None
    take_back(back)
    assert path.read_text() == "machine other login x password y\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert not list((tmp_path / "data").rglob("*.json"))


@pytest.mark.parametrize(
    ("content", "is_odd"),
    [
        (b"machine h login a password b\r\n", False),
        (b"machine h login a password b\nmacdef init\ncd /\n\n", False),
        (b"machine h login a password b\r\nmacdef init\r\ncd /\r\n\r\n", True),
        (b"machine h login a password b\r\n# mine\r\n", True),
        (None, False),
    ],
    ids=["windows", "macro", "macro-of-windows", "comment-of-windows", "nothing"],
)
def test_what_uv_cannot_read_is_known(content: bytes | None, is_odd: bool) -> None:
    assert bool(netrc.oddity(content)) is is_odd
