from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import CorruptProject, NoVersion
from poetry_aegis.release.pyproject import read_version, with_version

if TYPE_CHECKING:
    from pathlib import Path

BOTH = b"""\
# \xed\x95\x9c\xea\xb5\xad\xec\x96\xb4
[tool.poetry]   # first
version='1.0.0' # single quotes

[project]
name    =  "x"
version = "1.0.0"   # keep
"""


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_only_the_version_changes(tmp_path: Path, newline: bytes) -> None:
    content = BOTH.replace(b"\n", newline)
    path = write(tmp_path, content)
    assert read_version(path) == "1.0.0"
    after = with_version(path, "1.1.0rc1")
    assert after.replace(b'"', b"'") == content.replace(b"1.0.0", b"1.1.0rc1").replace(b'"', b"'")


@pytest.mark.parametrize("table", ["project", "tool.poetry"])
def test_either_table_may_have_it(tmp_path: Path, table: str) -> None:
    path = write(tmp_path, f'[{table}]\nversion = "2.0"\n'.encode())
    assert read_version(path) == "2.0"
    assert with_version(path, "2.1") == f'[{table}]\nversion = "2.1"\n'.encode()


@pytest.mark.parametrize(
    "content", [b"", b"[project]\n", b'[project]\ndynamic = ["version"]\n', b"project = 1\n"]
)
def test_no_version_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NoVersion, match="names no version"):
        read_version(write(tmp_path, content))


@pytest.mark.parametrize("content", [b"[project", b"\xff\xfe", b"[project]\nversion = 1\n"])
def test_a_file_that_makes_no_sense_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CorruptProject):
        read_version(write(tmp_path, content))
