"""Questions to a running registry, over HTTP and past any proxy."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


def is_ready(url: str, *, timeout: float = 2.0) -> bool:
    """Return whether the registry at *url* answers that it can serve."""
    return _get(url, "ready", timeout)[0] == 200


def read_health(url: str, *, timeout: float = 2.0) -> dict[str, Any]:
    """Return what the registry at *url* says of itself; empty where it does not answer."""
    status, body = _get(url, "health", timeout)
    try:
        answer = json.loads(body) if status == 200 else None
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _get(url: str, path: str, timeout: float) -> tuple[int, bytes]:
    """Return the status and body of GET *url* / *path*; ``(0, b"")`` without an answer."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=timeout)
    try:
        connection.request("GET", f"{address.path}{path}")
        answer = connection.getresponse()
        return answer.status, answer.read(65536)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
