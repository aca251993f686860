"""Reads another index over HTTP: bounded, patient with what passes, careful with credentials."""

from __future__ import annotations

import contextlib
import netrc
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from poetry_aegis.registry.errors import ImportFailed
from poetry_aegis.registry.importing.sources import SourceBroke

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TIMEOUT = 30.0  # seconds without a byte
_LARGEST_PAGE = 128 * 1024 * 1024
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # statuses that may be others next time


@dataclass(frozen=True)
class Page:
    """A page of the simple API. *url* is where it was found in the end, *media_type* bare."""

    url: str
    media_type: str
    text: str


class IndexClient:
    """HTTP requests to the index at *url* and to where it keeps its files.

    A user and password in *url* go to that origin alone; for others, and without them, the user's
    netrc file is asked, but never for plain HTTP where the index itself has TLS. Redirects
    are followed, proxies are those of the environment.
    """

    def __init__(self, url: str) -> None:
        try:
            given = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ImportFailed(f"The address of the index is not valid: {error}.") from None
        self.url = str(given.copy_with(username=None, password=None, query=None, fragment=None))
        self._origin = (given.scheme, given.netloc)
        self._schemes = {"https", given.scheme}  # over which netrc's credentials may go
        self._credential = (given.username, given.password) if given.userinfo else None
        self._http = httpx.Client(follow_redirects=True, timeout=_TIMEOUT)

    def page(self, url: str, accept: str) -> Page | None:
        """Return a page, ``None`` where there is none. Raises `ImportFailed` and `SourceBroke`."""
        with self._opened(url, {"accept": accept}) as response:
            if response.status_code == 404:
                return None
            _require_success(response)
            content = bytearray()
            for block in response.iter_bytes():
                content += block
                if len(content) > _LARGEST_PAGE:
                    raise ImportFailed(f"The page {_shown(url)} is larger than any index's.")
            media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            text = content.decode("utf-8", errors="replace")
            return Page(str(response.url), media_type, text)

    def blocks(self, url: str) -> Iterator[bytes]:
        """Yield the bytes of a file. Raises `ImportFailed` and `SourceBroke`."""
        with self._opened(url, {"accept-encoding": "identity"}) as response:
            _require_success(response)
            yield from response.iter_raw(chunk_size=64 * 1024)

    @contextlib.contextmanager
    def _opened(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        try:
            auth = self._credential_for(url)
            with self._http.stream("GET", url, headers=headers, auth=auth) as response:
                yield response
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise SourceBroke(f"{_shown(url)} does not answer: {reason}") from error
        # UnicodeError: a host name that IDNA cannot spell.
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise ImportFailed(f"{_shown(url)} cannot be read: {error}") from error

    def _credential_for(self, url: str) -> tuple[str, str] | None:
        asked = httpx.URL(url)
        if self._credential is not None and (asked.scheme, asked.netloc) == self._origin:
            return self._credential
        return _from_netrc(asked.host) if asked.scheme in self._schemes else None


def _require_success(response: httpx.Response) -> None:
    status = response.status_code
    if response.is_success:
        return
    shown = _shown(str(response.url))
    if status in _PASSING:
        raise SourceBroke(f"{shown} answers {status} {response.reason_phrase}")
    if status == 401:
        raise ImportFailed(
            f"{shown} asks for a user and password, or does not take the ones given; "
            "name them in netrc or in the URL."
        )
    raise ImportFailed(f"{shown} answers {status} {response.reason_phrase}.")


def _from_netrc(host: str) -> tuple[str, str] | None:
    try:
        entry = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError, RuntimeError):  # none, or no home to look in
        return None
    return None if entry is None else (entry[0] or "", entry[2] or "")


def _shown(url: str) -> str:
    """Return *url* for people: no credential, and no query, which may be a signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
