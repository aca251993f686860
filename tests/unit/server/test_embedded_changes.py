"""What the embedded driver does about changed settings, and what it says to a stack's words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from poetry_aegis.errors import ServerError, UsageError
from poetry_aegis.server import processes
from poetry_aegis.server.drivers.embedded import EmbeddedDriver
from tests.support.server import free_port

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome


@pytest.fixture
def driver(set_up: ServerHome, settings: ServerSettings) -> EmbeddedDriver:
    return EmbeddedDriver(set_up, settings)


def test_changed_settings_are_applied_by_a_restart(
    driver: EmbeddedDriver, settings: ServerSettings
) -> None:
    assert driver.plan() == ()
    assert not driver.apply().running
    before = driver.start().pid
    unchanged = driver.apply()
    assert (unchanged.changes, unchanged.restarted, unchanged.running) == ((), (), True)
    assert driver.status().pid == before

    later = EmbeddedDriver(driver.home, replace(settings, anonymous_read=True))
    (change,) = later.plan()
    assert "+anonymous_read = true" in change.diff()
    applied = later.apply()
    assert (applied.changes, applied.restarted) == ((change,), ("registry",))
    assert later.status().pid != before
    assert httpx.get(f"{settings.url}simple/", trust_env=False).status_code == 200
    assert later.plan() == ()


def test_another_port_is_applied_too(driver: EmbeddedDriver, settings: ServerSettings) -> None:
    driver.start()
    later = EmbeddedDriver(driver.home, replace(settings, port=free_port()))
    assert later.apply().restarted == ("registry",)
    assert later.status().url == later.settings.url


def test_restart_and_upgrade_leave_another_process(driver: EmbeddedDriver) -> None:
    assert not driver.upgrade().running
    pids = [driver.start().pid, driver.restart().pid]
    assert driver.upgrade().restarted == ("registry",)
    pids.append(driver.status().pid)
    assert len(set(pids)) == 3
    assert [pid for pid in pids if pid and processes.creation_mark(pid)] == pids[2:]


def test_data_that_are_gone_are_not_begun_anew(driver: EmbeddedDriver) -> None:
    """An empty index in their place would look for private names at the index behind it."""
    driver.start()
    driver.home.data.rename(driver.home.root / "elsewhere")
    with pytest.raises(ServerError, match="is not there"):
        driver.restart()
    assert not driver.stop()
    with pytest.raises(ServerError, match="is not there"):
        driver.start()
    assert not driver.home.data.exists()


def test_there_are_no_services(driver: EmbeddedDriver) -> None:
    with pytest.raises(UsageError, match="runs without containers"):
        list(driver.logs(lines=1, follow=False, service="nginx"))
    with pytest.raises(UsageError):
        driver.restart("nginx")
    with pytest.raises(UsageError):
        driver.debug(started=lambda: None, service="nginx")
    with pytest.raises(UsageError, match="no images"):
        driver.upgrade(pull=True)


def test_debugging_runs_in_the_foreground_with_more_to_tell(driver: EmbeddedDriver) -> None:
    seen: list[bytes] = []

    def look_and_end() -> None:
        record = processes.read_pid_file(driver.home.pid_file)
        assert record is not None
        with open(f"/proc/{record.pid}/cmdline", "rb") as arguments:  # noqa: PTH123  a short one
            seen.append(arguments.read())
        processes.end_process(record)

    assert driver.debug(started=look_and_end) == 0
    assert b"\0-X\0dev\0" in seen[0]


def test_the_end_of_a_server(driver: EmbeddedDriver) -> None:
    pid = driver.start().pid
    assert driver.destroy(data=False)
    assert pid
    assert processes.creation_mark(pid) is None
    assert driver.home.auth.is_dir()
    assert not driver.destroy(data=False)
    assert driver.destroy(data=True)
    assert not driver.home.data.exists()
