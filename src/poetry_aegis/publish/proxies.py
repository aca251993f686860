"""The proxy that the environment puts on the way to an address."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from poetry_aegis.publish.repository import without_userinfo


def proxy_for(url: str) -> str | None:
    """Return the address of the proxy that *url* is reached through, as it may be shown."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    return without_userinfo(proxy if "://" in proxy else f"http://{proxy}")


def refused_by_proxy(error: Exception) -> bool:
    """Return whether a proxy opens no tunnel for who asks: it would not do so the next time."""
    return isinstance(error, httpx.ProxyError) and str(error).startswith(("401", "403", "407"))
