from __future__ import annotations

import os
from pathlib import Path

import pytest

from poetry_aegis.client import hosts, setup
from poetry_aegis.client.ini import with_options
from poetry_aegis.client.setup import Want, Work
from poetry_aegis.errors import AegisError, Unreachable, UsageError
from tests.support.commands import aegis

HOSTS = "127.0.0.1 localhost\n192.0.2.9 other.example\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a hosts file that is nobody's, in the place of this machine's."""
    path = tmp_path / "hosts"
    path.write_text(HOSTS)
    monkeypatch.setattr(hosts, "location", lambda: path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("PYPI_INDEX_URL", raising=False)
    return path


LINE = ("client", "setup", "hosts", "--url", "https://index.example/", "--address", "192.0.2.7")


def test_the_line_for_the_hosts_file_is_shown_and_not_written(file: Path) -> None:
    done = aegis(*LINE)
    assert done.code == 0
    assert "192.0.2.7 index.example" in done.out
    assert "--yes" in done.out
    assert file.read_text() == HOSTS


def test_the_hosts_file_is_written_between_marks_and_comes_back(file: Path) -> None:
    assert aegis(*LINE, "--dry-run").code == 0
    assert file.read_text() == HOSTS
    assert aegis(*LINE, "--yes", "--no-check").code == 0
    block = "# >>> poetry-aegis: aegis\n192.0.2.7 index.example\n# <<< poetry-aegis: aegis\n"
    assert file.read_text() == f"{HOSTS}\n{block}"
    assert "nothing was changed" in aegis(*LINE, "--yes", "--no-check").out
    file.write_text(file.read_text() + "::1 mine\n")
    done = aegis("client", "setup", "hosts", "--undo")
    assert file.read_text() == f"{HOSTS}::1 mine\n"
    assert "edited since" in done.err


def test_a_name_that_leads_nowhere_still_is_found_out(file: Path) -> None:
    own = ("client", "setup", "hosts", "--url", "http://localhost/", "--yes", "--address")
    works = aegis(*own, "127.0.0.1")
    assert works.code == 0
    assert "localhost leads to 127.0.0.1" in works.out
    file.write_text("")
    assert aegis(*own, "192.0.2.7").code == Unreachable.exit_code


def test_a_name_that_leads_elsewhere_is_left(file: Path) -> None:
    file.write_text("192.0.2.9 index.example\n")
    done = aegis(*LINE, "--yes")
    assert done.code == AegisError.exit_code
    assert f"{file}: It lets index.example lead to 192.0.2.9 already" in done.err


def test_the_right_that_is_missing_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Root may write everywhere: the refusal itself is made up."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr("poetry_aegis.client.edits.Edit.write", refuse)
    done = aegis(*LINE, "--yes", "--no-check")
    assert done.code == AegisError.exit_code
    assert "administrator" in done.err


def test_a_right_to_a_file_of_ones_own_is_no_matter_of_root(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Root may write everywhere: the refusal itself is made up."""
    path = tmp_path / "pip.conf"
    want = Want(path, "ini", lambda content: with_options(content, "global", {"timeout": "5"}))
    setup.plan_setup("default", Work("pip", "", (want,))).write()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / ".tmp-x.part"))

    monkeypatch.setattr("poetry_aegis.client.edits.Edit.write", refuse)
    done = aegis("client", "setup", "pip", "--undo")
    assert done.code == AegisError.exit_code
    assert f"{path} cannot be written: Permission denied." in done.err
    assert "administrator" not in done.err
    assert path.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("npm",), "is no client"),
        (("hosts", "--url", "https://index.example/"), "--address"),
        (
            ("hosts", "--url", "https://192.0.2.7/", "--address", "192.0.2.7"),
            "is an address already",
        ),
        (("hosts", "--url", "http://127.0.0.1/"), "needs no line"),
        (("hosts", "--url", "https://a..b/", "--address", "192.0.2.7"), "is no name"),
        (("hosts", "--url", "https://x/", "--address", "there"), "is no address"),
        (("--undo", "--profile", "../x"), "cannot be the name of a profile"),
    ],
)
def test_what_does_not_make_sense_is_refused(
    file: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = aegis("client", "setup", *arguments)
    assert done.code == UsageError.exit_code
    assert told in done.err
    assert file.read_text() == HOSTS


def test_the_hosts_file_of_this_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("SYSTEMROOT", os.sep + "Windows")
    assert hosts.location() == Path(os.sep, "Windows", "System32", "drivers", "etc", "hosts")
    monkeypatch.setattr("sys.platform", "linux")
    assert hosts.location() == Path("/etc/hosts")
