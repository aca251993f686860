"""The stack's passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.stack.secrets import NAMES, ensure_secrets

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> ServerHome:
    return ServerHome(tmp_path)


def mode(home: ServerHome) -> int:
    return home.env_file.stat().st_mode & 0o777


def lines(home: ServerHome) -> list[str]:
    return home.env_file.read_text(encoding="utf-8").splitlines()


def test_passwords_are_made_once_and_are_nobody_elses(home: ServerHome) -> None:
    made = ensure_secrets(home)
    assert set(made) == set(NAMES)
    assert all(len(word) >= 32 for word in made.values())
    assert len(set(made.values())) == len(made)
    assert lines(home)[1:] == [f"{name}={word}" for name, word in made.items()]
    assert mode(home) == 0o600
    assert ensure_secrets(home) == {}


def test_what_is_there_stays(home: ServerHome) -> None:
    home.env_file.write_text("# mine\nexport GRAFANA_PASSWORD = 'kept'\nHTTPS_PROXY=x\n")
    assert set(ensure_secrets(home)) == {"REDIS_PASSWORD"}
    assert lines(home)[:3] == ["# mine", "export GRAFANA_PASSWORD = 'kept'", "HTTPS_PROXY=x"]


@pytest.mark.parametrize(
    "empty", ["GRAFANA_PASSWORD=", 'GRAFANA_PASSWORD=""', "#GRAFANA_PASSWORD=x"]
)
def test_an_empty_one_is_filled(home: ServerHome, empty: str) -> None:
    home.env_file.write_text(f"{empty}\nREDIS_PASSWORD=kept\n")
    made = ensure_secrets(home)
    assert set(made) == {"GRAFANA_PASSWORD"}
    assert "REDIS_PASSWORD=kept" in lines(home)
    assert lines(home)[-1] == f"GRAFANA_PASSWORD={made['GRAFANA_PASSWORD']}"
    assert sum(line.startswith("GRAFANA_PASSWORD=") for line in lines(home)) == 1


def test_a_file_that_others_could_read_is_closed(home: ServerHome) -> None:
    ensure_secrets(home)
    home.env_file.chmod(0o644)
    assert ensure_secrets(home) == {}
    assert mode(home) == 0o600
