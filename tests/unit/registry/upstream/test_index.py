from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.errors import StoreFull, UpstreamFailed
from poetry_aegis.registry.options import UpstreamSettings
from poetry_aegis.registry.upstream import index as index_module
from poetry_aegis.registry.upstream.client import UpstreamClient
from poetry_aegis.registry.upstream.index import Shown, UpstreamIndex
from poetry_aegis.registry.upstream.policy import Policy
from poetry_aegis.registry.upstream.records import Records
from tests.support.distributions import make_wheel
from tests.support.upstream import FakeIndex, Reply

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "/simple/demo/"
WHEEL = "demo-1.0.0-py3-none-any.whl"


class World:
    """An index in front of *upstream*, with its cache in *folder*. `renewed` is a restart."""

    def __init__(
        self, upstream: FakeIndex, folder: Path, *, fresh: int = 600, policy: Policy | None = None
    ) -> None:
        self.upstream = upstream
        self.folder = folder
        self.fresh = fresh
        self.policy = policy or Policy()
        self.failures: list[str] = []
        self.hits: list[bool] = []
        self.is_full = False
        settings = UpstreamSettings(url=upstream.simple, timeout=5)
        client = UpstreamClient(settings, "0", self.failures.append)
        records = Records(folder, client.index, self.require_space)
        self.index = UpstreamIndex(client, records, self.policy, fresh, self.hits.append)

    @property
    def record(self) -> Path:
        return self.folder / "demo" / "page.json"

    def renewed(self) -> World:
        return World(self.upstream, self.folder, fresh=self.fresh, policy=self.policy)

    def age(self, seconds: float) -> World:
        """Let the record have been fetched so long ago, and start anew."""
        record = json.loads(self.record.read_bytes())
        record["fetched"] = time.time() - seconds
        self.record.write_text(json.dumps(record))
        return self.renewed()

    def require_space(self, _size: int) -> None:
        if self.is_full:
            raise StoreFull("no space")

    def page(self) -> Shown | None:
        return asyncio.run(self.index.page("demo"))

    def names(self) -> list[str]:
        shown = self.page()
        assert shown is not None
        return sorted(shown.files)


@pytest.fixture
def world(index: FakeIndex, tmp_path: Path) -> World:
    index.publish("demo", make_wheel(tmp_path / "files"))
    return World(index, tmp_path / "upstream")


def test_many_who_ask_at_a_time_are_one_request(world: World) -> None:
    async def ask() -> list[Shown | None]:
        return await asyncio.gather(*(world.index.page("demo") for _ in range(20)))

    pages = asyncio.run(ask())

    assert [list(page.files) for page in pages if page] == [[WHEEL]] * 20
    assert world.upstream.count(PAGE) == 1


def test_one_who_goes_away_does_not_stop_the_others(world: World) -> None:
    async def ask() -> Shown | None:
        first = asyncio.create_task(world.index.page("demo"))
        second = asyncio.create_task(world.index.page("demo"))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(ask()) is not None
    assert world.upstream.count(PAGE) == 1


def test_a_fresh_page_is_not_asked_for_again_not_even_after_a_restart(world: World) -> None:
    async def ask() -> None:
        await world.index.page("demo")
        await world.index.page("demo")

    asyncio.run(ask())
    later = world.age(590)

    assert later.names() == [WHEEL]
    assert world.upstream.count(PAGE) == 1
    assert world.hits == [False, True]
    assert later.hits == [True]


def test_an_old_page_is_asked_about_and_believed_again(world: World) -> None:
    world.page()

    later = world.age(601)

    assert later.names() == [WHEEL]
    assert "if-none-match" in world.upstream.asked[1].headers
    assert later.renewed().names() == [WHEEL]
    assert world.upstream.count(PAGE) == 2


def test_an_old_page_gives_way_to_a_new_one(world: World, tmp_path: Path) -> None:
    world.page()
    world.upstream.publish("demo", make_wheel(tmp_path / "files", version="2.0.0"))

    assert world.age(601).names() == [WHEEL, "demo-2.0.0-py3-none-any.whl"]


def test_a_page_from_the_future_is_not_believed(world: World) -> None:
    world.page()

    world.age(-5000).page()

    assert world.upstream.count(PAGE) == 2


