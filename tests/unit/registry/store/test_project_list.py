"""Projects that come and go at the very moment at which the list of them is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.store import project_list
from poetry_aegis.registry.store.pages import write_project_list
from poetry_aegis.registry.store.store import Store
from tests.support.distributions import make_wheel
from tests.support.store import add

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory.open(tmp_path / "data")


@pytest.fixture
def served(data: DataDirectory) -> Iterator[Store]:
    """A store as a server has it: the list is written by a thread of its own."""
    store = Store(data, deferred_list=True)
    yield store
    store.close()


def once(act: Callable[[], object], then: Callable[..., Any]) -> Callable[..., Any]:
    """Return *then*, the first call of which does *act* before."""
    acts = [act]

    def acting(*arguments: object) -> Any:
        while acts:
            acts.pop()()
        return then(*arguments)

    return acting


def test_one_that_goes_while_the_list_is_written_is_not_on_it(
    data: DataDirectory, served: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(served, make_wheel(tmp_path, "stays"))
    served.projects()
    deleting = once(lambda: served.delete_project("brief"), write_project_list)
    monkeypatch.setattr(project_list, "write_project_list", deleting)
    add(served, make_wheel(tmp_path, "brief"))

    served.projects()  # The deletion may be noted only while this is waited for.
    assert served.projects() == ["stays"]
    assert not served.exists("brief")
    assert list(data.unlisted.iterdir()) == []


def test_one_that_comes_at_the_moment_of_a_crash_is_on_it_after_the_next_start(
    data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    def crash(*_arguments: object) -> None:
        raise Crash

    store, wheel = Store(data), make_wheel(tmp_path)
    monkeypatch.setattr(project_list, "write_project_list", crash)
    with pytest.raises(Crash):
        add(store, wheel)
    monkeypatch.undo()

    again = Store(data)
    again.open()

    assert again.projects() == ["demo"]
    assert again.check().is_clean
    assert list(data.unlisted.iterdir()) == []
