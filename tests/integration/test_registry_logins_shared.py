"""Real registries that count failed logins in a real Redis."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.registry import HTTP, RegistryServer, running_registry
from tests.unit.registry.people.test_shared_attempts import (
    PASSWORD,
    port,
    redis,
    redis_server,
    url_of,
)

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

__all__ = ["port", "redis", "redis_server"]  # fixtures

LIMITS = "[logins]\nper_address = 3\nper_user = 100\nwindow = 60\n"


def log_in(server: RegistryServer, password: str) -> int:
    return HTTP.get(f"{server.url}/simple/", auth=("rae", password)).status_code


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, port: int, tmp_path: Path) -> None:
    """Name a Redis that is waited for: where tests run side by side, 50 ms may be too short."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "from poetry_aegis.registry.people.shared_attempts import SharedAttempts\n"
        "SharedAttempts.__init__.__kwdefaults__['patience'] = 5.0\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.setenv("AEGIS_REDIS_URL", url_of(port))


@pytest.mark.usefixtures("named")
def test_what_fails_at_one_counts_at_the_other_and_after_a_restart(
    tmp_path: Path, redis: subprocess.Popen[bytes]
) -> None:
    with (
        running_registry(tmp_path / "one", settings=LIMITS) as one,
        running_registry(tmp_path / "other", settings=LIMITS) as other,
    ):
        assert log_in(other, "reader-secret") == 200
        assert [log_in(one, f"wrong {number}") for number in range(3)] == [401] * 3
        assert log_in(other, "wrong") == 429
        assert log_in(other, "reader-secret") == 200  # It was right before.
    with running_registry(tmp_path / "one", settings=LIMITS) as again:
        assert log_in(again, "reader-secret") == 429

        redis.kill()
        redis.wait()
        assert log_in(again, "wrong") == 401
        assert log_in(again, "reader-secret") == 200
        assert "Redis does not answer" in again.log()
    for server in (one, other, again):
        assert PASSWORD not in server.log()
        assert "Traceback" not in server.log()  # at the end, either


def test_an_address_that_is_none_ends_the_process_and_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from poetry_aegis.registry.cli import main

    monkeypatch.setenv("AEGIS_REDIS_URL", f"http://:{PASSWORD}@host/")
    with pytest.MonkeyPatch.context() as patched:
        said: list[str] = []
        patched.setattr("poetry_aegis.registry.cli.complain", said.append)
        assert main(["serve", "--data", str(tmp_path)]) == 95
    assert "redis_url is not the address of a Redis" in said[0]
    assert PASSWORD not in said[0]
