from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.archives.inventory import Limits
from poetry_aegis.registry.archives.reading import read_core_metadata
from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.names import parse_file_name
from tests.support.distributions import (
    core_metadata,
    make_sdist,
    make_wheel,
    write_tar,
    write_zip,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHEEL = "demo-1.0.0-py3-none-any.whl"
SDIST = "demo-1.0.0.tar.gz"
INFO = "demo-1.0.0.dist-info"
MANY = [f"x{number}" for number in range(10_000)]  # to the power of three they fill any memory


def metadata_of(path: Path, limits: Limits | None = None) -> bytes:
    return read_core_metadata(path, parse_file_name(path.name), limits or Limits())


def refused(path: Path, reason: str, limits: Limits | None = None) -> None:
    with pytest.raises(BadUpload, match=reason) as caught:
        metadata_of(path, limits)
    assert path.name in str(caught.value)
    assert str(caught.value).isprintable()


def test_the_metadata_of_a_wheel_and_of_an_sdist_is_found(tmp_path: Path) -> None:
    assert metadata_of(make_wheel(tmp_path)) == core_metadata().encode()
    assert metadata_of(make_sdist(tmp_path)) == core_metadata().encode()


def test_a_dist_info_directory_may_spell_the_name_its_own_way(tmp_path: Path) -> None:
    made = make_wheel(tmp_path, "My.Lib", "1.0")
    renamed = made.rename(tmp_path / "My_Lib-1.0.0-py3-none-any.whl")

    assert b"My.Lib" in metadata_of(renamed)


@pytest.mark.parametrize("file_name", [WHEEL, SDIST])
@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04garbage", b"\x1f\x8bgarbage"])
def test_garbage_is_refused(tmp_path: Path, file_name: str, content: bytes) -> None:
    (tmp_path / file_name).write_bytes(content)

    refused(tmp_path / file_name, "is not a wheel|is not an sdist")


@pytest.mark.parametrize("make", [make_wheel, make_sdist])
def test_no_piece_of_an_archive_is_taken_for_the_whole(
    tmp_path: Path, make: Callable[..., Path]
) -> None:
    noise = random.Random(1).randbytes(3000)  # noqa: S311 -- the same in each run
    whole = make(tmp_path, files={"demo-1.0.0/noise" if make is make_sdist else "noise": noise})
    content = whole.read_bytes()

    for length in range(0, len(content), 97):
        whole.write_bytes(content[:length])
        refused(whole, "is not")


@pytest.mark.parametrize("make", [make_wheel, make_sdist])
def test_a_flipped_bit_gives_a_sentence_or_the_same_metadata(
    tmp_path: Path, make: Callable[..., Path]
) -> None:
    path = make(tmp_path)
    content = path.read_bytes()
    chance = random.Random(2)  # noqa: S311 -- the same in each run

    for _ in range(300):
        damaged = bytearray(content)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        outcome: bytes | str
        try:
            outcome = metadata_of(path)
        except BadUpload as error:
            outcome = str(error)
        assert isinstance(outcome, bytes) or outcome.startswith(f"The file {path.name}")


@pytest.mark.parametrize(
    "member",
    ["../evil", "/etc/evil", "a/../../evil", "C:evil", "a\\..\\evil", "demo/\x01", "demo/.."],
)
def test_a_member_that_leads_outside_is_refused(tmp_path: Path, member: str) -> None:
    refused(make_wheel(tmp_path, files={member: "x"}), "leads outside")
    refused(make_sdist(tmp_path, files={member: "x"}), "leads outside")


def test_a_member_given_twice_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    with warnings.catch_warnings(), zipfile.ZipFile(wheel, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(f"{INFO}/METADATA", "Name: other")
    sdist = make_sdist(tmp_path, files={"./demo-1.0.0/PKG-INFO": core_metadata("other")})

    refused(wheel, "twice")
    refused(sdist, "twice")
    refused(make_sdist(tmp_path, files={"demo-1.0.0/./PKG-INFO": "x"}), "twice")


@pytest.mark.parametrize("missing", ["METADATA", "WHEEL", "RECORD"])
def test_a_wheel_has_what_pep_427_wants(tmp_path: Path, missing: str) -> None:
    members = {f"{INFO}/{name}": "x" for name in ("METADATA", "WHEEL", "RECORD")}
    del members[f"{INFO}/{missing}"]
    write_zip(tmp_path / WHEEL, members)

    refused(tmp_path / WHEEL, f"has no {missing}")


@pytest.mark.parametrize(
    ("directory", "reason"),
    [
        ("demo", "no .dist-info"),
        ("other-1.0.0.dist-info", "does not agree"),
        ("demo-2.0.0.dist-info", "does not agree"),
        ("demo-one.dist-info", "does not agree"),
        ("sub/demo-1.0.0.dist-info", "no .dist-info"),
        ("demo-1.0.0.DIST-INFO", "does not agree"),
    ],
)
def test_the_dist_info_directory_agrees_with_the_name(
    tmp_path: Path, directory: str, reason: str
) -> None:
    members = {f"{directory}/{name}": "x" for name in ("METADATA", "WHEEL", "RECORD")}
    write_zip(tmp_path / WHEEL, members)

    refused(tmp_path / WHEEL, reason)


def test_two_dist_info_directories_are_one_too_many(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, files={"other-1.0.dist-info/METADATA": "x"})

    refused(wheel, "2 .dist-info directories")


def test_files_of_the_dist_info_directory_differ_by_more_than_case(tmp_path: Path) -> None:
    refused(make_wheel(tmp_path, files={f"{INFO}/metadata": "x"}), "differ by case only")
    assert metadata_of(make_wheel(tmp_path, files={"demo/A.h": "x", "demo/a.h": "y"}))


@pytest.mark.parametrize(
    ("wheel", "reason"),
    [
        ("", "Wheel-Version 1.x"),
        ("Tag: py3-none-any\n", "Wheel-Version 1.x"),
        ("Wheel-Version: 2.0\nTag: py3-none-any\n", "Wheel-Version 1.x"),
        ("Wheel-Version: 1.0\nWheel-Version: 2.0\nTag: py3-none-any\n", "Wheel-Version 1.x"),
        ("Wheel-Version: 1.0\n", "none of the tags"),
        ("Wheel-Version: 1.0\nTag: py2-none-any\nTag: cp312-abi3-any\n", "none of the tags"),
        ("Wheel-Version: 1.0\nTag: py3\nTag: py3-none-any-x\nTag: \n", "none of the tags"),
        (f"Wheel-Version: 1.0\nTag: {'-'.join(['.'.join(MANY)] * 3)}", "none of the tags"),
        ("x" * 300_000, "a WHEEL of more than 262144 bytes"),
    ],
)
def test_wheel_agrees_with_the_file_name(tmp_path: Path, wheel: str, reason: str) -> None:
    refused(make_wheel(tmp_path, files={f"{INFO}/WHEEL": wheel}), reason)


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("py2.py3-none-any", "Tag: py2-none-any\nTag: py3-none-any"),
        ("py2.py3-none-any", "Tag: py2.py3-none-any"),
        ("cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64",
         "Tag: cp39-cp39-manylinux2014_x86_64"),
        ("py3-none-any", "tag:PY3-none-any"),
    ],
)  # fmt: skip
def test_tags_are_read_as_tools_write_them(tmp_path: Path, tag: str, written: str) -> None:
    wheel = f"Wheel-Version: 1.0\n{written}\n"

    assert metadata_of(make_wheel(tmp_path, tag=tag, files={f"{INFO}/WHEEL": wheel}))


