from __future__ import annotations

import hashlib
from datetime import date

import pytest

from poetry_aegis.registry.web.rendering import (
    Visit,
    _day,
    _moment,
    _number,
    _size,
    rendered,
    static_files,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_024, "1.0 KiB"),
        (1_048_550, "1.0 MiB"),
        (4_400_000, "4.2 MiB"),
        (7_516_192_768, "7.0 GiB"),
        (13_573_470_674_124_800, "12345.0 TiB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert _size(size) == text


def test_numbers_and_days() -> None:
    assert _number(1, "file") == "1 file"
    assert _number(1_200, "file") == "1,200 files"
    assert _day("2026-03-09T23:59:59.000001Z") == "9 Mar 2026"
    assert _day(date(2026, 12, 1)) == "1 Dec 2026"
    assert _moment("2026-03-09T01:02:03.4+00:00") == "9 Mar 2026, 01:02:03"
    assert _moment("never") == "never"


def test_static_files_are_named_by_their_content() -> None:
    for name, file in static_files().items():
        assert hashlib.sha256(file.content).hexdigest()[:12] in name


def test_values_are_escaped() -> None:
    page = rendered(
        "error.html", Visit("./", ""), title="<b>", error="<script>alert('1')</script>"
    ).decode()

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<title>&lt;b&gt; ·" in page
