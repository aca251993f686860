from __future__ import annotations

import configparser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.client import ini
from poetry_aegis.errors import AegisError

URL = "https://host/simple/"


def with_url(content: str | None) -> str:
    before = None if content is None else content.encode()
    return ini.with_options(before, "global", {"index-url": URL}).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"[global]\nindex-url = {URL}\n"),
        ("", f"[global]\nindex-url = {URL}\n"),
        ("[install]\na = 1", f"[install]\na = 1\n\n[global]\nindex-url = {URL}\n"),
        (
            "[global]\n; why\nindex_url: old\nb = 2\n",
            f"[global]\n; why\nindex-url = {URL}\nb = 2\n",
        ),
        ("[global]\r\na = 1\r\n", f"[global]\r\na = 1\r\nindex-url = {URL}\r\n"),
        (
            "[global]\na = 1\n\n# next\n[install]\nb = 2\n",
            f"[global]\na = 1\nindex-url = {URL}\n\n# next\n[install]\nb = 2\n",
        ),
        (
            "[global]\na =\n    1\n    2\n[x]\n",
            f"[global]\na =\n    1\n    2\nindex-url = {URL}\n[x]\n",
        ),
        ("[global]\n    a = 1\n", f"[global]\n    a = 1\n    index-url = {URL}\n"),
        ("[global]\nindex-url =\n  old\n  older\nb=2\n", f"[global]\nindex-url = {URL}\nb=2\n"),
        (f"[global]\nINDEX_URL={URL}\n", f"[global]\nINDEX_URL={URL}\n"),
        ("\ufeff[global]\na = 1\n", f"\ufeff[global]\na = 1\nindex-url = {URL}\n"),
    ],
)
def test_one_option_is_set_and_nothing_else_moves(before: str | None, after: str) -> None:
    assert with_url(before) == after
    assert with_url(after) == after


def test_bytes_that_are_no_utf_8_survive() -> None:
    after = ini.with_options(b"# caf\xe9\n[global]\n", "global", {"index-url": URL})
    assert after.startswith(b"# caf\xe9\n[global]\nindex-url")


@pytest.mark.parametrize(
    "content", [b"index-url = x\n", b"[a]\n[a]\n", b"\xff\xfe[\x00g\x00]\x00", b"[a]\nx=1\nx=2\n"]
)
def test_what_cannot_be_read_is_refused(content: bytes) -> None:
    with pytest.raises(AegisError):
        ini.with_options(content, "global", {"index-url": URL})


def test_a_password_that_differs_in_spaces_alone_is_another_one() -> None:
    before = b"[corp]\npassword = a  b\n"
    assert ini.with_options(before, "corp", {"password": "a b"}) == b"[corp]\npassword = a b\n"


_NAMES = st.sampled_from(["global", "install", "x y", "distutils"])
_LINES = st.one_of(
    _NAMES.map(lambda name: f"[{name}]"),
    st.sampled_from(
        ["index-url = old", "index_url:old", "a = 1", "  b = 2", "    more", "no-value"]
    ),
    st.sampled_from(["# c", "; c", "", "   ", "cert=/x", "extra-index-url =", "\t# indented"]),
)


@given(st.lists(_LINES, max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_file_is_changed_as_asked_or_refused(lines: list[str], end: str, last: bool) -> None:
    before = (end.join(lines) + (end if last else "")).encode()
    try:
        after = ini.with_options(before, "global", {"index-url": URL, "cert": "/ca"})
    except AegisError:
        return
    parser = configparser.RawConfigParser()
    parser.read_string(after.decode())
    assert ini.values(after)["global", "index-url"] == URL
    assert ini.values(after)["global", "cert"] == "/ca"
    others = {k: v for k, v in ini.values(before).items() if k[0] != "global"}
    assert others.items() <= ini.values(after).items()
    assert ini.with_options(after, "global", {"index-url": URL, "cert": "/ca"}) == after
