from __future__ import annotations

import asyncio
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NoReturn

import pytest

from poetry_aegis.registry.errors import StoreFull, UpstreamFailed
from poetry_aegis.registry.options import UpstreamSettings
from poetry_aegis.registry.upstream import batches as batches_module
from poetry_aegis.registry.upstream import files as files_module
from poetry_aegis.registry.upstream.client import UpstreamClient
from poetry_aegis.registry.upstream.files import UpstreamFiles
from poetry_aegis.registry.upstream.pages import UpstreamFile
from tests.support.upstream import FakeIndex, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = bytes(range(256)) * 4000  # a megabyte
SHA256 = hashlib.sha256(BODY).hexdigest()
FILE = "/files/demo.whl"


class World:
    """Files of *upstream*, kept in *folder*."""

    def __init__(self, upstream: FakeIndex, folder: Path, largest: int = 2**30) -> None:
        self.upstream = upstream
        self.incoming_folder = folder / "incoming"
        self.incoming_folder.mkdir(parents=True)
        self.failures: list[str] = []
        settings = UpstreamSettings(url=upstream.simple, timeout=2)
        client = UpstreamClient(settings, "0", self.failures.append)
        self.free = 2**40
        self.files = UpstreamFiles(
            client, folder / "upstream", self.incoming, largest, self.require_space
        )
        self.kept = self.files.path("demo", SHA256)

    def require_space(self, size: int) -> None:
        if size > self.free:
            raise StoreFull("no space")

    @contextmanager
    def incoming(self) -> Iterator[tuple[IO[bytes], Path]]:
        path = self.incoming_folder / "one.part"
        try:
            with path.open("xb") as stream:
                yield stream, path
        finally:
            path.unlink(missing_ok=True)

    def listed(self, size: int | None = len(BODY), metadata: str | None = None) -> UpstreamFile:
        return UpstreamFile(
            "demo.whl", "1", self.upstream.url + FILE, SHA256, size, metadata_sha256=metadata
        )

    async def read(self, file: UpstreamFile, received: bytearray) -> None:
        download = self.files.download("demo", file)
        await download.begun()
        async for piece in download.pieces():
            received += piece

    def nothing_is_left(self) -> bool:
        return not self.kept.exists() and not list(self.incoming_folder.iterdir())


@pytest.fixture
def world(index: FakeIndex, tmp_path: Path) -> World:
    index.replies[FILE] = Reply(body=BODY)
    return World(index, tmp_path)


@pytest.mark.parametrize("size", [len(BODY), None])
@pytest.mark.parametrize("sized", [True, False])
def test_many_readers_are_one_download(world: World, size: int | None, sized: bool) -> None:
    world.upstream.replies[FILE] = Reply(body=BODY, sized=sized)
    received = [bytearray() for _ in range(20)]

    async def read() -> None:
        await asyncio.gather(*(world.read(world.listed(size), each) for each in received))

    asyncio.run(read())

    assert all(each == BODY for each in received)
    assert world.upstream.count(FILE) == 1
    assert world.kept.read_bytes() == BODY
    assert not list(world.incoming_folder.iterdir())
    assert world.failures == []


def test_a_reader_has_the_beginning_before_the_end_is_there(world: World) -> None:
    hold = threading.Event()
    world.upstream.replies[FILE] = Reply(body=BODY, cut=500_000, hold=hold)

    async def read() -> bytes:
        download = world.files.download("demo", world.listed())
        await download.begun()
        received = bytearray()
        async for piece in download.pieces():
            received += piece
            if len(received) == 499_999:  # The last byte waits until it is known what follows.
                assert not world.kept.exists()
                hold.set()
        return bytes(received)

    assert asyncio.run(read()) == BODY
    assert hold.is_set()


def test_a_reader_who_goes_away_does_not_stop_the_download(world: World) -> None:
    hold = threading.Event()
    world.upstream.replies[FILE] = Reply(body=BODY, cut=500_000, hold=hold)

    async def read() -> None:
        reader = asyncio.create_task(world.read(world.listed(), bytearray()))
        await world.files.download("demo", world.listed()).begun()
        reader.cancel()
        hold.set()
        await world.read(world.listed(), bytearray())

    asyncio.run(read())

    assert world.kept.read_bytes() == BODY
    assert world.upstream.count(FILE) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(body=BODY[:-1] + b"?"), "digest"),
        (Reply(body=BODY[:-1] + b"?", sized=False), "digest"),
        (Reply(body=BODY[:-1], sized=False), "digest"),
        (Reply(body=BODY + b"?"), "size"),
        (Reply(body=BODY + b"?", sized=False), "size"),
        (Reply(body=BODY, cut=700_000), "connection"),
        (Reply(500), "status"),
        (Reply(404), "status"),
        (Reply(206, BODY), "status"),
    ],
)
def test_of_a_wrong_file_nobody_gets_the_last_byte_and_nothing_is_kept(
    world: World, reply: Reply, kind: str
) -> None:
    world.upstream.replies[FILE] = reply
    received = bytearray()

    with pytest.raises(UpstreamFailed):
        asyncio.run(world.read(world.listed(), received))

    assert len(received) < len(BODY)
    assert BODY.startswith(received)
    assert world.failures == [kind]
    assert world.nothing_is_left()


def test_a_small_file_is_checked_before_anything_is_sent(world: World) -> None:
    world.upstream.replies[FILE] = Reply(body=b"another file")

    async def begin() -> None:
        await world.files.download("demo", world.listed(None)).begun()

    with pytest.raises(UpstreamFailed):
        asyncio.run(begin())

    assert world.failures == ["digest"]


