"""Where another index may not lead: into this host, or the network that it is in."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from poetry_aegis.registry.upstream.threads import in_thread


async def leads_inside(address: str) -> bool:
    """Tell whether the host of a web address is, or resolves to, one that the internet has not.

    That is loopback, link-local, private, unspecified and whatever else is reserved (RFC 6890).
    A host of no known address leads nowhere.
    """
    parts = urlsplit(address)
    addresses = await in_thread(_addresses, parts.hostname or "", parts.port)
    return any(map(is_inside, addresses))


def is_inside(address: str) -> bool:
    """Tell whether an IP address is one that the internet has not."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return not found.is_global or found.is_multicast


def _addresses(host: str, port: int | None) -> set[str]:
    """Return the addresses of *host*, which may itself be one, in any spelling."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # also a name that cannot be encoded
        return set()
    return {str(entry[4][0]) for entry in found}
