from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from poetry_aegis.errors import BuildFailed, InvalidVersion
from poetry_aegis.publish.distributions import (
    find_distributions,
    keep,
    name_and_version,
    read_distribution,
    select,
)
from tests.support.distributions import core_metadata, make_sdist, make_wheel, write_zip

if TYPE_CHECKING:
    from pathlib import Path

METADATA = """\
Metadata-Version: 2.4
Name: Demo.Thing
Version: 1.0.0
Summary: A demo.
Keywords: one,two
Author-email: Ada <ada@example.com>
License-Expression: MIT
License-File: LICENSE
License-File: NOTICE
Classifier: Programming Language :: Python :: 3
Classifier: Typing :: Typed
Platform: any
Requires-Python: >=3.10
Requires-Dist: httpx
Requires-Dist: rich ; extra == "cli"
Provides-Extra: cli
Project-URL: Homepage, https://example.com/
Project-URL: Source, https://example.com/src
Description-Content-Type: text/markdown

# Höhe
"""


def names(directory: Path, name: str = "demo", version: str = "1.0.0") -> list[str]:
    return [file.filename for file in find_distributions(directory, name, version)]


def test_exactly_this_version_is_taken(tmp_path: Path) -> None:
    make_wheel(tmp_path)
    make_sdist(tmp_path)
    make_wheel(tmp_path, version="9.9.9")
    make_sdist(tmp_path, version="0.9.0")
    make_wheel(tmp_path, name="demo-extra")
    make_sdist(tmp_path, name="demo-1")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "broken-name.whl").write_text("x")
    assert names(tmp_path) == ["demo-1.0.0.tar.gz", "demo-1.0.0-py3-none-any.whl"]


TAGS = ".".join(f"a{number}" for number in range(1000))  # three times that are as many as 10**9


@pytest.mark.parametrize(
    "name", [f"demo-1.0.0-{TAGS}-{TAGS}-{TAGS}.whl", f"demo-{'9' * 5000}.tar.gz"]
)
def test_a_hostile_name_costs_nothing(name: str) -> None:
    assert select([name], "demo", "1.0.0") == [name][: name.endswith(".whl")]


@pytest.mark.parametrize(
    "name",
    [
        *("demo-1.0.0-py3-none-any.whl", "De.mo-1.0-1x-py2.py3-none-any.whl", "demo-1.0-any.whl"),
        *(
            "demo-1.0-py3-none.whl",
            "demo-1.0-x-py3-none-any.whl",
            "demo-x-py3-none-any.whl",
            ".whl",
        ),
        *("d__o-1.0-py3-none-any.whl", "a-1.0-1-2-py3-none-any.whl", "-1.0-py3-none-any.whl"),
    ],
)
def test_a_wheel_s_name_says_what_it_says_to_others(name: str) -> None:
    try:
        wanted = parse_wheel_filename(name)[:2]
    except InvalidWheelFilename:
        assert name_and_version(name) is None
    else:
        assert name_and_version(name) == wanted


def test_names_and_versions_are_compared_normalised(tmp_path: Path) -> None:
    make_wheel(tmp_path, name="Demo.Thing", version="1.0rc1")
    make_sdist(tmp_path, name="demo_thing", version="1.0rc1", file_name="demo-thing-1.0rc1.tar.gz")
    assert names(tmp_path, "demo-THING", "1.0.0-rc.1") == [
        "demo-thing-1.0rc1.tar.gz",
        "demo_thing-1.0rc1-py3-none-any.whl",
    ]


def test_wheels_of_several_platforms_are_all_taken(tmp_path: Path) -> None:
    make_wheel(tmp_path, tag="cp311-cp311-manylinux_2_17_x86_64")
    make_wheel(tmp_path, tag="cp312-cp312-win_amd64")
    found = find_distributions(tmp_path, "demo", "1.0.0")
    assert [file.pyversion for file in found] == ["cp311", "cp312"]


def test_a_missing_distribution_is_told_with_what_is_there(tmp_path: Path) -> None:
    make_wheel(tmp_path / "dist", version="2.0.0")
    with pytest.raises(BuildFailed) as caught:
        find_distributions(tmp_path / "dist", "demo", "1.0.0")
    assert str(caught.value) == (
        "There is no distribution of demo 1.0.0 in dist/, which holds demo-2.0.0-py3-none-any.whl."
    )
    assert "poetry build" in caught.value.hint


def test_a_full_directory_is_not_listed_whole(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"file-{number:02}").touch()
    with pytest.raises(BuildFailed, match="file-07 and 12 more"):
        find_distributions(tmp_path, "demo", "1.0.0")


def test_an_empty_and_a_missing_directory_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="which is empty"):
        find_distributions(tmp_path, "demo", "1.0.0")
    with pytest.raises(BuildFailed, match="which does not exist"):
        find_distributions(tmp_path / "dist", "demo", "1.0.0")


def test_a_version_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidVersion, match="'one'"):
        find_distributions(tmp_path, "demo", "one")


