"""Which client asks, and for which Python: what a ``User-Agent`` says, as far as it can be used.

It is whatever a stranger writes. So little is taken from it: a client that is known here, and the
minor version of a Python.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

OTHER = "other"
UNKNOWN = "unknown"

_LONGEST = 2048  # characters; pip's, the longest, has a quarter of them
_PRODUCT = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}(?=[/ ]|$)")
# As pip and uv write it in JSON, and others among the products: CPython/3.12.1.
_PYTHON = re.compile(
    r'(?:"python" ?: ?"|\b(?:cpython|pypy|graalpy|python|python-urllib)/)'
    r"([23]\.[0-9]{1,2})(?![0-9])"
)
_CLIENTS = {
    **{
        client: client
        for client in (
            "pip", "uv", "poetry", "pdm", "hatch", "pipenv", "pipx", "pex", "flit", "twine",
            "bandersnatch", "mamba", "conda", "artifactory", "nexus", "renovate", "curl", "wget",
        )
    },
    "mozilla": "browser",
    "opera": "browser",
    "devpi-server": "devpi",
    "devpi-client": "devpi",
    "python-requests": "requests",
    "python-httpx": "httpx",
    "python-urllib": "urllib",
    "python-urllib3": "urllib",
}  # fmt: skip


class Agent(NamedTuple):
    """A client, and the Python it works for, such as ``3.12``."""

    client: str
    python: str


@lru_cache(maxsize=1024)
def parse_agent(user_agent: str) -> Agent:
    """Return what a ``User-Agent`` says.

    The client is one of a few known ones or `OTHER`, and either is `UNKNOWN` where nothing is said.
    """
    text = user_agent[:_LONGEST].strip().lower()
    if not text:
        return Agent(UNKNOWN, UNKNOWN)
    product = _PRODUCT.match(text)
    python = _PYTHON.search(text)
    return Agent(
        _CLIENTS.get(product[0], OTHER) if product else OTHER, python[1] if python else UNKNOWN
    )
