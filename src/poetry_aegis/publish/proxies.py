"""The proxy that the environment puts on the way to an address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from poetry_aegis.errors import Unreachable
from poetry_aegis.publish.patience import Failure
from poetry_aegis.publish.repository import without_userinfo

if TYPE_CHECKING:
    from poetry_aegis.publish.repository import Repository

_WANTS_CREDENTIALS = 407  # what a proxy alone answers (RFC 9110, section 15.5.8)


def proxy_for(url: str) -> str | None:
    """Return the address of the proxy that *url* is reached through, as it may be shown."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    return without_userinfo(proxy if "://" in proxy else f"http://{proxy}")


def answer_of_proxy(status: int, url: str, repository: Repository) -> Failure | None:
    """Return the failure that an answer for *url* is where the proxy has given it, not the server.

    Only over plain http can a proxy answer in the server's place. ``None`` for all other answers,
    and where the environment has no proxy on the way.
    """
    proxy = proxy_for(url) if status == _WANTS_CREDENTIALS else None
    if proxy is None:
        return None
    scheme, _, place = proxy.partition("://")
    error = Unreachable(
        f"The proxy {proxy} on the way to {repository.name} lets nobody through without user and "
        f"password, or not with those that it gets ({status}).",
        hint=f"Put them into its address: HTTP_PROXY={scheme}://USER:PASSWORD@{place}\n"
        "Hosts that are reached without it are named in NO_PROXY.",
    )
    return Failure(error, reached=False, refused=True)


def refused_by_proxy(error: Exception) -> bool:
    """Return whether a proxy opens no tunnel for who asks: it would not do so the next time."""
    return isinstance(error, httpx.ProxyError) and str(error).startswith(("401", "403", "407"))