def test_a_wheel_declares_what_it_is(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, name="Demo.Thing", metadata=METADATA)
    wheel = read_distribution(path)
    content = path.read_bytes()
    assert wheel.path == path
    assert (wheel.name, wheel.version) == ("Demo.Thing", "1.0.0")
    assert (wheel.filetype, wheel.pyversion) == ("bdist_wheel", "py3")
    assert wheel.size == len(content)
    assert wheel.sha256 == hashlib.sha256(content).hexdigest()
    assert wheel.digests.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert wheel.digests.blake2_256 == hashlib.blake2b(content, digest_size=32).hexdigest()


def test_core_metadata_become_the_fields_of_the_form(tmp_path: Path) -> None:
    wheel = read_distribution(make_wheel(tmp_path, name="Demo.Thing", metadata=METADATA))
    fields = wheel.metadata
    assert ("metadata_version", "2.4") in fields
    assert ("name", "Demo.Thing") in fields
    assert ("keywords", "one, two") in fields
    assert ("license_expression", "MIT") in fields
    assert ("platform", "any") in fields
    assert ("description", "# Höhe\n") in fields
    assert [value for key, value in fields if key == "classifiers"] == [
        "Programming Language :: Python :: 3",
        "Typing :: Typed",
    ]
    assert [value for key, value in fields if key == "license_file"] == ["LICENSE", "NOTICE"]
    assert [value for key, value in fields if key == "requires_dist"] == [
        "httpx",
        'rich ; extra == "cli"',
    ]
    assert [value for key, value in fields if key == "project_urls"] == [
        "Homepage, https://example.com/",
        "Source, https://example.com/src",
    ]


def test_an_sdist_declares_what_it_is(tmp_path: Path) -> None:
    nested = {"demo-1.0.0/vendored/PKG-INFO": core_metadata("other", "3")}
    sdist = read_distribution(make_sdist(tmp_path, files=nested))
    assert (sdist.name, sdist.version) == ("demo", "1.0.0")
    assert (sdist.filetype, sdist.pyversion) == ("sdist", "source")
    assert ("summary", "A demo.") in sdist.metadata


@pytest.mark.parametrize("metadata", [core_metadata("other"), core_metadata(version="2.0.0")])
def test_metadata_of_something_else_are_refused(tmp_path: Path, metadata: str) -> None:
    with pytest.raises(BuildFailed, match="does not hold what its name says"):
        read_distribution(make_wheel(tmp_path, metadata=metadata))


def test_metadata_without_a_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="no valid version"):
        read_distribution(make_wheel(tmp_path, metadata="Metadata-Version: 2.1\nName: demo\n"))


def test_a_wheel_without_metadata_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0.0-py3-none-any.whl"
    write_zip(path, {"demo/__init__.py": ""})
    with pytest.raises(BuildFailed, match="holds no core metadata"):
        read_distribution(path)


@pytest.mark.parametrize("name", ["demo-1.0.0-py3-none-any.whl", "demo-1.0.0.tar.gz"])
def test_garbage_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"garbage")
    with pytest.raises(BuildFailed, match="is not a readable archive"):
        read_distribution(tmp_path / name)


@pytest.mark.parametrize("make", [make_wheel, make_sdist])
def test_a_cut_off_archive_is_refused(tmp_path: Path, make: object) -> None:
    assert callable(make)
    path = make(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BuildFailed, match=path.name):
        read_distribution(path)


def test_metadata_without_end_are_not_read(tmp_path: Path) -> None:
    endless = core_metadata() + "x" * (17 << 20)
    with pytest.raises(BuildFailed, match="larger than 16 MiB"):
        read_distribution(make_wheel(tmp_path, metadata=endless))


def test_metadata_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="is not a readable archive"):
        read_distribution(make_wheel(tmp_path, metadata=b"Name: \xff\xfe"))


def test_a_file_that_is_gone_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"cannot be read: No such file"):
        read_distribution(tmp_path / "demo-1.0.0.tar.gz")
    with pytest.raises(BuildFailed, match="not the name of a wheel or an sdist"):
        read_distribution(tmp_path / "demo.zip")


def test_kept_files_replace_their_namesakes_only(tmp_path: Path) -> None:
    wheel = read_distribution(make_wheel(tmp_path / "built"))
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / wheel.filename).write_bytes(b"old")
    (dist / "other.txt").write_text("mine")
    keep([wheel], dist, {})
    assert (dist / wheel.filename).read_bytes() == wheel.path.read_bytes()
    assert (dist / wheel.filename).stat().st_mode == wheel.path.stat().st_mode
    assert sorted(path.name for path in dist.iterdir()) == [wheel.filename, "other.txt"]


def test_a_place_that_takes_no_files_is_told(tmp_path: Path) -> None:
    wheel = read_distribution(make_wheel(tmp_path))
    (tmp_path / "dist").write_text("a file where the directory should be")
    with pytest.raises(BuildFailed, match="cannot be kept"):
        keep([wheel], tmp_path / "dist", {})
