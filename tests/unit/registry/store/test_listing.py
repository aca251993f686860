from __future__ import annotations

import json

import pytest

from poetry_aegis.registry.store.listing import (
    ListedFile,
    Listing,
    parse_listing,
    parse_project_list,
    timestamp,
)

WHEEL = ListedFile("demo-1.0-py3-none-any.whl", "1.0", "aa", 10, timestamp(0), "bb", ">=3.9")
SDIST = ListedFile("demo-1.10.tar.gz", "1.10", "cc", 20, timestamp(1))


def test_a_page_is_read_back_as_it_was_written() -> None:
    listing = Listing("demo").with_file(SDIST).with_file(WHEEL)

    assert listing.files == (WHEEL, SDIST)
    assert parse_listing(json.dumps(listing.to_json()).encode()) == listing


def test_the_page_is_what_pep_691_700_and_714_say() -> None:
    page = Listing("demo", (WHEEL, SDIST)).to_json()

    assert page["meta"] == {"api-version": "1.4"}
    assert page["name"] == "demo"
    assert page["versions"] == ["1.0", "1.10"]
    assert page["files"][0] == {
        "filename": "demo-1.0-py3-none-any.whl",
        "url": "../../packages/demo/demo-1.0-py3-none-any.whl",
        "hashes": {"sha256": "aa"},
        "size": 10,
        "upload-time": "1970-01-01T00:00:00.000000Z",
        "yanked": False,
        "core-metadata": {"sha256": "bb"},
        "requires-python": ">=3.9",
    }
    assert not {"core-metadata", "requires-python"} & page["files"][1].keys()


def test_a_file_takes_the_place_of_its_namesake() -> None:
    newer = ListedFile(SDIST.file_name, "1.10", "dd", 30, timestamp(2))

    listing = Listing("demo", (SDIST,)).with_file(newer)

    assert listing.files == (newer,)
    assert listing.file(SDIST.file_name) == newer
    assert listing.file("other") is None


def test_versions_are_in_the_order_of_pep_440() -> None:
    names = ["1.10", "1.9", "1.0rc1", "1.0", "1!0.1"]
    files = tuple(ListedFile(f"demo-{v}.tar.gz", v, "", 0, "") for v in names)

    assert Listing("demo", files).versions == ["1.0rc1", "1.0", "1.9", "1.10", "1!0.1"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"name":"x","files":[{}]}', b"1"])
def test_a_damaged_page_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_listing(content)
    with pytest.raises(ValueError, match=r"."):
        parse_project_list(content)


def test_a_file_that_was_taken_is_read_whatever_names_are_refused_since() -> None:
    tags = ".".join(f"x{number}" for number in range(20))
    name = f"demo-1.0-{tags}-{tags}-a.b.c.whl"
    entry = {"filename": name, "hashes": {"sha256": "0" * 64}, "size": 1, "upload-time": ""}

    assert ListedFile.from_json(entry).version == "1.0"


@pytest.mark.parametrize("name", ["demo.whl", "demo-one.tar.gz", "../demo-1.0.tar.gz"])
def test_a_page_that_names_no_distribution_is_a_value_error(name: str) -> None:
    entry = {"filename": name, "hashes": {"sha256": "0" * 64}, "size": 1, "upload-time": ""}
    page = {"meta": {}, "name": "demo", "files": [entry]}

    with pytest.raises(ValueError, match=r"version|distribution"):
        parse_listing(json.dumps(page).encode())
