from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.http.negotiation import Format, negotiate, takes_gzip

V1 = "application/vnd.pypi.simple.v1"
PIP = f"{V1}+json, {V1}+html; q=0.1, text/html; q=0.01"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Format.HTML),
        ("*/*", Format.HTML),
        ("text/*", Format.HTML),
        ("text/html", Format.HTML),
        ("TEXT/HTML ; charset=utf-8", Format.HTML),
        (BROWSER, Format.HTML),
        (PIP, Format.JSON_V1),
        (f"{V1}+json, */*;q=0.1", Format.JSON_V1),
        (f"{V1}+json;q=0.2, {V1}+html;q=0.3", Format.HTML_V1),
        ("application/*", Format.HTML_V1),
        ("application/vnd.pypi.simple.latest+json", Format.JSON_V1),
        ("application/vnd.pypi.simple.latest+html", Format.HTML_V1),
        (f"*/*, text/html;q=0, {V1}+html;q=0", Format.JSON_V1),
        ("text/html;q=0, */*;q=0.1", Format.HTML_V1),
        ("application/json", None),
        ("image/png", None),
        ("application/vnd.pypi.simple.v2+json", None),
        ("*/*;q=0", None),
        (f"{V1}+json;q=nonsense", None),
        (f"{V1}+json;q=7, text/html", Format.HTML),
    ],
)
def test_the_client_gets_what_it_prefers(accept: str, expected: Format | None) -> None:
    assert negotiate(accept) is expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (f"{V1}+json", Format.JSON_V1),
        ("application/vnd.pypi.simple.latest+html", Format.HTML_V1),
        ("text/html", Format.HTML),
        ("json", None),
        ("", None),
    ],
)
def test_a_format_in_the_address_overrides_the_header(asked: str, expected: Format | None) -> None:
    assert negotiate(PIP, asked) is expected
    assert negotiate("image/png", asked) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("gzip;q=0", False),
        ("*", True),
        ("gzip;q=0, *", False),
        ("identity", False),
    ],
)
def test_gzip_is_sent_to_who_takes_it(header: str, expected: object) -> None:
    assert takes_gzip(header) is expected


@given(st.text(max_size=80))
def test_no_header_is_too_strange(header: str) -> None:
    assert negotiate(header) in {*Format, None}
    assert takes_gzip(header) in {True, False}
