"""The legacy JSON API, read from a real registry."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.http.legacy_json import Documents, Wanted
from poetry_aegis.registry.http.pages import FileCache
from poetry_aegis.registry.store.listing import ListedFile, latest_file
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import HTTP, RegistryServer, read, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METADATA = """\
Metadata-Version: 2.4
Name: Lib.Full
Version: 1.1.0
Summary: All there is.
Author-email: Ada <ada@example.com>
License-Expression: MIT
License-File: LICENSE
Keywords: a,b
Classifier: Typing :: Typed
Classifier: Topic :: Utilities
Requires-Python: >=3.9
Requires-Dist: base>=1
Requires-Dist: extra; extra == 'more'
Provides-Extra: more
Project-URL: Source, https://index.example.com/source
Project-URL: Changes, https://index.example.com/changes
Description-Content-Type: text/markdown

# Title

Ein Käse.
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("registry")
    trusting = folder / "settings.toml"
    trusting.write_text('trusted_proxies = ["127.0.0.0/8"]\n')
    with running_registry(folder / "data", arguments=["--settings", str(trusting)]) as server:
        for file in (
            make_wheel(folder, "Lib.Full", "1.0.0", requires_python=">=3.8"),
            make_sdist(folder, "Lib.Full", "1.0.0", requires_python=">=3.8"),
            make_wheel(folder, "Lib.Full", "1.1.0", metadata=METADATA),
            make_wheel(folder, "Lib.Full", "2.0.0rc1"),
        ):
            assert upload(server, file).status_code == 200
        yield server


def document(registry: RegistryServer, path: str) -> dict[str, Any]:
    answer = read(registry, path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", ["/pypi/lib-full/json", "/pypi/Lib_Full/json", "/lib-full/json"])
def test_a_project_is_told_by_its_latest_release(registry: RegistryServer, path: str) -> None:
    found = document(registry, path)
    info = found["info"]
    assert (info["name"], info["version"], info["summary"]) == (
        "Lib.Full",
        "1.1.0",
        "All there is.",
    )
    assert info["description"] == "# Title\n\nEin Käse.\n"
    assert info["description_content_type"] == "text/markdown"
    assert info["requires_dist"] == ["base>=1", "extra; extra == 'more'"]
    assert info["provides_extra"] == ["more"]
    assert info["requires_python"] == ">=3.9"
    assert info["classifiers"] == ["Typing :: Typed", "Topic :: Utilities"]
    assert info["author_email"] == "Ada <ada@example.com>"
    assert (info["license_expression"], info["license_files"]) == ("MIT", ["LICENSE"])
    assert info["project_urls"] == {
        "Source": "https://index.example.com/source",
        "Changes": "https://index.example.com/changes",
    }
    assert (info["yanked"], info["yanked_reason"]) == (False, None)
    assert (found["vulnerabilities"], isinstance(found["last_serial"], int)) == ([], True)
    assert {version: len(files) for version, files in found["releases"].items()} == {
        "1.0.0": 2,
        "1.1.0": 1,
        "2.0.0rc1": 1,
    }


def test_a_version_is_told_with_its_files(registry: RegistryServer) -> None:
    found = document(registry, "/pypi/lib-full/1.0/json")
    assert found["info"]["version"] == "1.0.0"
    assert found["info"]["requires_dist"] is None
    assert "releases" not in found
    wheel, sdist = found["urls"]
    assert (wheel["packagetype"], wheel["python_version"]) == ("bdist_wheel", "py3")
    assert (sdist["packagetype"], sdist["python_version"]) == ("sdist", "source")
    assert wheel["requires_python"] == ">=3.8"
    assert wheel["upload_time_iso_8601"].startswith(wheel["upload_time"])
    for file in (wheel, sdist):
        # The address is a whole one: it can be fetched as it is.
        content = HTTP.get(file["url"], auth=("rae", registry.users["rae"][0])).content
        assert hashlib.sha256(content).hexdigest() == file["digests"]["sha256"]
        assert len(content) == file["size"]


def test_a_client_that_has_it_is_told_so_until_it_changes(
    registry: RegistryServer, tmp_path: Path
) -> None:
    assert upload(registry, make_wheel(tmp_path, "changing", "1.0")).status_code == 200
    path, known = "/pypi/changing/json", {}
    first = read(registry, path)
    known = {"if-none-match": first.headers["etag"]}
    assert read(registry, path, headers=known).status_code == 304
    url = f"{registry.url}/api/v1/projects/changing/versions/1.0/yank"
    yanked = HTTP.put(url, json={"reason": "bad"}, auth=("ada", registry.users["ada"][0]))
    assert yanked.status_code == 200
    second = read(registry, path, headers=known)
    assert second.status_code == 200
    info, (file,) = second.json()["info"], second.json()["urls"]
    assert (info["yanked"], info["yanked_reason"]) == (True, "bad")
    assert (file["yanked"], file["yanked_reason"]) == (True, "bad")
    assert second.json()["last_serial"] > first.json()["last_serial"]


def test_a_proxy_that_is_trusted_names_the_address(registry: RegistryServer) -> None:
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-host": "index.example.com"}
    (file,) = read(registry, "/pypi/lib-full/1.1/json", headers=forwarded).json()["urls"]
    assert file["url"].startswith("https://index.example.com/packages/lib-full/")
    (file,) = document(registry, "/pypi/lib-full/1.1/json")["urls"]
    assert file["url"].startswith(f"{registry.url}/packages/")


@pytest.mark.parametrize("host", ["a b", 'x"><script>', "host:port", "http://other", "a/../b"])
def test_a_host_that_is_none_is_not_repeated(registry: RegistryServer, host: str) -> None:
    answer = read(registry, "/pypi/lib-full/1.1/json", headers={"host": host})
    if answer.status_code == 200:
        assert answer.json()["urls"][0]["url"].startswith("/packages/lib-full/")
    else:
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/pypi/nothing/json",
        "/pypi/lib-full/9/json",
        "/pypi/lib-full/one/json",
        f"/pypi/lib-full/{'1' * 5000}/json",
        "/pypi/-/json",
        f"/{'a' * 5000}/json",
    ],
)
def test_what_is_not_there_is_not_found(registry: RegistryServer, path: str) -> None:
    assert read(registry, path).status_code == 404
    assert read(registry, path, user=None).status_code == 401


