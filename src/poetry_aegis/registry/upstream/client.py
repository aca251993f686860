"""Asks another index over HTTP, for as long and for as much as is sensible."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from poetry_aegis.registry.errors import UpstreamFailed
from poetry_aegis.registry.upstream.hosts import is_inside, leads_inside
from poetry_aegis.registry.upstream.pages import web_address
from poetry_aegis.registry.upstream.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from urllib.parse import SplitResult

    import httpx

    from poetry_aegis.registry.options import UpstreamSettings

logger = logging.getLogger(__name__)

_LARGEST_PAGE = 64 * 1024 * 1024  # bytes
_MOST_REDIRECTS = 5
_MOST_CONNECTIONS = 100
_WHOLE_PAGE = 4  # times the timeout, which is for one silence
_ACCEPT_PAGE = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
)
_REDIRECTS = (301, 302, 303, 307, 308)


class Verdict(Enum):
    """An answer without a page."""

    UNCHANGED = "unchanged"
    MISSING = "missing"


@dataclass(frozen=True)
class SentPage:
    """A page as it was sent, and the *address* it came from in the end."""

    body: bytes
    content_type: str
    address: str
    etag: str | None


class UpstreamClient:
    """A client of the index of *settings*. Connections are made when they are first needed.

    It asks the host of that index, wherever it is, and hosts of the internet: an index may name any
    address, and what has one in the network around this registry is not for its readers. *failed*
    is told the kind of each failure: ``timeout``, ``connection``, ``redirect``, ``address``,
    ``status``, ``size``, ``page`` or ``digest``.
    """

    def __init__(
        self, settings: UpstreamSettings, version: str, failed: Callable[[str], None]
    ) -> None:
        parts = urlsplit(settings.url)
        self.index = _without_credential(parts)
        self._credential = _credential(parts)
        self._origin = _origin(self.index)
        self._timeout = settings.timeout
        self._agent = f"poetry-aegis-registry/{version}"
        self._failed = failed
        self._opening = asyncio.Lock()
        self._session: httpx.AsyncClient | None = None

    async def page(self, project: str, etag: str | None) -> SentPage | Verdict:
        """Return the page of *project*, unless it is the one of *etag*. Raises `UpstreamFailed`."""
        headers = {"accept": _ACCEPT_PAGE} | ({"if-none-match": etag} if etag else {})
        try:
            fetching = self._page(f"{self.index}{project}/", headers)
            return await asyncio.wait_for(fetching, self._timeout * _WHOLE_PAGE)
        except asyncio.TimeoutError:
            raise self.failure("timeout", f"the page of {project} takes too long") from None

    @contextlib.asynccontextmanager
    async def file(self, address: str) -> AsyncIterator[httpx.Response]:
        """Ask for the file at *address*; its bytes are to be read raw. Raises `UpstreamFailed`."""
        async with self._get(address, {"accept-encoding": "identity"}) as response:
            if response.status_code != 200:
                raise self._status_failure(response)
            yield response

    def failure(self, kind: str, reason: str) -> UpstreamFailed:
        """Return the error for a failure, which is counted and logged with its *reason*."""
        self._failed(kind)
        logger.warning(
            "The upstream index failed: %s.",
            reason,
            extra={"event": "upstream-failed", "fields": {"kind": kind}},
        )
        if kind == "timeout":
            return UpstreamFailed("The index behind this one did not answer in time.")
        return UpstreamFailed("The index behind this one did not answer as it should.")

    async def _page(self, address: str, headers: Mapping[str, str]) -> SentPage | Verdict:
        async with self._get(address, headers) as response:
            if response.status_code in (404, 410):
                return Verdict.MISSING
            if response.status_code == 304 and "if-none-match" in headers:
                return Verdict.UNCHANGED
            if response.status_code != 200:
                raise self._status_failure(response)
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > _LARGEST_PAGE:
                    raise self.failure("size", f"more than {_LARGEST_PAGE} bytes at {address}")
            return SentPage(
                body=bytes(body),
                content_type=response.headers.get("content-type", ""),
                address=str(response.url),
                etag=_etag(response),
            )

    def _status_failure(self, response: httpx.Response) -> UpstreamFailed:
        return self.failure("status", f"status {response.status_code} at {_shown(response)}")

    @contextlib.asynccontextmanager
    async def _get(self, address: str, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """Ask for *address*, following redirects. Raises `UpstreamFailed`, also in its block."""
        session = await self._opened()
        import httpx

        try:
            response = await self._follow(session, address, headers)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx.TimeoutException as error:
            raise self.failure("timeout", f"no answer in {self._timeout} seconds") from error
        # UnicodeError: a host name that IDNA cannot spell.
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise self.failure("connection", f"{type(error).__name__}, {error}") from error

    async def _follow(
        self, session: httpx.AsyncClient, address: str, headers: Mapping[str, str]
    ) -> httpx.Response:
        for _ in range(_MOST_REDIRECTS + 1):
            is_own = urlsplit(address).hostname == urlsplit(self.index).hostname
            if not is_own and await leads_inside(address):
                raise self._inside(address)
            request = session.build_request("GET", address, headers=dict(headers))
            response = await session.send(request, stream=True, auth=self._auth_for(address))
            if not is_own and _is_from_inside(response):
                await response.aclose()
                raise self._inside(address)
            if response.status_code not in _REDIRECTS:
                return response
            await response.aclose()
            target = web_address(address, response.headers.get("location", ""))
            if target is None:
                raise self.failure("redirect", f"{_shown(response)} leads where none may follow")
            address = target
        raise self.failure("redirect", f"more than {_MOST_REDIRECTS} redirects")

    def _inside(self, address: str) -> UpstreamFailed:
        host = urlsplit(address).hostname
        return self.failure("address", f"{host} is in a private network, and not its own host")

    def _auth_for(self, address: str) -> tuple[str, str] | None:
        """Return the credential, for the index's own host and nobody else."""
        return self._credential if _origin(address) == self._origin else None

    async def _opened(self) -> httpx.AsyncClient:
        async with self._opening:
            if self._session is None:
                # In a thread: to import httpx and to read the certificates takes its time.
                self._session = await in_thread(self._open)
            return self._session

    def _open(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            headers={"user-agent": self._agent},
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=_MOST_CONNECTIONS),
        )


def _without_credential(parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/") + "/", "", ""))


def _credential(parts: SplitResult) -> tuple[str, str] | None:
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, parts.hostname, parts.port or default


def _etag(response: httpx.Response) -> str | None:
    """Return the ETag, where it can be sent back."""
    etag = response.headers.get("etag", "")
    return etag if etag.isascii() and etag.isprintable() and etag else None


def _is_from_inside(response: httpx.Response) -> bool:
    """Tell whether the answer came from another address than the name had when it was looked up.

    A proxy, which looks names up itself, may be anywhere.
    """
    from urllib.request import getproxies

    if getproxies():
        return False
    peer = response.extensions["network_stream"].get_extra_info("server_addr")
    return peer is None or is_inside(str(peer[0]))


def _shown(response: httpx.Response) -> str:
    """Return an address for the log: queries may be signatures that open it to anybody."""
    return str(response.url.copy_with(query=None, fragment=None))