def test_after_a_failure_the_file_is_asked_for_again(world: World) -> None:
    world.upstream.replies[FILE] = Reply(503)
    with pytest.raises(UpstreamFailed):
        asyncio.run(world.read(world.listed(), bytearray()))
    world.upstream.replies[FILE] = Reply(body=BODY)
    received = bytearray()

    async def again() -> None:
        await world.read(world.listed(), received)

    world.files._client._session = None  # a loop of its own, which the test made
    asyncio.run(again())

    assert received == BODY


@pytest.mark.parametrize("size", [len(BODY), None])
@pytest.mark.parametrize("sized", [True, False])
def test_a_file_larger_than_uploads_may_be_is_refused(
    index: FakeIndex, tmp_path: Path, size: int | None, sized: bool
) -> None:
    index.replies[FILE] = Reply(body=BODY, sized=sized)
    world = World(index, tmp_path, largest=len(BODY) - 1)

    with pytest.raises(UpstreamFailed):
        asyncio.run(world.read(world.listed(size), bytearray()))

    assert world.failures == ["size"]
    assert world.nothing_is_left()


def test_a_download_that_drips_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "_LONGEST_DOWNLOAD", -1.0)

    with pytest.raises(UpstreamFailed, match="in time"):
        asyncio.run(world.read(world.listed(), bytearray()))

    assert world.nothing_is_left()


def test_a_disk_that_is_full_is_told_of(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def full() -> Iterator[tuple[IO[bytes], Path]]:
        raise OSError(28, "No space left on device")
        yield  # type: ignore[unreachable]

    monkeypatch.setattr(world.files, "_incoming", full)

    with pytest.raises(OSError, match="No space left"):
        asyncio.run(world.read(world.listed(), bytearray()))


def test_core_metadata_is_checked_and_kept(world: World) -> None:
    metadata = b"Metadata-Version: 2.1\n"
    sha256 = hashlib.sha256(metadata).hexdigest()
    world.upstream.replies[f"{FILE}.metadata"] = Reply(body=metadata)

    async def ask() -> list[bytes]:
        file = world.listed(metadata=sha256)
        asking = (world.files.core_metadata("demo", file, sha256) for _ in range(20))
        return [
            *await asyncio.gather(*asking),
            await world.files.core_metadata("demo", file, sha256),
        ]

    assert asyncio.run(ask()) == [metadata] * 21
    assert world.upstream.count(f"{FILE}.metadata") == 1
    assert world.files.path("demo", sha256).read_bytes() == metadata


def test_wrong_core_metadata_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.upstream.replies[f"{FILE}.metadata"] = Reply(body=b"x" * 1000)

    def ask() -> None:
        asyncio.run(world.files.core_metadata("demo", world.listed(), SHA256))

    with pytest.raises(UpstreamFailed):
        ask()
    world.files._client._session = None
    monkeypatch.setattr(files_module, "_LARGEST_METADATA", 999)
    with pytest.raises(UpstreamFailed):
        ask()

    assert world.failures == ["digest", "size"]
    assert world.nothing_is_left()


@pytest.mark.parametrize("size", [len(BODY), None])
@pytest.mark.parametrize("sized", [True, False])
def test_no_file_is_fetched_where_space_is_short(
    world: World, size: int | None, sized: bool
) -> None:
    world.upstream.replies[FILE] = Reply(body=BODY, sized=sized)
    world.free = 10_000

    with pytest.raises(StoreFull):
        asyncio.run(world.read(world.listed(size), bytearray()))

    assert world.nothing_is_left()


def test_core_metadata_is_passed_on_and_not_kept_where_space_is_short(world: World) -> None:
    metadata = b"Metadata-Version: 2.1\n"
    sha256 = hashlib.sha256(metadata).hexdigest()
    world.upstream.replies[f"{FILE}.metadata"] = Reply(body=metadata)
    world.free = 0

    async def ask() -> bytes:
        return await world.files.core_metadata("demo", world.listed(), sha256)

    assert asyncio.run(ask()) == metadata
    assert not world.files.path("demo", sha256).exists()


@pytest.mark.parametrize("begins", [True, False])
def test_readers_of_a_download_that_is_cancelled_are_told(world: World, begins: bool) -> None:
    hold = threading.Event()
    world.upstream.replies[FILE] = Reply(body=BODY, cut=500_000, hold=hold)

    async def read() -> None:
        reader = asyncio.create_task(world.read(world.listed(), bytearray()))
        download = world.files.download("demo", world.listed())
        if begins:
            await download.begun()
        for task in world.files._running:
            task.cancel()
        try:
            await asyncio.wait_for(reader, 10)
        finally:
            hold.set()

    with pytest.raises(UpstreamFailed, match="given up"):
        asyncio.run(read())

    assert world.nothing_is_left()


def test_the_disk_gets_few_large_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(world.files, "_require_space", sizes.append)
    monkeypatch.setattr(batches_module, "_MOMENT", 1.0)

    asyncio.run(world.read(world.listed(), bytearray()))

    declared, *written = sizes
    assert declared == sum(written) == len(BODY)
    assert all(size >= 256 * 1024 for size in written[:-1])
    assert len(written) <= 4


def test_the_threads_of_the_other_rooms_are_left_to_them(world: World) -> None:
    class Others(ThreadPoolExecutor):
        def submit(self, *_arguments: object, **_keywords: object) -> NoReturn:
            raise AssertionError("a thread of another room was asked for")

    async def read() -> None:
        asyncio.get_running_loop().set_default_executor(Others())
        await world.read(world.listed(), bytearray())

    asyncio.run(read())

    assert world.kept.read_bytes() == BODY
