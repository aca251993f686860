from __future__ import annotations

import base64
import hashlib
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.archives.inventory import Limits
from poetry_aegis.registry.archives.reading import read_core_metadata
from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.names import parse_file_name
from tests.support.distributions import core_metadata, make_wheel, write_zip

if TYPE_CHECKING:
    from pathlib import Path

INFO = "demo-1.0.0.dist-info"


def row(member: str, content: str, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, content.encode()).digest()
    encoded = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return f"{member},{algorithm}={encoded},{len(content)}"


FILES = {
    "demo/__init__.py": "a = 1\n",
    f"{INFO}/METADATA": core_metadata(),
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
}
ROWS = [*(row(member, content) for member, content in FILES.items()), f"{INFO}/RECORD,,"]
RECORD = "\n".join(ROWS) + "\n"


def wheel(tmp_path: Path, record: str | bytes, **more: str) -> Path:
    path = tmp_path / "demo-1.0.0-py3-none-any.whl"
    write_zip(path, {**FILES, **more, f"{INFO}/RECORD": record})
    return path


def check(path: Path, limits: Limits | None = None) -> bytes:
    return read_core_metadata(path, parse_file_name(path.name), limits or Limits())


def refused(path: Path, reason: str, limits: Limits | None = None) -> None:
    with pytest.raises(BadUpload, match=reason) as caught:
        check(path, limits)
    assert str(caught.value).startswith(f"The file {path.name} ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        RECORD.replace("\n", "\r\n"),
        RECORD + "\n\n",
        RECORD.replace(",,", ",sha256=whatever,1"),  # of itself it cannot say
        "\n".join(ROWS[:-1]),  # and so may leave itself out
        RECORD.replace(ROWS[0], row("demo/__init__.py", "a = 1\n", "sha512")),
        RECORD.replace(ROWS[0], f'"demo/__init__.py",{ROWS[0].partition(",")[2]}'),
        RECORD.replace(",6\n", ",\n"),  # the size may be left out
        RECORD.replace(",6\n", "=,6\n"),  # and the digest padded
        RECORD + f"{INFO}/RECORD.jws,,\n{INFO}/RECORD.p7s,,\n",
    ],
)
def test_a_record_is_read_as_tools_write_it(tmp_path: Path, record: str) -> None:
    assert check(wheel(tmp_path, record)) == core_metadata().encode()


def test_signatures_of_the_record_are_not_on_it(tmp_path: Path) -> None:
    signed = {f"{INFO}/RECORD.jws": "{}", f"{INFO}/RECORD.p7s": "x"}

    assert check(wheel(tmp_path, RECORD, **signed))


def test_directories_are_not_on_it(tmp_path: Path) -> None:
    path = wheel(tmp_path, RECORD)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("demo/", "")

    assert check(path)


WRONG = [
    ("", "which its RECORD does not list"),
    (RECORD.replace(ROWS[0], ""), "has 'demo/__init__.py', which its RECORD does not list"),
    (RECORD.replace(ROWS[0], "demo/__init__.py,,"), "without a sha256 digest"),
    (RECORD.replace(ROWS[0], row("demo/__init__.py", "a = 1\n", "md5")), "without a sha256"),
    (RECORD.replace(ROWS[0], row("demo/__init__.py", "a = 2\n")), "not what RECORD lists"),
    (RECORD.replace(",6\n", ",7\n"), "not what RECORD lists"),
    (RECORD.replace(",6\n", ",six\n"), "not what RECORD lists"),
    (
        RECORD.replace("demo/__init__.py,sha256=", "demo/__init__.py,sha256=\u00e4"),
        "not what RECORD",
    ),
    (RECORD + row("demo/gone.py", ""), "lists 'demo/gone.py', which it does not have"),
    (RECORD + ROWS[0], "lists 'demo/__init__.py' twice"),
    (RECORD + "demo/x\n", "whose line 5 is malformed"),
    (RECORD + "a,b,c,d\n", "whose line 5 is malformed"),
    (RECORD + "x" * 200_000, "cannot be read"),
    (b"\xff", "is not a wheel"),
]


@pytest.mark.parametrize(("record", "reason"), WRONG)
def test_a_record_that_is_wrong_is_refused(
    tmp_path: Path, record: str | bytes, reason: str
) -> None:
    refused(wheel(tmp_path, record), reason)


def test_a_record_is_read_within_limits(tmp_path: Path) -> None:
    refused(wheel(tmp_path, RECORD), "a RECORD of more than 100 bytes", Limits(record_size=100))


def test_every_member_is_read_to_its_checksum(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, files={f"{INFO}/RECORD.jws": "a signature"})
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        checksum = archive.getinfo(f"{INFO}/RECORD.jws").CRC.to_bytes(4, "little")
    path.write_bytes(content.replace(checksum, bytes(4)))

    refused(path, "is not a wheel: Bad CRC-32")


def test_a_record_has_no_more_lines_than_the_archive_has_members(tmp_path: Path) -> None:
    blank = wheel(tmp_path, RECORD + "\n" * 90)
    assert check(blank)

    refused(wheel(tmp_path, RECORD + "\n" * 1000), "a RECORD of more lines than it has members")


def test_a_record_of_millions_of_lines_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = wheel(tmp_path, "\n".join(f"{number:x},," for number in range(500_000)))

    tracemalloc.start()
    try:
        refused(path, "a RECORD of more lines than it has members")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * 1024 * 1024