def test_members_must_be_stored_or_deflated_and_readable(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / WHEEL, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(f"{INFO}/METADATA", "x")
    refused(tmp_path / WHEEL, "neither stored nor deflated")

    wheel = make_wheel(tmp_path)
    content = bytearray(wheel.read_bytes())
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 8] |= 1
    wheel.write_bytes(content)
    refused(wheel, "encrypted")


def test_an_archive_hidden_behind_other_bytes_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    wheel.write_bytes(b"#!/bin/sh\n" + wheel.read_bytes())

    refused(wheel, "not a zip file")


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    zeros = b"\0" * (80 * 1024 * 1024)

    refused(make_wheel(tmp_path, files={"demo/zeros": zeros}), "unpacks to more")
    refused(make_sdist(tmp_path, files={"demo-1.0.0/zeros": zeros}), "unpacks to more")


def test_a_tar_that_never_ends_is_refused(tmp_path: Path) -> None:
    sdist = make_sdist(tmp_path)
    piece = gzip.compress(bytes(16 * 1024 * 1024))
    with sdist.open("ab") as stream:
        stream.write(piece * 24)

    refused(sdist, "unpacks to more")


def test_the_number_and_size_of_members_are_limited(tmp_path: Path) -> None:
    few = Limits(members=5)
    wheel_files = {f"demo/{number}": "x" for number in range(6)}
    sdist_files = {f"demo-1.0.0/{number}": "x" for number in range(6)}
    refused(make_wheel(tmp_path, files=wheel_files), "more than 5 members", few)
    refused(make_sdist(tmp_path, files=sdist_files), "more than 5 members", few)

    small = Limits(member_size=500)
    refused(make_wheel(tmp_path, files={"demo/x": "x" * 600}), "unpacks to more", small)

    total = Limits(total_size=800)
    refused(make_wheel(tmp_path, files={"demo/x": "x" * 600}), "unpacks to more", total)

    refused(make_wheel(tmp_path, files={"d/" * 51 + "x": "x"}), "more than 50 directories deep")
    refused(
        make_sdist(tmp_path, files={"demo-1.0.0/" + "d/" * 50 + "x": "x"}),
        "more than 50 directories deep",
    )
    refused(make_wheel(tmp_path, files={"x" * 1001: "x"}), "name is longer than 1000 characters")

    metadata = core_metadata() + "x" * 1000
    brief = Limits(metadata_size=500)
    refused(make_wheel(tmp_path, metadata=metadata), "METADATA of more than 500", brief)
    refused(make_sdist(tmp_path, metadata=metadata), "PKG-INFO of more than 500", brief)


