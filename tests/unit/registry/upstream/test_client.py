from __future__ import annotations

import asyncio
import logging
import os
import socket
from typing import TYPE_CHECKING, NoReturn

import pytest

from poetry_aegis.registry.errors import UpstreamFailed
from poetry_aegis.registry.options import UpstreamSettings
from poetry_aegis.registry.upstream import client as client_module
from poetry_aegis.registry.upstream.client import SentPage, UpstreamClient, Verdict
from poetry_aegis.registry.upstream.hosts import leads_inside
from poetry_aegis.tables import InvalidTable
from tests.support.upstream import JSON, FakeIndex, Reply, running_index

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "/simple/demo/"


class Asking:
    """A client of *url*, and the kinds of failures it told of."""

    def __init__(self, url: str, timeout: int = 5) -> None:
        self.failures: list[str] = []
        settings = UpstreamSettings(url=url, timeout=timeout)
        self.client = UpstreamClient(settings, "1.2.3", self.failures.append)

    def page(self, etag: str | None = None) -> SentPage | Verdict:
        return asyncio.run(self.client.page("demo", etag))

    def file(self, address: str) -> bytes:
        async def read() -> bytes:
            async with self.client.file(address) as response:
                return b"".join([piece async for piece in response.aiter_raw()])

        return asyncio.run(read())


def test_a_page_is_asked_for_in_json_and_comes_with_its_etag(index: FakeIndex) -> None:
    index.replies[PAGE] = Reply(body=b"{}", headers={"content-type": JSON, "etag": '"1"'})

    page = Asking(index.simple).page()

    assert page == SentPage(b"{}", JSON, f"{index.url}{PAGE}", '"1"')
    headers = index.asked[0].headers
    assert headers["accept"].startswith(f"{JSON},")
    assert headers["user-agent"] == "poetry-aegis-registry/1.2.3"
    assert "if-none-match" not in headers
    assert "authorization" not in headers


@pytest.mark.parametrize("url", ["{}/simple", "{}/simple/", "{}/simple//", "{}/simple/?x#y"])
def test_however_the_address_of_the_index_ends(index: FakeIndex, url: str) -> None:
    index.replies[PAGE] = Reply(body=b"{}")

    assert isinstance(Asking(url.format(index.url)).page(), SentPage)


@pytest.mark.parametrize("etag", ["", "\u00e9"])
def test_an_etag_that_cannot_be_sent_back_is_none(index: FakeIndex, etag: str) -> None:
    index.replies[PAGE] = Reply(body=b"{}", headers={"etag": etag})
    page = Asking(index.simple).page()

    assert isinstance(page, SentPage)
    assert page.etag is None


def test_a_page_that_is_known_is_not_sent_again(index: FakeIndex) -> None:
    index.replies[PAGE] = Reply(304)

    assert Asking(index.simple).page(etag='"1"') is Verdict.UNCHANGED
    assert index.asked[0].headers["if-none-match"] == '"1"'


@pytest.mark.parametrize("status", [404, 410])
def test_a_project_that_is_not_there(index: FakeIndex, status: int) -> None:
    index.replies[PAGE] = Reply(status)
    asking = Asking(index.simple)

    assert asking.page() is Verdict.MISSING
    assert asking.failures == []


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 429, 500, 503])
def test_any_other_status_is_a_failure(index: FakeIndex, status: int) -> None:
    index.replies[PAGE] = Reply(status)
    asking = Asking(index.simple)

    with pytest.raises(UpstreamFailed, match="did not answer as it should"):
        asking.page()

    assert asking.failures == ["status"]


def test_nobody_there_is_a_failure() -> None:
    with running_index() as gone:
        asking = Asking(gone.simple)

    with pytest.raises(UpstreamFailed):
        asking.page()

    assert asking.failures == ["connection"]


def test_silence_is_a_failure(index: FakeIndex) -> None:
    import threading

    hold = threading.Event()
    index.replies[PAGE] = Reply(body=b"{}", cut=1, hold=hold)
    asking = Asking(index.simple, timeout=1)

    try:
        with pytest.raises(UpstreamFailed, match="in time"):
            asking.page()
    finally:
        hold.set()

    assert asking.failures == ["timeout"]


