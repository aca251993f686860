from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import NoServer, ServerError
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.state.audit import Event
from poetry_aegis.registry.state.downloads import Count
from poetry_aegis.registry.state.state import State
from poetry_aegis.server.statistics import audit_entries, downloads_of, most_downloaded

if TYPE_CHECKING:
    from poetry_aegis.server.home import ServerHome


@pytest.fixture
def state(set_up: ServerHome) -> State:
    """Return what the registry of the home, which goes on running, remembers."""
    return State.open(DataDirectory(set_up.data))


def test_what_the_registry_wrote_is_read_beside_it(set_up: ServerHome, state: State) -> None:
    state.downloads.count("my-demo", "my_demo-1.0.tar.gz", "pip/24.0", 7)
    state.downloads.flush()
    state.audit.record(Event("upload", "ada", "10.0.0.1", "my-demo"))
    state.audit.record(Event("login-failed", "eve", "10.0.0.2"))

    assert most_downloaded(set_up, days=30, limit=5) == [Count("my-demo", 1, 7)]
    found = downloads_of(set_up, "My.Demo", days=1)
    assert found.total == Count("my-demo", 1, 7)
    assert found.by["version"] == [Count("1.0", 1, 7)]
    assert list(found.by) == ["version", "client", "python", "day"]
    assert [entry.user for entry in audit_entries(set_up, limit=5)] == ["eve", "ada"]
    assert [entry.user for entry in audit_entries(set_up, limit=5, project="MY_demo")] == ["ada"]
    assert [entry.user for entry in audit_entries(set_up, limit=5, user="eve")] == ["eve"]
    assert audit_entries(set_up, limit=5, action="yank") == []


def test_a_server_that_never_ran_has_nothing_to_tell_and_gets_no_database(
    set_up: ServerHome,
) -> None:
    assert most_downloaded(set_up, days=30, limit=5) == []
    assert audit_entries(set_up, limit=5) == []
    assert not (set_up.data / "state.db").exists()


def test_a_damaged_database_is_one_sentence(set_up: ServerHome) -> None:
    (set_up.data / "state.db").write_bytes(b"garbage " * 1000)

    with pytest.raises(ServerError, match="damaged") as refusal:
        audit_entries(set_up, limit=5)
    assert "packages" in refusal.value.hint


def test_without_a_server_there_is_an_error(home: ServerHome) -> None:
    with pytest.raises(NoServer):
        most_downloaded(home, days=30, limit=5)


def test_a_project_that_is_not_there_has_no_downloads(set_up: ServerHome, state: State) -> None:
    DataDirectory(set_up.data).project_pages("demo").mkdir(parents=True)
    assert downloads_of(set_up, "Demo", days=30).total == Count("demo", 0, 0)
    for name in ("nobody", "../demo", ""):
        with pytest.raises(ServerError, match=f"no project {name}"):
            downloads_of(set_up, name, days=30)

    state.downloads.count("gone", "gone-1.0.tar.gz", "pip/24.0", 7)
    state.downloads.flush()
    assert downloads_of(set_up, "gone", days=30).total.downloads == 1