def test_the_table_of_contents_is_limited_whatever_it_says(tmp_path: Path) -> None:
    small = Limits(zip_directory_size=100)
    refused(make_wheel(tmp_path), "table of contents", small)

    # A zip64 end record that claims a table of a terabyte.
    wheel = make_wheel(tmp_path)
    content = wheel.read_bytes()
    end = content.rindex(b"PK\x05\x06")
    record = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    wheel.write_bytes(content[:end] + record + locator + content[end:])
    refused(wheel, "is not a wheel")


def table(entries: int) -> bytes:
    """Return a zip of one member whose table of contents has *entries* of them."""
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 33, 0, 0, 0, 5, 0) + b"00000"
    head = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, *[0] * 8, 5, *[0] * 6)
    return local + b"".join(head + b"%05x" % number for number in range(entries))


def test_entries_are_counted_before_they_are_read(tmp_path: Path) -> None:
    # An end record with the beginning of another in itself.
    content = table(50_000)
    size = len(content) - 35
    offset = int.from_bytes(b"PK\x05\x06", "little")
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, offset, 0)
    (tmp_path / WHEEL).write_bytes(content + end)

    tracemalloc.start()
    try:
        refused(tmp_path / WHEEL, "more than 40000 members", Limits(members=40_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * size + 1024 * 1024
    refused(tmp_path / WHEEL, "table of contents", Limits(zip_directory_size=size - 1))


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / SDIST
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("demo-1.0.0/PKG-INFO")
        entry.pax_headers = {"comment": "x" * 1_000_000}
        archive.addfile(entry)
    refused(path, "header larger")

    with gzip.open(path, "wb") as stream:
        for key in ("one", "two"):
            stream.write(tarfile.TarInfo.create_pax_global_header({key: "x" * 200_000}))
        stream.write(tarfile.TarInfo("demo-1.0.0/PKG-INFO").tobuf() + bytes(1024))
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["demo-1.0.0/PKG-INFO"]
    refused(path, "global headers")


def test_a_chain_of_headers_ends_in_a_sentence(tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE
    block = header.tobuf()
    with gzip.open(tmp_path / SDIST, "wb") as stream:
        stream.write(block * 20_000)

    refused(tmp_path / SDIST, "is not an sdist|has no")


def add(archive: tarfile.TarFile, name: str, kind: bytes, target: str = "") -> None:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.linkname = target
    archive.addfile(entry)


def sdist_with(tmp_path: Path, name: str, kind: bytes, target: str = "") -> Path:
    path = tmp_path / SDIST
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("demo-1.0.0/PKG-INFO")
        content = core_metadata().encode()
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
        add(archive, name, kind, target)
    return path


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    refused(sdist_with(tmp_path, "demo-1.0.0/device", kind), "no file or directory")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "../../outside"),
        (tarfile.SYMTYPE, "../beside"),
        (tarfile.SYMTYPE, ".."),
        (tarfile.SYMTYPE, "sub/../../demo-1.0.0"),
        (tarfile.SYMTYPE, "sub/../PKG-INFO"),
        (tarfile.SYMTYPE, "..\\..\\outside"),
        (tarfile.SYMTYPE, "C:outside"),
        (tarfile.LNKTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "../outside"),
        (tarfile.LNKTYPE, "beside/file"),
        (tarfile.LNKTYPE, "demo-1.0.0/../outside"),
    ],
)
def test_links_that_lead_outside_are_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    refused(sdist_with(tmp_path, "demo-1.0.0/link", kind, target), "link that leads outside")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "PKG-INFO"),
        (tarfile.SYMTYPE, "../demo-1.0.0/PKG-INFO"),
        (tarfile.LNKTYPE, "demo-1.0.0/PKG-INFO"),
    ],
)
def test_links_that_stay_inside_are_fine(tmp_path: Path, kind: bytes, target: str) -> None:
    assert metadata_of(sdist_with(tmp_path, "demo-1.0.0/link", kind, target))


