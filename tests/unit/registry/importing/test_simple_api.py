from __future__ import annotations

import hashlib
import json
import re
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.errors import ImportFailed
from poetry_aegis.registry.importing import patience, simple_api
from poetry_aegis.registry.importing.client import IndexClient
from poetry_aegis.registry.store.store import Store
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import running_registry, upload
from tests.unit.registry.importing.made_up import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from tests.support.registry import RegistryServer
    from tests.unit.registry.importing.conftest import Importing
    from tests.unit.registry.importing.made_up import Answers

WHEEL = "demo-1.0.0-py3-none-any.whl"
NEWER = '<meta name="pypi:repository-version" content="1.4">'
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Try again at once, and know of no netrc."""
    monkeypatch.setattr(patience, "_PAUSES", (0.0, 0.0))
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """Run another registry with three files, one of them yanked."""
    root = tmp_path_factory.mktemp("other")
    with running_registry(root / "data") as server:
        for file in (
            make_wheel(root),
            make_sdist(root, requires_python=">=3.9"),
            make_wheel(root, "my-pkg", "2.0"),
        ):
            assert upload(server, file).status_code == 200
        store = Store(DataDirectory.open(server.data))
        store.yank("demo", ["demo-1.0.0.tar.gz"], "does not build")
        yield server


def test_another_index_comes_over_with_times_and_yanks(
    importing: Importing, other: RegistryServer
) -> None:
    report = importing.run(other.authenticated_url("rae"))

    assert report.added == (
        f"demo/{WHEEL}",
        "demo/demo-1.0.0.tar.gz",
        "my-pkg/my_pkg-2.0-py3-none-any.whl",
    )
    assert report.failed == ()
    assert report.source == f"{other.url}/simple/"
    theirs = Store(DataDirectory(other.data))
    for project in ("demo", "my-pkg"):
        assert importing.store.listing(project) == theirs.listing(project)
    assert importing.heard.pages[-1] == (2, 2)

    again = importing.run(other.authenticated_url("rae"))
    assert (again.added, again.present, again.size) == ((), report.added, 0)


def test_only_some_projects_are_asked_for(importing: Importing, other: RegistryServer) -> None:
    assert importing.run(other.authenticated_url("rae"), ["my-*"]).added == (
        "my-pkg/my_pkg-2.0-py3-none-any.whl",
    )
    report = importing.run(other.authenticated_url("rae"), ["demo", "absent"])
    assert len(report.added) == 2
    assert [finding.what for finding in report.failed] == ["absent"]


def test_a_trial_downloads_nothing(importing: Importing, other: RegistryServer) -> None:
    report = importing.run(other.authenticated_url("rae"), dry_run=True)

    assert (len(report.added), report.size) == (3, 0)
    assert importing.store.projects() == []


def test_credentials_come_from_netrc(
    importing: Importing, other: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login rae password {other.users['rae'][0]}\n")
    monkeypatch.setenv("NETRC", str(netrc))

    assert len(importing.run(f"{other.url}/simple/").added) == 3


def test_a_wrong_password_is_told_of_and_not_shown(
    importing: Importing, other: RegistryServer
) -> None:
    url = other.url.replace("://", "://rae:wrong-secret@")

    with pytest.raises(ImportFailed, match="user and password") as caught:
        importing.run(f"{url}/simple/")

    assert "wrong-secret" not in str(caught.value)


# An index that a test makes up.


def html(text: str) -> Any:
    return lambda _: (200, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


def page(*files: Any) -> Any:
    body = json.dumps({"meta": {"api-version": "1.1"}, "name": "demo", "files": files}).encode()
    return lambda _: (200, {"Content-Type": JSON}, body)


def entry(wheel: bytes, **changes: Any) -> dict[str, Any]:
    sha256 = hashlib.sha256(wheel).hexdigest()
    return {"filename": WHEEL, "url": f"/files/{WHEEL}", "hashes": {"sha256": sha256}} | changes


@pytest.fixture
def wheel(tmp_path: Path) -> bytes:
    return make_wheel(tmp_path / "made").read_bytes()


def test_an_index_of_html_alone(importing: Importing, wheel: bytes) -> None:
    sha256 = hashlib.sha256(wheel).hexdigest()
    link = f'<a href="../../files/{WHEEL}#sha256={sha256}" data-yanked="old">{WHEEL}</a>'
    answers: Answers = {
        "/simple/": html('<a href="/simple/demo/">Demo</a> <a href="x/">../not a name</a>'),
        "/simple/demo/": html(f"{NEWER}{link} <a href='notes.txt'>notes.txt</a>"),
        f"/files/{WHEEL}": lambda _: (200, {}, wheel),
    }
    with serving(answers) as url, warnings.catch_warnings():
        warnings.simplefilter("error")
        report = importing.run(f"{url}/simple")

    assert report.added == (f"demo/{WHEEL}",)
    assert [finding.what for finding in report.skipped] == ["demo/notes.txt"]
    assert importing.store.listing("demo").files[0].yanked == "old"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hashes": {"sha256": "0" * 64}}, "Its sha256 is not the one"),
        ({"size": 5}, "It has 5 bytes|tells of 5"),
        ({"size": 10**6}, "larger than this registry takes"),
        ({"filename": "other-1.0.tar.gz"}, "belongs to the project other"),
        ({"url": "file:///etc/passwd"}, "not one of HTTP"),
        ({"url": "http://xn--a.example/x"}, "cannot be read"),
        ({"url": 5}, "makes no sense"),
        ({"hashes": None}, "makes no sense"),
        ({"url": "/files/absent"}, "answers 404"),
    ],
)
def test_a_file_that_is_not_as_its_page_says(
    importing: Importing, wheel: bytes, changes: dict[str, Any], reason: str
) -> None:
    answers: Answers = {
        "/demo/": page(entry(wheel, **changes)),
        f"/files/{WHEEL}": lambda _: (200, {}, wheel),
    }
    with serving(answers) as url:
        report = importing.run(url, ["demo"])

    assert report.added == ()
    (failure,) = report.failed
    assert re.search(reason, failure.reason)
    assert not importing.store.exists("demo")


def test_what_breaks_off_is_tried_again(importing: Importing, wheel: bytes) -> None:
    asked: list[str] = []

    def flaky(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        asked.append(request.path)
        match len(asked):
            case 1:
                return 503, {}, b"not now"
            case 2:
                return 200, {"Content-Length": str(len(wheel)), "Connection": "close"}, wheel[:50]
        return 200, {}, wheel

    answers: Answers = {"/demo/": page(entry(wheel)), f"/files/{WHEEL}": flaky}
    with serving(answers) as url:
        report = importing.run(url, ["demo"])

    assert report.added == (f"demo/{WHEEL}",)
    assert len(asked) == 3


def test_what_stays_broken_is_told_of(importing: Importing, wheel: bytes) -> None:
    answers: Answers = {
        "/demo/": page(entry(wheel)),
        "/worse/": lambda _: (500, {}, b""),
        f"/files/{WHEEL}": lambda _: (502, {}, b""),
    }
    with serving(answers) as url:
        report = importing.run(url, ["demo", "worse"])

    assert [finding.what for finding in report.failed] == [f"demo/{WHEEL}", "worse"]
    assert "answers 502 Bad Gateway" in report.failed[0].reason


def test_a_password_goes_to_the_index_alone(importing: Importing, wheel: bytes) -> None:
    seen: dict[str, str | None] = {}

    def noting(name: str, answer: Any) -> Any:
        def answered(request: BaseHTTPRequestHandler) -> Any:
            seen[name] = request.headers.get("Authorization")
            return answer(request)

        return answered

    elsewhere: Answers = {f"/files/{WHEEL}": noting("file", lambda _: (200, {}, wheel))}
    with serving(elsewhere) as files:
        theirs = entry(wheel, url=f"{files}/files/{WHEEL}")
        answers: Answers = {"/demo/": noting("page", page(theirs))}
        with serving(answers) as url:
            report = importing.run(url.replace("://", "://ana:s%40cret@"), ["demo"])

    assert report.added == (f"demo/{WHEEL}",)
    assert seen == {"page": "Basic YW5hOnNAY3JldA==", "file": None}
    assert "cret" not in report.source


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: (404, {}, b""),
        lambda _: (200, {"Content-Type": "text/plain"}, b"hello"),
        lambda _: (200, {"Content-Type": JSON}, b"[]"),
        lambda _: (200, {"Content-Type": JSON}, b"["),
        lambda _: (200, {"Content-Type": "text/html"}, b"<![what is this]>"),
        lambda _: (403, {}, b""),
        lambda _: (302, {"Location": "/simple/"}, b""),
    ],
)
def test_what_is_no_index_is_refused(importing: Importing, answer: Any) -> None:
    with serving({"/simple/": answer}) as url, pytest.raises(ImportFailed, match="/simple/"):
        importing.run(f"{url}/simple/")


def test_nobody_there(importing: Importing) -> None:
    with serving({}) as url:
        pass
    with pytest.raises(ImportFailed, match="does not answer"):
        importing.run(f"{url}/simple/")
    with pytest.raises(ImportFailed, match="not valid"):
        importing.run("http://index.example.com:port/simple/")


def test_a_whole_public_index_is_hardly_meant(
    importing: Importing, other: RegistryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simple_api, "MOST_PROJECTS", 1)

    with pytest.raises(ImportFailed, match="has 2 projects; say which are meant with --only"):
        importing.run(other.authenticated_url("rae"))
    assert len(importing.run(other.authenticated_url("rae"), ["*"]).added) == 3


def test_a_page_without_end_is_not_read_to_the_end(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poetry_aegis.registry.importing.client._LARGEST_PAGE", 1000)

    with serving({"/demo/": html("x" * 2000)}) as url:
        report = importing.run(url, ["demo"])

    assert "larger than any index's" in report.failed[0].reason


@pytest.mark.parametrize(
    ("index", "file", "asked"),
    [("https", "https", True), ("https", "http", False), ("http", "http", True)],
)
def test_netrc_is_not_for_plain_http_behind_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: str, file: str, asked: bool
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine files.example.com login ana password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    client = IndexClient(f"{index}://index.example.com/simple/")

    credential = client._credential_for(f"{file}://files.example.com/{WHEEL}")
    assert credential == (("ana", "s3cret") if asked else None)