def test_a_name_does_not_lead_out_of_the_store(registry: RegistryServer) -> None:
    for path in ("/pypi/..%2F..%2Fauth/json", "/pypi/../../auth/json", "/%2E%2E/json"):
        assert read(registry, path).status_code == 404


def test_a_quarantined_project_is_not_shown(registry: RegistryServer, tmp_path: Path) -> None:
    assert upload(registry, make_wheel(tmp_path, "suspect", "1.0")).status_code == 200
    url = f"{registry.url}/api/v1/projects/suspect"
    HTTP.patch(url, json={"status": "quarantined"}, auth=("ada", registry.users["ada"][0]))
    assert read(registry, "/pypi/suspect/json").status_code == 404
    assert read(registry, "/pypi/suspect/1.0/json").status_code == 404


def test_a_store_without_metadata_is_told_from_the_record(
    registry: RegistryServer, tmp_path: Path
) -> None:
    assert upload(registry, make_sdist(tmp_path, "older", "1.0")).status_code == 200
    metadata = registry.data / "packages" / "older" / "older-1.0.tar.gz.metadata"
    metadata.unlink(missing_ok=True)
    info = document(registry, "/pypi/older/json")["info"]
    assert (info["name"], info["version"], info["summary"]) == ("older", "1.0", None)


def test_what_is_kept_in_memory_is_bounded(registry: RegistryServer) -> None:
    data = DataDirectory(registry.data)
    page = FileCache().get(str(data.project_pages("lib-full") / "index.json"))
    assert page is not None
    wanted = [Wanted("lib-full", version, "") for version in (None, "1.0.0", "1.1.0")]
    documents = Documents(data)
    made = [documents.make(one, page) for one in wanted]
    assert all(
        documents.known(one, page) is document for one, document in zip(wanted, made, strict=True)
    )

    few = Documents(data, most=made[1].weight + made[2].weight)
    for one in wanted:
        few.make(one, page)
    assert [few.known(one, page) is not None for one in wanted] == [False, True, True]


def test_the_addresses_that_clients_make_up_are_not_collected(registry: RegistryServer) -> None:
    data = DataDirectory(registry.data)
    page = FileCache().get(str(data.project_pages("lib-full") / "index.json"))
    assert page is not None
    documents = Documents(data)
    for number in range(4):
        wanted = Wanted("lib-full", None, f"http://{number}")
        assert f"http://{number}/".encode() in documents.make(wanted, page).body
        assert documents.known(wanted, page) is not None

    assert documents.known(Wanted("lib-full", None, "http://0"), page) is None
    assert len(documents._made) == 1


def test_threads_make_documents_without_an_end(registry: RegistryServer) -> None:
    data = DataDirectory(registry.data)
    page = FileCache().get(str(data.project_pages("lib-full") / "index.json"))
    assert page is not None
    wanted = [Wanted("lib-full", version, "") for version in (None, "1.0.0", "1.1.0", "2.0.0rc1")]
    few = Documents(data, most=2 * Documents(data).make(wanted[0], page).weight)
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda number: few.make(wanted[number % 4], page), range(400)))

    assert len({document.etag for document in made}) == 4
    assert few._made._weight <= few._made._most


@pytest.mark.parametrize("spelling", ["1.0", "1.0.0", "v1", "1.0.0.0.0"])
def test_spellings_of_a_version_are_one_document(registry: RegistryServer, spelling: str) -> None:
    wanted = Wanted.of("lib-full", spelling, "")

    assert wanted == Wanted("lib-full", "1", "")


@pytest.mark.parametrize(
    ("versions", "latest"),
    [
        ({}, None),
        ({"1.0": None, "1.10": None, "1.9": None}, "1.10"),
        ({"1.0": None, "2.0rc1": None}, "1.0"),
        ({"1.0": None, "2.0": ""}, "1.0"),
        ({"1.0": "bad", "2.0rc1": None}, "2.0rc1"),
        ({"1.0": "bad", "2.0": "bad", "3.0rc1": "bad"}, "3.0rc1"),
    ],
)
def test_the_latest_version_is_the_one_that_installers_would_pick(
    versions: dict[str, str | None], latest: str | None
) -> None:
    files = tuple(
        ListedFile(f"demo-{version}.tar.gz", version, "", 1, "", yanked=yanked)
        for version, yanked in versions.items()
    )
    found = latest_file(files)
    assert (found and found.version) == latest
