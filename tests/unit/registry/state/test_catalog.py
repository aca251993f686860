"""The catalogue, on a real store and a real database."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.archives.distributions import inspect
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.names import parse_file_name
from poetry_aegis.registry.state import catalog as module
from poetry_aegis.registry.state.catalog import Catalog, Totals
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.store.admission import Overwriting
from poetry_aegis.registry.store.store import Store
from tests.support.distributions import make_wheel
from tests.support.store import add as put_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from poetry_aegis.registry.store.listing import Listing


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory.open(tmp_path / "data")


@pytest.fixture
def catalog(data: DataDirectory) -> Iterator[Catalog]:
    database = Database.open(data.database)
    yield Catalog(database, data)
    database.close()


@pytest.fixture
def store(data: DataDirectory, catalog: Catalog) -> Store:
    return Store(data, (catalog.update,))


def add(store: Store, name: str, version: str = "1.0", summary: str = "A demo.") -> None:
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: {summary}\n\n"
    wheel = make_wheel(store.data.root.parent, name, version, metadata=metadata)
    with store.incoming() as (stream, path):
        stream.write(wheel.read_bytes())
        stream.close()
        distribution = inspect(path, parse_file_name(wheel.name), sha256_of(path))
        store.add(path, distribution, Overwriting.NOT_ASKED)


def found(catalog: Catalog, *words: str, limit: int = 50, offset: int = 0) -> list[str]:
    return [entry.project for entry in catalog.search(words, limit, offset).entries]


def test_it_follows_the_store(store: Store, catalog: Catalog) -> None:
    add(store, "demo", "1.0", "The first.")
    add(store, "demo", "1.1", "The latest.")
    add(store, "demo", "2.0rc1", "Not yet final.")
    (entry,) = catalog.search((), 10).entries

    assert (entry.version, entry.summary, entry.files) == ("1.1", "The latest.", 3)
    assert entry.size == sum(file.size for file in store.listing("demo").files)
    assert entry.updated == store.listing("demo").file("demo-2.0rc1-py3-none-any.whl").upload_time  # type: ignore[union-attr]

    store.yank("demo", ["demo-1.1-py3-none-any.whl"], "broken")
    assert catalog.search((), 10).entries[0].version == "1.0"
    store.set_status("demo", "quarantined", None)
    (entry,) = catalog.search((), 10).entries
    assert (entry.version, entry.summary, entry.status) == ("", "", "quarantined")
    store.delete_project("demo")
    assert catalog.totals() == Totals(0, 0, 0)


def test_names_come_before_summaries(store: Store, catalog: Catalog) -> None:
    add(store, "zebra-http")
    add(store, "http-server")
    add(store, "aaa", summary="Speaks HTTP/2.")
    add(store, "http")
    add(store, "other")

    assert found(catalog, "http") == ["http", "http-server", "zebra-http", "aaa"]
    assert found(catalog, "HTTP", "zebra") == ["zebra-http"]
    assert found(catalog, "http_server") == ["http-server"]
    assert found(catalog, "http", limit=1, offset=1) == ["http-server"]
    assert catalog.search(("http",), 1).total == 4


def test_any_script_is_found_and_nothing_is_a_wildcard(store: Store, catalog: Catalog) -> None:
    add(store, "korean", summary="한글 도구 모음 100% ÉCOLE")
    decomposed = "\u1112\u1161\u11ab\u1100\u1173\u11af"  # the same two syllables in parts

    for word in ("도구", decomposed, "100%", "école", "e\u0301cole"):
        assert found(catalog, word) == ["korean"], word
    for word in ("_", "%한", "' OR 1=1 --", "\\"):
        assert found(catalog, word) == [], word


def test_only_what_is_known_is_found_or_counted(store: Store, catalog: Catalog) -> None:
    for name in ("team-a", "team-b", "secret-a"):
        add(store, name)
    some = catalog.search((), 1, 1, lambda project: project.startswith("team-"))

    assert [entry.project for entry in some.entries] == ["team-a"]
    assert some.total == 2
    assert catalog.search(("secret",), 10, 0, lambda project: False).total == 0


def test_it_is_filled_from_a_store_and_made_anew(data: DataDirectory, catalog: Catalog) -> None:
    store = Store(data)  # which tells the catalogue nothing
    add(store, "one")
    add(store, "two")
    catalog.update("gone", store.listing("gone"))

    catalog.fill(store)
    assert sorted(found(catalog)) == ["one", "two"]

    store.delete_project("two")
    add(store, "one", "2.0", "Newer.")
    catalog.fill(store)
    assert catalog.totals().projects == 1
    catalog.rebuild(store)
    assert catalog.search((), 1).entries[0].summary == "Newer."


def test_a_fill_ends_with_its_block(
    data: DataDirectory, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(data)
    for name in ("one", "two", "three"):
        add(store, name)
    begun, ended = threading.Event(), threading.Event()

    class Slow(Store):
        def listing(self, project: str) -> Listing:
            begun.set()
            assert ended.wait(10)
            return super().listing(project)

    def end() -> None:
        assert begun.wait(10)
        catalog._ending = True
        ended.set()

    threading.Thread(target=end).start()
    monkeypatch.setattr(module, "_BATCH", 1)
    with catalog.filling(Slow(data)):
        assert ended.wait(10)

    assert catalog.totals().projects == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_what_changes_while_all_is_made_anew_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    data = DataDirectory.open(tmp_path / "data")
    catalogs = [Catalog(Database.open(data.database), data) for _ in range(processes)]
    served, rebuilding = catalogs[0], catalogs[-1]
    server = Store(data, [served.update])
    put_in(server, make_wheel(tmp_path, "demo", "1.0"))
    uploading = threading.Thread(target=put_in, args=(server, make_wheel(tmp_path, "demo", "2.0")))
    row = rebuilding._row

    def row_while_an_upload_begins(listing: Listing) -> tuple[object, ...]:
        made = row(listing)
        if not uploading.ident:
            uploading.start()
            wait_for(lambda: len(server.listing("demo").files) == 2)
        return made

    monkeypatch.setattr(rebuilding, "_row", row_while_an_upload_begins)
    rebuilding.rebuild(Store(data))
    uploading.join()

    assert served.search([], 10).entries[0].version == "2.0"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
