"""Another index behind a real registry: what is shown of it, and what never is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.distributions import core_metadata, make_wheel
from tests.support.registry import (
    HTTP,
    JSON,
    RegistryServer,
    listed_files,
    read,
    running_registry,
    upload,
)
from tests.support.upstream import FakeIndex, Reply, running_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BIG = {"data.bin": os.urandom(3_000_000)}
INSTALL = {
    "pip": ["pip", "install", "--isolated", "--no-cache-dir", "--disable-pip-version-check"],
    "uv": ["uv", "pip", "install", "--python", sys.executable],
}
STEERING = ("PIP_", "UV_", "VIRTUAL_ENV")


@contextmanager
def registry_before(index: FakeIndex, folder: Path, *lines: str) -> Iterator[RegistryServer]:
    """Run a registry with *index* behind it; *lines* come first in its settings."""
    settings = folder / "settings.toml"
    table = ["[upstream]", f'url = "{index.simple}"', "timeout = 10", 'deny = ["denied-*"]']
    settings.write_text("\n".join([*lines, *table]), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        with running_registry(folder / "data", arguments=("--settings", str(settings))) as server:
            yield server


@pytest.fixture(scope="module")
def index() -> Iterator[FakeIndex]:
    with running_index() as running:
        yield running


@pytest.fixture(scope="module")
def registry(
    index: FakeIndex, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("upstream")
    with registry_before(index, folder, 'reserved = ["acme-*"]') as server:
        yield server


def files_of(server: RegistryServer, path: str, requests: int) -> list[httpx.Response]:
    with ThreadPoolExecutor(requests) as threads:
        return list(threads.map(lambda _: read(server, path), range(requests)))


def kept(server: RegistryServer, project: str) -> list[str]:
    """Return the digests of the files of *project* that are in the cache."""
    folder = server.data / "upstream" / project
    return sorted(path.name for path in folder.iterdir() if path.name != "page.json")


def test_twenty_clients_are_one_request_upstream(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "many", files=BIG)
    path = index.publish("many", wheel)

    pages = files_of(registry, "/simple/many/", 20)
    answers = files_of(registry, f"/upstream/many/{wheel.name}", 20)

    assert {page.status_code for page in pages} == {200}
    assert all(answer.content == wheel.read_bytes() for answer in answers)
    assert index.count("/simple/many/") == 1
    assert index.count(path) == 1


def test_the_page_comes_in_each_format_with_files_on_this_host(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "formats")
    index.publish("formats", wheel, requires_python=">=3.8", yanked="broken")

    as_json = read(registry, "/simple/formats/", headers={"accept": JSON})
    as_html = read(registry, "/simple/formats/", headers={"accept-encoding": "identity"})
    again = read(
        registry,
        "/simple/formats/",
        headers={"accept": JSON, "if-none-match": as_json.headers["etag"]},
    )
    not_taken = read(registry, "/simple/formats/", headers={"accept": "image/png"})

    (file,) = as_json.json()["files"]
    assert as_json.headers["content-type"] == JSON
    assert as_json.headers["content-encoding"] == "gzip"
    assert as_json.json()["meta"] == {"api-version": "1.4"}
    assert file["url"] == f"../../upstream/formats/{wheel.name}"
    assert f'href="../../upstream/formats/{wheel.name}#sha256=' in as_html.text
    assert 'data-yanked="broken"' in as_html.text
    assert index.url not in as_json.text + as_html.text
    assert again.status_code == 304
    assert not_taken.status_code == 406


def test_a_name_is_normalised_before_it_is_looked_up(
    registry: RegistryServer, index: FakeIndex
) -> None:
    answer = read(registry, "/simple/Some_Name/")

    assert answer.status_code == 301
    assert answer.headers["location"] == "../some-name/"
    assert not any("ome" in request.path for request in index.asked)


@pytest.mark.parametrize("project", ["acme-secret", "denied-thing"])
def test_what_is_reserved_or_denied_is_never_asked_for(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path, project: str
) -> None:
    wheel = make_wheel(tmp_path, project)
    index.publish(project, wheel)

    page = read(registry, f"/simple/{project}/")
    file = read(registry, f"/upstream/{project}/{wheel.name}")

    assert (page.status_code, file.status_code) == (404, 404)
    assert not any(project in request.path for request in index.asked)


def test_a_project_that_is_here_hides_the_one_outside(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    foreign = make_wheel(tmp_path / "foreign", "confused", "99.0.0")
    index.publish("confused", foreign)
    before = listed_files(registry, "confused")
    address = f"/upstream/confused/{foreign.name}"
    assert read(registry, address).status_code == 200
    asked = len(index.asked)

    ours = make_wheel(tmp_path / "ours", "confused", "1.0.0")
    assert upload(registry, ours).status_code == 200

    assert list(before) == [foreign.name]
    assert list(listed_files(registry, "confused")) == [ours.name]
    assert read(registry, address).status_code == 404
    assert read(registry, f"{address}.metadata").status_code == 404
    assert len(index.asked) == asked


def test_an_upload_while_upstream_is_asked_wins(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    hold = threading.Event()
    index.publish("raced", make_wheel(tmp_path / "foreign", "raced", "99.0.0"))
    page = Reply(body=index.page_json("raced"), headers={"content-type": JSON}, cut=1, hold=hold)
    index.replies["/simple/raced/"] = page
    ours = make_wheel(tmp_path / "ours", "raced")

    with ThreadPoolExecutor() as threads:
        asking = threads.submit(read, registry, "/simple/raced/")
        while not index.count("/simple/raced/"):
            time.sleep(0.01)
        assert upload(registry, ours).status_code == 200
        hold.set()
        answer = asking.result()

    assert answer.status_code == 404
    assert list(listed_files(registry, "raced")) == [ours.name]


def test_a_folder_of_files_that_are_not_indexed_yet_keeps_its_name(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    index.publish("by-hand", make_wheel(tmp_path, "by-hand", "99.0.0"))
    make_wheel(registry.data / "packages" / "by-hand", "by-hand")

    assert read(registry, "/simple/by-hand/").status_code == 404
    assert not any("by-hand" in request.path for request in index.asked)


def test_strangers_and_wrong_passwords_see_nothing_of_it(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "private")
    index.publish("private", wheel)

    for path in ("/simple/private/", f"/upstream/private/{wheel.name}"):
        assert read(registry, path, user=None).status_code == 401
        assert HTTP.get(registry.url + path, auth=("rae", "wrong")).status_code == 401
    assert not any("private" in request.path for request in index.asked)


def test_the_project_list_is_of_the_projects_that_are_here(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    index.publish("unlisted", make_wheel(tmp_path, "unlisted"))
    assert read(registry, "/simple/unlisted/").status_code == 200

    assert "unlisted" not in read(registry, "/simple/").text


def test_a_page_from_outside_says_so(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    """Its status is not that of a project of the name which may be uploaded here."""
    index.publish("theirs", make_wheel(tmp_path, "theirs"))
    upload(registry, make_wheel(tmp_path, "ours"))
    for accept in ("application/vnd.pypi.simple.v1+json", "text/html"):
        headers = [
            read(registry, f"/simple/{name}/", headers={"accept": accept}).headers
            for name in ("theirs", "ours")
        ]
        assert [one.get("aegis-shown-from") for one in headers] == ["upstream", None]


def test_a_file_that_is_kept_is_served_in_ranges_and_for_good(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "ranges", files=BIG)
    path = index.publish("ranges", wheel)
    address = f"/upstream/ranges/{wheel.name}"
    content = wheel.read_bytes()

    head = HTTP.head(registry.url + address, auth=("rae", "reader-secret"))
    not_asked = index.count(path)
    first = read(registry, address, headers={"range": "bytes=10-19"})
    second = read(registry, address, headers={"range": "bytes=10-19"})
    beyond = read(registry, address, headers={"range": "bytes=99999999-"})

    assert (head.status_code, not_asked) == (200, 0)
    assert head.headers["content-length"] == str(len(content))
    assert (first.status_code, first.content) == (200, content)
    assert (second.status_code, second.content) == (206, content[10:20])
    assert beyond.status_code == 416
    assert second.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert index.count(path) == 1


def test_core_metadata_is_relayed(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    metadata = core_metadata("described").encode()
    index.publish("described", make_wheel(tmp_path, "described"), metadata=metadata)
    bare = make_wheel(tmp_path, "described", "2.0.0")
    path = index.publish("described", bare)

    file = listed_files(registry, "described")["described-1.0.0-py3-none-any.whl"]
    answer = read(registry, f"/upstream/described/{file['filename']}.metadata")
    without = read(registry, f"/upstream/described/{bare.name}.metadata")

    assert "core-metadata" in file
    assert answer.content == metadata
    assert without.status_code == 404
    assert index.count(f"{path}.metadata") == 0


def test_core_metadata_that_are_wrong_or_missing_are_not_there(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    wrong, missing = (make_wheel(tmp_path, "undescribed", version) for version in ("1.0", "2.0"))
    for wheel, reply in ((wrong, Reply(body=b"others")), (missing, Reply(404))):
        path = index.publish("undescribed", wheel, metadata=b"Metadata-Version: 2.1\n")
        index.replies[f"{path}.metadata"] = reply

    for wheel in (wrong, missing):
        metadata = read(registry, f"/upstream/undescribed/{wheel.name}.metadata")
        file = read(registry, f"/upstream/undescribed/{wheel.name}")

        assert metadata.status_code == 404  # at a 502, clients would not go on with the file
        assert file.content == wheel.read_bytes()


def test_core_metadata_are_beside_a_file_whose_address_is_signed(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    wheel, metadata = make_wheel(tmp_path, "signed"), core_metadata("signed").encode()
    index.publish("signed", wheel, metadata=metadata, url="/signed/x.whl?sig=abc#sha256=def")
    index.replies["/signed/x.whl?sig=abc"] = Reply(body=wheel.read_bytes())
    index.replies["/signed/x.whl.metadata?sig=abc"] = Reply(body=metadata)

    address = f"/upstream/signed/{wheel.name}"

    assert read(registry, f"{address}.metadata").content == metadata
    assert read(registry, address).content == wheel.read_bytes()


def test_a_page_does_not_lead_readers_into_the_network_of_the_registry(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "inwards")
    port = index.url.rpartition(":")[2]
    index.publish("inwards", wheel, url=f"http://127.0.0.2:{port}/inwards")
    index.replies["/inwards"] = Reply(body=wheel.read_bytes())

    answer = read(registry, f"/upstream/inwards/{wheel.name}")

    assert answer.status_code == 502
    assert index.count("/inwards") == 0
    failures = [line for line in registry.log_lines() if line["event"] == "upstream-failed"]
    assert failures[-1]["kind"] == "address"
    assert "127.0.0.2" in failures[-1]["message"]


def test_a_file_that_the_disk_has_no_space_for_is_not_fetched(
    index: FakeIndex, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "immense")
    path = index.publish("immense", wheel, size=10**15)
    index.replies[path] = Reply(body=wheel.read_bytes(), sized=False)

    with registry_before(index, tmp_path, 'max_upload_size = "10000000GiB"') as registry:
        answer = read(registry, f"/upstream/immense/{wheel.name}")

    assert (answer.status_code, answer.text) == (
        507,
        "The registry has no space left for the file.\n",
    )
    assert kept(registry, "immense") == []


@pytest.mark.parametrize(
    "path",
    [
        "/upstream/named/other-1.0.tar.gz",
        "/upstream/named/named-9.9.tar.gz",
        "/upstream/named/page.json",
        "/upstream/named/..%2Fpage.json",
        "/upstream/Named/named-1.0.0-py3-none-any.whl",
        "/upstream/..%2F..%2Fauth/htpasswd",
        "/upstream/%00/named-1.0.0-py3-none-any.whl",
        "/upstream/absent/absent-1.0.tar.gz",
        "/simple/absent/",
    ],
)
def test_what_the_page_does_not_name_is_not_there(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path, path: str
) -> None:
    index.publish("named", make_wheel(tmp_path, "named"))

    answer = read(registry, path)

    assert answer.status_code == 404
    assert "There is no" in answer.text


def test_a_wrong_file_reaches_nobody(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    small, large = make_wheel(tmp_path, "wrong"), make_wheel(tmp_path, "wrong", "2.0.0", files=BIG)
    for wheel in (small, large):
        content = wheel.read_bytes()
        path = index.publish("wrong", wheel)
        index.replies[path] = Reply(body=content[:-1] + bytes([content[-1] ^ 1]))

    refused = read(registry, f"/upstream/wrong/{small.name}")
    with pytest.raises(httpx.RemoteProtocolError):
        read(registry, f"/upstream/wrong/{large.name}")

    assert refused.status_code == 502
    assert "did not answer as it should" in refused.text
    assert kept(registry, "wrong") == []
    assert list((registry.data / ".work" / "incoming").iterdir()) == []


def test_an_index_that_fails_is_told_of_and_what_is_kept_is_shown(
    registry: RegistryServer, index: FakeIndex, tmp_path: Path
) -> None:
    index.replies["/simple/failing/"] = Reply(503)

    refused = read(registry, "/simple/failing/")

    assert refused.status_code == 502
    failures = [line for line in registry.log_lines() if line["event"] == "upstream-failed"]
    assert failures[-1]["kind"] == "status"
    assert "/simple/failing/" in failures[-1]["message"]


def environment(home: Path) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(STEERING)}
    return inherited | {
        "HOME": str(home),
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
        "UV_CACHE_DIR": str(home / "cache"),
        "NO_PROXY": "127.0.0.1",
    }


@pytest.mark.parametrize("client", list(INSTALL))
@pytest.mark.parametrize("speaks_json", [True, False])
def test_clients_install_what_is_here_with_what_it_needs_from_outside(
    index: FakeIndex,
    registry: RegistryServer,
    tmp_path: Path,
    client: str,
    speaks_json: bool,
) -> None:
    outside = f"outside-{client}-{'json' if speaks_json else 'html'}"
    here = f"here-{client}-{speaks_json}".lower()
    index.publish(outside, make_wheel(tmp_path, outside, files=BIG))
    assert upload(registry, make_wheel(tmp_path, here, requires=[outside])).status_code == 200
    target = tmp_path / "target"
    index.speaks_json = speaks_json

    options = ["--index-url", registry.authenticated_url("rae"), "--target", str(target)]

    try:
        done = subprocess.run(
            [sys.executable, "-m", *INSTALL[client], *options, here],
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        index.speaks_json = True

    assert done.returncode == 0, done.stdout
    assert (target / outside.replace("-", "_") / "__init__.py").is_file()
    assert (target / here.replace("-", "_") / "__init__.py").is_file()


def test_a_kill_during_a_download_leaves_nothing_wrong(index: FakeIndex, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "killed", files=BIG)
    content = wheel.read_bytes()
    path = index.publish("killed", wheel)
    hold = threading.Event()
    index.replies[path] = Reply(body=content, cut=2_000_000, hold=hold)
    address = f"/upstream/killed/{wheel.name}"

    with registry_before(index, tmp_path) as registry:
        with HTTP.stream("GET", registry.url + address, auth=("rae", "reader-secret")) as answer:
            pieces = answer.iter_bytes()
            next(pieces)
            registry.kill()
            with pytest.raises(httpx.TransportError):
                list(pieces)
        assert len(list((registry.data / ".work" / "incoming").iterdir())) == 1
        hold.set()
        assert kept(registry, "killed") == []
    del index.replies[path]
    with registry_before(index, tmp_path) as registry:
        assert list((registry.data / ".work" / "incoming").iterdir()) == []
        assert read(registry, address).content == content
        assert index.count("/simple/killed/") == 1


def test_a_stop_during_a_download_leaves_nothing(index: FakeIndex, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "stopped", files=BIG)
    path = index.publish("stopped", wheel)
    hold = threading.Event()
    index.replies[path] = Reply(body=wheel.read_bytes(), cut=2_000_000, hold=hold)

    with registry_before(index, tmp_path) as registry:
        address = f"{registry.url}/upstream/stopped/{wheel.name}"
        with HTTP.stream("GET", address, auth=("rae", "reader-secret")) as answer:
            next(answer.iter_bytes())
        ended = registry.terminate()
        hold.set()

        assert ended == 0
        assert list((registry.data / ".work" / "incoming").iterdir()) == []
        assert kept(registry, "stopped") == []


def test_pages_grow_old_and_are_shown_while_upstream_is_down(tmp_path: Path) -> None:
    with running_index() as index:
        index.publish("aged", make_wheel(tmp_path, "aged"))
        with registry_before(index, tmp_path) as registry:
            assert list(listed_files(registry, "aged")) == ["aged-1.0.0-py3-none-any.whl"]
            record = registry.data / "upstream" / "aged" / "page.json"
    page = json.loads(record.read_bytes())
    record.write_text(json.dumps(page | {"fetched": time.time() - 10_000}))

    with registry_before(index, tmp_path) as registry:
        assert list(listed_files(registry, "aged")) == ["aged-1.0.0-py3-none-any.whl"]
        assert "shown as it was fetched before" in registry.log()
