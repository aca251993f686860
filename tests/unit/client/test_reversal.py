from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.client import ini, netrc, reversal, uv
from poetry_aegis.client.hosts import with_line
from poetry_aegis.client.poetry import Index
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.client.edits import Kind

INDEX = Index("corp", "https://host/")
ENDS = st.sampled_from(["\n", "\r\n"])
INI = st.sampled_from(
    ["[global]", "[install]", "index-url = old", "cert: x", "a = 1", "  2", "# ä", "", "b ="]
)
TOML = st.sampled_from(
    ["[[index]]", 'url = "https://x/"', 'name = "x"', "default = true", "[pip]", "a = 1", "# ä", ""]
)
NETRC = st.sampled_from(
    [
        "machine host login a password b",
        "machine x",
        " login y",
        " password z",
        "# c",
        "",
        "default",
    ]
)
HOSTS = st.sampled_from(["127.0.0.1 localhost", "# c", "", "::1 x y"])


def set_ini(content: bytes | None) -> bytes:
    return ini.with_options(content, "global", {"index-url": INDEX.simple_url, "cert": "/ca"})


def set_uv(content: bytes | None) -> bytes:
    return uv.with_index(content, INDEX)


def set_netrc(content: bytes | None) -> bytes:
    return netrc.with_login(content, "host", "ada", "s3cret")


def set_hosts(content: bytes | None) -> bytes:
    return with_line(content, "192.0.2.7 host", "corp")


CHANGES: dict[str, Callable[[bytes | None], bytes]] = {
    "ini": set_ini,
    "toml": set_uv,
    "netrc": set_netrc,
    "hosts": set_hosts,
}


@pytest.mark.parametrize(
    ("kind", "lines"), [("ini", INI), ("toml", TOML), ("netrc", NETRC), ("hosts", HOSTS)]
)
def test_any_file_comes_back_to_the_byte(kind: Kind, lines: st.SearchStrategy[str]) -> None:
    @given(st.lists(lines, max_size=10), ENDS, st.booleans(), st.booleans())
    def comes_back(found: list[str], end: str, last: bool, new: bool) -> None:
        text = (end.join(found) + (end if last else "")).encode()
        before = None if new else text
        try:
            after = CHANGES[kind](before)
        except AegisError:
            return
        way_back = reversal.remember(kind, before, after)
        stored = reversal.from_table(way_back.to_table())
        assert stored == way_back
        assert reversal.restore(stored, after) == reversal.Restored(before, exact=True)

    comes_back()


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_come_back(before: bytes, after: bytes) -> None:
    way_back = reversal.remember("hosts", before, after)
    assert reversal.restore(way_back, after).content == before


@given(st.lists(INI, max_size=8), st.lists(INI, max_size=4), st.integers(0, 12))
def test_what_others_have_added_since_stays(found: list[str], added: list[str], place: int) -> None:
    before = "".join(f"{line}\n" for line in found).encode()
    try:
        after = set_ini(before)
        lines = after.decode().splitlines(keepends=True)
        lines[place:place] = [f"{line}\n" for line in added]
        current = "".join(lines).encode()
        known = ini.values(current)
    except AegisError:
        return
    restored = reversal.restore(reversal.remember("ini", before, after), current)
    assert restored.content is not None
    ours = {("global", "index-url"), ("global", "cert"), ("global", "")}
    left = ini.values(restored.content)
    assert {k: v for k, v in known.items() if k not in ours}.items() <= left.items()


def way_back(before: str | None, after: str) -> reversal.Reversal:
    return reversal.remember("ini", before.encode() if before is not None else None, after.encode())


def test_an_option_that_others_have_put_below_our_header_keeps_it() -> None:
    after = "[global]\nindex-url = ours\n"
    restored = reversal.restore(way_back(None, after), f"{after}timeout = 5\n".encode())
    assert restored == reversal.Restored(b"[global]\ntimeout = 5\n", exact=False, left=True)


def test_a_value_that_was_changed_since_is_not_ours_any_more() -> None:
    back = way_back("[global]\nindex-url = old\n", "[global]\nindex-url = ours\n")
    restored = reversal.restore(back, b"[global]\nindex-url = theirs\n")
    assert restored.content == b"[global]\nindex-url = theirs\n"
    assert not restored.exact


def test_a_last_line_without_an_end_gets_one_where_more_follows() -> None:
    back = way_back("[a]\nx = 1", "[a]\nx = 1\n\n[global]\ny = 2\n")
    restored = reversal.restore(back, b"[a]\nx = 1\n\n[global]\ny = 2\n[b]\n")
    assert restored.content == b"[a]\nx = 1\n[b]\n"


def test_a_file_that_is_gone_stays_so() -> None:
    back = way_back(None, "[a]\n")
    assert reversal.restore(back, None).content is None


def test_nothing_that_was_written_is_in_the_record() -> None:
    before, after = b"[c]\nx = 1\n", b"[c]\nx = 1\npassword = s3cret\n"
    assert "s3cret" not in repr(reversal.remember("ini", before, after).to_table())