def test_a_page_that_trickles_is_given_up(
    index: FakeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    hold = threading.Event()
    monkeypatch.setattr(client_module, "_WHOLE_PAGE", 0.05)
    index.replies[PAGE] = Reply(body=b"{}", cut=1, hold=hold)
    asking = Asking(index.simple, timeout=5)

    try:
        with pytest.raises(UpstreamFailed, match="in time"):
            asking.page()
    finally:
        hold.set()

    assert asking.failures == ["timeout"]


def test_a_page_that_is_cut_is_a_failure(index: FakeIndex) -> None:
    index.replies[PAGE] = Reply(body=b"{}", cut=1)
    asking = Asking(index.simple)

    with pytest.raises(UpstreamFailed):
        asking.page()

    assert asking.failures == ["connection"]


def test_a_page_without_end_is_a_failure(index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_LARGEST_PAGE", 1000)
    asking = Asking(index.simple)
    index.replies[PAGE] = Reply(body=b"x" * 1000)
    assert isinstance(asking.page(), SentPage)
    index.replies[PAGE] = Reply(body=b"x" * 1001, sized=False)

    with pytest.raises(UpstreamFailed):
        Asking(index.simple).page()


def test_a_redirect_is_followed_and_the_page_knows_where_it_came_from(index: FakeIndex) -> None:
    index.replies[PAGE] = Reply(301, headers={"location": "/mirror/demo/"})
    index.replies["/mirror/demo/"] = Reply(body=b"{}")

    page = Asking(index.simple).page()

    assert isinstance(page, SentPage)
    assert page.address == f"{index.url}/mirror/demo/"


@pytest.mark.parametrize(
    "location", [PAGE, "file:///etc/passwd", "ftp://127.0.0.1/", "//a:b@127.0.0.1/", "", "http://["]
)
def test_a_redirect_that_nobody_should_follow(index: FakeIndex, location: str) -> None:
    index.replies[PAGE] = Reply(302, headers={"location": location})
    asking = Asking(index.simple)

    with pytest.raises(UpstreamFailed):
        asking.page()

    assert asking.failures == ["redirect"]
    assert index.count(PAGE) <= 6


def test_the_credential_goes_to_the_index_alone(
    index: FakeIndex, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="poetry_aegis")
    scheme, _, host = index.simple.partition("://")
    with running_index() as other:
        other.replies["/simple/demo/"] = Reply(body=b"{}")
        other.replies["/file"] = Reply(body=b"content")
        asking = Asking(f"{scheme}://us%65r:p%40ss@{host}")
        index.replies["/file?signature=secret"] = Reply(500)

        index.replies[PAGE] = Reply(302, headers={"location": f"{other.url}/simple/demo/"})
        page = asking.page()
        content = Asking(f"{scheme}://user:p%40ss@{host}").file(f"{other.url}/file")
        with pytest.raises(UpstreamFailed) as failure:
            Asking(f"{scheme}://user:p%40ss@{host}").file(f"{index.url}/file?signature=secret")

    sent = {request.headers.get("authorization") for request in index.asked}
    assert sent == {"Basic dXNlcjpwQHNz"}
    assert [request.headers.get("authorization") for request in other.asked] == [None, None]
    assert isinstance(page, SentPage)
    assert content == b"content"
    for text in (caplog.text, str(failure.value), asking.client.index, page.address):
        assert "p%40ss" not in text
        assert "p@ss" not in text
        assert "secret" not in text
    assert "status 500" in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "index.example.com/simple/",
        "htp://user:secret@index.example.com/",
        "https://user:secret@/simple/",
        "https://user:secret@index.example.com:port/",
        "https://user:secret@[broken/",
        "https://user:secret@index.example.com/sim ple/",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidTable) as refusal:
        UpstreamSettings(url=url)

    assert "secret" not in str(refusal.value)


def test_files_are_not_asked_for_compressed(index: FakeIndex, tmp_path: Path) -> None:
    index.replies["/file"] = Reply(body=b"raw", headers={"content-encoding": "gzip"})

    assert Asking(index.simple).file(f"{index.url}/file") == b"raw"
    assert index.asked[0].headers["accept-encoding"] == "identity"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names that resolve to the given addresses, one after the other and the last for good."""
    known: dict[str, list[str]] = {}
    resolve = socket.getaddrinfo

    def resolved(host: str | bytes, *arguments: object, **keywords: object) -> object:
        addresses = known.get(os.fsdecode(host), [os.fsdecode(host)])
        address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        return resolve(address, *arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return known


@pytest.mark.parametrize(
    "host",
    [
        "127.1.2.3",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 -- a host to refuse
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[::ffff:127.0.0.1]",
        "[2002:7f00:1::]",
        "224.0.0.1",
        "inside.example.com",
    ],
)
def test_what_is_not_of_the_internet_is_never_asked(
    index: FakeIndex, names: dict[str, list[str]], host: str
) -> None:
    names["inside.example.com"] = ["10.0.0.1"]
    index.replies[PAGE] = Reply(302, headers={"location": f"http://{host}:9/x"})
    asking, redirected = Asking(index.simple), Asking(index.simple)

    with pytest.raises(UpstreamFailed):
        asking.file(f"http://{host}:9/x")
    with pytest.raises(UpstreamFailed):
        redirected.page()

    assert asking.failures == redirected.failures == ["address"]


@pytest.mark.parametrize("host", ["93.184.215.14", "[2606:4700::1111]"])
def test_what_is_of_the_internet_may_be_asked(host: str) -> None:
    assert not asyncio.run(leads_inside(f"https://{host}/x"))


def test_a_name_that_leads_nowhere_is_no_connection(
    index: FakeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_arguments: object, **_keywords: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    asking = Asking(index.simple)
    monkeypatch.setattr(socket, "getaddrinfo", nobody)

    with pytest.raises(UpstreamFailed):
        asking.file("https://nowhere.example.com/x")

    assert asking.failures == ["connection"]


def test_a_name_that_is_none_is_a_failure(index: FakeIndex) -> None:
    index.replies[PAGE] = Reply(302, headers={"location": "http://xn--a.example/"})
    asking = Asking(index.simple)

    with pytest.raises(UpstreamFailed):
        asking.file("http://xn--a.example/x")
    with pytest.raises(UpstreamFailed):
        asking.page()

    assert asking.failures == ["connection"] * 2


def test_a_name_that_leads_elsewhere_when_it_is_looked_up_again_tells_nothing(
    index: FakeIndex, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    index.replies["/secret"] = Reply(body=b"secret")
    names["rebound.example.com"] = ["93.184.215.14", "127.0.0.1"]
    asking = Asking("https://index.example.com/simple/")
    port = index.url.rpartition(":")[2]

    with pytest.raises(UpstreamFailed):
        asking.file(f"http://rebound.example.com:{port}/secret")

    assert asking.failures == ["address"]
    assert index.count("/secret") == 1
