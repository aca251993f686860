from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.http.proxies import Proxies, parse_address

if TYPE_CHECKING:
    from starlette.types import Scope

PROXY, OUTER, CLIENT, LIAR = "10.0.0.1", "10.0.0.2", "192.0.2.7", "203.0.113.9"


def request(peer: str | None, *forwarded: str) -> Scope:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"client": None if peer is None else (peer, 1234), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        (PROXY, [CLIENT], CLIENT),
        (PROXY, [], PROXY),
        (PROXY, [""], PROXY),
        (LIAR, [CLIENT], LIAR),
        (PROXY, [f"{LIAR}, {CLIENT}"], CLIENT),
        (PROXY, [LIAR, CLIENT], CLIENT),
        (PROXY, [f"{LIAR}, {CLIENT}, {OUTER}"], CLIENT),
        (PROXY, [f"{LIAR},{CLIENT}", OUTER], CLIENT),
        (PROXY, [f"{OUTER}"], OUTER),
        (PROXY, [f"{CLIENT}:443"], CLIENT),
        (PROXY, ["[2001:db8::1]:443"], "2001:db8::1"),
        (PROXY, ["2001:db8::1"], "2001:db8::1"),
        (PROXY, [f"{CLIENT}, unknown"], PROXY),
        (PROXY, [f"{CLIENT}, unknown, {OUTER}"], OUTER),
        (f"::ffff:{PROXY}", [CLIENT], CLIENT),
        (PROXY, [f"::ffff:{CLIENT}"], CLIENT),
        (PROXY, ["ä\x01"], PROXY),
        (None, [CLIENT], None),
        ("testclient", [CLIENT], "testclient"),
    ],
)
def test_the_client_is_the_last_that_no_trusted_proxy_is(
    peer: str | None, forwarded: list[str], expected: str | None
) -> None:
    assert Proxies(["10.0.0.0/24"]).client_of(request(peer, *forwarded)) == expected


def test_without_trust_the_header_says_nothing() -> None:
    assert Proxies().client_of(request("127.0.0.1", CLIENT)) == "127.0.0.1"
    assert not Proxies().brought(request("127.0.0.1"))


def test_what_a_proxy_brought_is_told_apart() -> None:
    proxies = Proxies(["10.0.0.0/24", "2001:db8::/64"])

    assert proxies.brought(request(PROXY))
    assert proxies.brought(request("2001:db8::9"))
    assert not proxies.brought(request(LIAR))
    assert not proxies.brought(request(None))


def test_a_header_without_end_is_looked_at_only_a_little() -> None:
    hops = ",".join([CLIENT, *[OUTER] * 100_000])

    assert Proxies(["10.0.0.0/24"]).client_of(request(PROXY, hops)) == OUTER


@pytest.mark.parametrize("text", ["", "host", "1.2.3", "1.2.3.4.5", "[", "[]", "999.1.1.1"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse_address(text) is None