@pytest.mark.parametrize(
    "reply", [Reply(503), Reply(200, b"?"), Reply(200, b"{}", cut=1), Reply(401)]
)
def test_what_is_kept_is_shown_while_upstream_fails(
    world: World, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    world.page()
    world.upstream.replies[PAGE] = reply
    later = world.age(5000)

    async def ask() -> list[Shown | None]:
        return [await later.index.page("demo") for _ in range(3)]

    pages = asyncio.run(ask())

    assert [list(page.files) for page in pages if page] == [[WHEEL]] * 3
    assert world.upstream.count(PAGE) == 2  # It is left alone for a while.
    assert len(later.failures) == 1
    assert "shown as it was fetched before" in caplog.text
    assert later.hits == [False, True, True]


def test_after_a_pause_upstream_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_PAUSE", 0.0)
    world.page()
    world.upstream.replies[PAGE] = Reply(503)
    later = world.age(5000)

    assert later.names() == [WHEEL]
    del world.upstream.replies[PAGE]
    assert later.names() == [WHEEL]
    assert world.upstream.count(PAGE) == 3


def test_with_nothing_kept_a_failure_is_told(world: World) -> None:
    world.upstream.replies[PAGE] = Reply(503)

    with pytest.raises(UpstreamFailed):
        world.page()

    assert not world.record.exists()
    del world.upstream.replies[PAGE]
    assert world.names() == [WHEEL]


def test_what_is_no_page_is_a_failure(world: World) -> None:
    world.upstream.replies[PAGE] = Reply(body=b"<p>Log in", headers={"content-type": "text/plain"})

    with pytest.raises(UpstreamFailed):
        world.page()

    assert world.failures == ["page"]


def test_a_project_that_is_not_there_is_remembered_but_not_on_disk(world: World) -> None:
    async def ask() -> list[Shown | None]:
        return [await world.index.page("absent") for _ in range(3)]

    assert asyncio.run(ask()) == [None, None, None]
    assert world.upstream.count("/simple/absent/") == 1
    assert not world.folder.exists()


def test_a_project_that_is_gone_is_forgotten(world: World) -> None:
    world.page()
    world.upstream.replies[PAGE] = Reply(404)

    assert world.age(601).page() is None
    assert not world.record.exists()


def test_the_pages_of_another_index_are_not_believed(world: World, tmp_path: Path) -> None:
    world.page()
    record = json.loads(world.record.read_bytes())
    record["index"] = "https://index.example.com/simple/"
    world.record.write_text(json.dumps(record))

    world.renewed().page()

    assert world.upstream.count(PAGE) == 2


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"index": 1}', b"\xff"])
def test_a_damaged_record_is_fetched_anew(world: World, damage: bytes) -> None:
    world.page()
    world.record.write_bytes(damage)

    assert world.renewed().names() == [WHEEL]
    assert world.upstream.count(PAGE) == 2


def test_a_disk_that_takes_nothing_does_not_stop_reading(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.folder.write_bytes(b"a file where the folder should be")

    assert world.names() == [WHEEL]
    assert "is not kept" in caplog.text


def test_the_policy_decides_what_is_shown(world: World, tmp_path: Path) -> None:
    young = make_wheel(tmp_path / "files", version="2.0.0")
    world.upstream.publish("demo", young, upload_time="2999-01-01T00:00:00Z")
    unknown = make_wheel(tmp_path / "files", version="3.0.0")
    world.upstream.publish("demo", unknown, upload_time=None)
    careful = World(world.upstream, world.folder, policy=Policy(minimum_age=7))

    assert careful.names() == [WHEEL]
    assert asyncio.run(careful.index.file("demo", young.name)) is None
    assert len(world.names()) == 3


def test_files_that_are_left_out_are_told_of_in_the_log(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="poetry_aegis")
    world.upstream.publish("demo", make_wheel(tmp_path / "files", version="2.0.0"), hashes={})

    assert world.names() == [WHEEL]
    assert "1 files of demo are not shown" in caplog.text


def test_a_file_of_a_known_page_needs_no_asking_however_old_it_is(world: World) -> None:
    async def ask() -> list[str | None]:
        await world.index.page("demo")
        world.upstream.replies[PAGE] = Reply(503)
        shown = world.index._shown["demo"]
        world.index._shown["demo"] = Shown(shown.page, until=0.0)
        file = await world.index.file("demo", WHEEL)
        return [file.version if file else None]

    assert asyncio.run(ask()) == ["1.0.0"]
    assert world.upstream.count(PAGE) == 1


def test_memory_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(index_module, "_MOST_KEPT", 4)
    monkeypatch.setattr(index_module, "_MOST_MISSING", 2)
    for name in ("a", "b", "c"):
        world.upstream.publish(name, make_wheel(tmp_path / "files", name))

    async def ask() -> None:
        for name in ("a", "b", "c", "x", "y", "z"):
            await world.index.page(name)

    asyncio.run(ask())

    assert list(world.index._shown) == ["b", "c"]
    assert list(world.index._missing) == ["y", "z"]


def test_a_page_is_shown_and_not_kept_where_space_is_short(world: World) -> None:
    world.is_full = True

    assert world.names() == [WHEEL]
    assert not world.record.exists()
