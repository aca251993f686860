"""What proxies say of a request, believed only of those trusted: whose it is, and sent where to."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope

    from poetry_aegis.registry.http.exchange import Exchange

_MOST_HOPS = 16  # proxies in a row; what is said to be beyond them is not looked at
_LONGEST_HOP = 64  # characters
_MOST_REMEMBERED = 1024  # addresses
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")


class Proxies:
    """The proxies that are *trusted*: addresses, and networks in CIDR notation."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._networks = tuple(map(ip_network, trusted))
        self._trusts = lru_cache(_MOST_REMEMBERED)(self._is_trusted)

    def client_of(self, scope: Scope) -> str | None:
        """Return the address of a request's client, ``None`` where the server does not know.

        That is the last address on the way which is no trusted proxy's: whatever stands before it
        in the header, its sender may have made up.
        """
        address = _peer(scope)
        if address is None or not self.brought(scope):
            return address
        hops = _forwarded_for(scope)
        while hops and self._trusts(address):
            hop = parse_address(hops.pop().strip()[:_LONGEST_HOP])
            if hop is None:
                break
            address = hop
        return address

    def brought(self, scope: Scope) -> bool:
        """Tell whether a request comes from a trusted proxy, whose other headers count, too."""
        peer = _peer(scope)
        return bool(self._networks) and peer is not None and self._trusts(peer)

    def base_url(self, exchange: Exchange) -> str:
        """Return the address of this index as the client knows it, without a slash at its end.

        It is empty, and addresses relative to the host, where the client gives no host's name.
        """
        scheme, host = exchange.scope["scheme"], exchange.header(b"host")
        if self.brought(exchange.scope):
            scheme = exchange.header(b"x-forwarded-proto") or scheme
            host = exchange.header(b"x-forwarded-host") or host
        plausible = scheme in ("http", "https") and _HOST.fullmatch(host)
        return f"{scheme}://{host}" if plausible else ""

    def _is_trusted(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(ip_address(parsed) in one for one in self._networks)


def _peer(scope: Scope) -> str | None:
    client = scope.get("client")
    return str(client[0]) if client else None


@lru_cache(_MOST_REMEMBERED)
def parse_address(text: str) -> str | None:
    """Return the IP address in *text*, without brackets and port; ``None`` where there is none.

    An IPv4 address that is mapped into IPv6 is the IPv4 address.
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _forwarded_for(scope: Scope) -> list[str]:
    """Return what the header, sent once or more, names; the nearest address is the last."""
    values = (value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return b",".join(values).decode("latin-1").rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]
