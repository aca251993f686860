from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import NoServer, ServerError
from poetry_aegis.server.home import ServerHome, locate_home

if TYPE_CHECKING:
    from pathlib import Path


def test_the_option_comes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_SERVER_HOME", str(tmp_path / "environment"))
    assert locate_home(str(tmp_path / "option")).root == tmp_path / "option"
    assert locate_home(None).root == tmp_path / "environment"


def test_a_home_is_named_where_a_command_would_not_come_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ServerHome(tmp_path / "the server")
    assert home.option == f" --home '{home.root}'"
    monkeypatch.setenv("AEGIS_SERVER_HOME", str(home.root))
    assert home.option == ""
    assert ServerHome(tmp_path / "other").option == f" --home {tmp_path / 'other'}"


def test_where_the_data_are_gone_the_ways_out_are_of_this_server(tmp_path: Path) -> None:
    home = ServerHome(tmp_path / "other")
    with pytest.raises(ServerError, match="is not there") as caught:
        home.require_data()
    assert f"poetry aegis server restore FILE --home {home.root}\n" in caught.value.hint
    assert f"remove {home.settings_file} and run" in caught.value.hint
    assert caught.value.hint.endswith(f"poetry aegis server init --home {home.root}")


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate_home("../x/./server").root == tmp_path.parent / "x" / "server"


def test_a_tilde_is_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert locate_home("~/server").root == tmp_path / "server"


def test_the_platform_has_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AEGIS_SERVER_HOME", raising=False)
    root = locate_home(None).root
    assert root.is_absolute()
    assert root.parts[-2:] == ("poetry-aegis", "server")


def test_directories_are_closed_to_others(tmp_path: Path) -> None:
    home = ServerHome(tmp_path / "deep" / "server")
    home.make_directories()
    home.make_directories()
    made = [home.root, home.data, home.auth, home.pid_file.parent, home.log_file.parent]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o700}


def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    ServerHome(tmp_path).make_directories()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_file_in_the_place_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "server").write_text("")
    with pytest.raises(ServerError, match="cannot be made") as caught:
        ServerHome(tmp_path / "server").make_directories()
    assert "--home" in caught.value.hint


def test_no_server(tmp_path: Path) -> None:
    with pytest.raises(NoServer, match="no server in") as caught:
        ServerHome(tmp_path).require()
    assert "poetry aegis server init" in caught.value.hint