def test_nothing_lies_below_a_link(tmp_path: Path) -> None:
    path = tmp_path / SDIST
    for below in ("demo-1.0.0/sub/file", "demo-1.0.0/sub/a/b/file", "demo-1.0.0/./sub//file"):
        for order in (1, -1):
            members = [("demo-1.0.0/sub", tarfile.SYMTYPE, "other"), (below, tarfile.REGTYPE, "")]
            with tarfile.open(path, "w:gz") as archive:
                for member in members[::order]:
                    add(archive, *member)
            refused(path, "has a member below a link")


@pytest.mark.parametrize(
    "root", ["demo", "demo-2.0.0", "other-1.0.0", "demo-1.0.0-1", "-1.0.0", "demo-"]
)
def test_the_top_level_directory_agrees_with_the_name(tmp_path: Path, root: str) -> None:
    write_tar(tmp_path / SDIST, {f"{root}/PKG-INFO": core_metadata()})

    refused(tmp_path / SDIST, "does not agree with its file name")


def test_the_top_level_directory_may_be_spelled_as_before_pep_625(tmp_path: Path) -> None:
    path = tmp_path / "my_lib-1.0.0.tar.gz"
    write_tar(path, {"My.Lib-1.0/PKG-INFO": core_metadata("My.Lib", "1.0")})

    assert b"My.Lib" in metadata_of(path)


def test_an_sdist_has_one_top_level_directory_with_a_pkg_info(tmp_path: Path) -> None:
    refused(make_sdist(tmp_path, files={"elsewhere/x": "x"}), "2 top-level directories")
    with tarfile.open(tmp_path / SDIST, "w:gz") as archive:
        add(archive, "demo-1.0.0/sub/PKG-INFO", tarfile.REGTYPE)
    refused(tmp_path / SDIST, "has no PKG-INFO")
    with tarfile.open(tmp_path / SDIST, "w:gz") as archive:
        add(archive, "demo-1.0.0/PKG-INFO", tarfile.SYMTYPE, "x")
    refused(tmp_path / SDIST, "has no PKG-INFO")
    with tarfile.open(tmp_path / SDIST, "w:gz"):
        pass
    refused(tmp_path / SDIST, "no top-level directories")


def test_directories_and_a_leading_dot_are_as_tar_writes_them(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / SDIST, "w:gz") as archive:
        add(archive, "./", tarfile.DIRTYPE)
        add(archive, "./demo-1.0.0", tarfile.DIRTYPE)
        entry = tarfile.TarInfo("./demo-1.0.0/PKG-INFO")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"Name"))

    assert metadata_of(tmp_path / SDIST) == b"Name"
