"""HTTP to one forge's API: the token to its own host only, bounded answers, honest failures."""

from __future__ import annotations

import hashlib
import logging
import ssl
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import httpx

from poetry_aegis.errors import ForgeError
from poetry_aegis.forge.patience import Setback
from poetry_aegis.forge.refusals import Answer, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from poetry_aegis.forge.links import Kind
    from poetry_aegis.forge.tokens import Token

T = TypeVar("T")

# A forge may scan a file before it answers, so reading is given longest.
_TIMEOUT = httpx.Timeout(connect=10.0, write=60.0, read=120.0, pool=10.0)
_LARGEST_ANSWER = 16 << 20  # bytes
_MOST_REDIRECTS = 5
# UnicodeError: a host name that IDNA cannot spell.
_BROKEN = (httpx.RequestError, httpx.InvalidURL, UnicodeError)
_FINAL = (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.DecodingError, UnicodeError)


@dataclass(frozen=True)
class Server:
    """A forge's API for one project: *name* is for people, *api* is without a slash at the end.

    *uploads* is the one other host that may see the token, where the forge takes files elsewhere.
    """

    kind: Kind
    name: str
    api: str
    project: str
    token: Token
    uploads: str | None = None

    def owns(self, url: str) -> bool:
        """Return whether the token may be sent to *url*."""
        owned = {_origin(self.api)} | ({_origin(self.uploads)} if self.uploads else set())
        return _origin(url) in owned

    def redact(self, text: str) -> str:
        """Return *text* without the token."""
        return text.replace(self.token.value, "***")


class Session:
    """An open client for *server*, to be closed.

    Proxies and certificates come from the environment, as httpx reads it. Raises `ForgeError`
    where these cannot be used.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        for name in ("httpx", "httpcore"):
            # What they tell when debugging, every header, is secret.
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            self._client = httpx.Client(timeout=_TIMEOUT, headers={"User-Agent": _user_agent()})
        except (httpx.InvalidURL, ValueError, ImportError, OSError):
            # Neither told nor chained in httpx's words: a proxy's URL may hold a password.
            raise ForgeError(
                "The proxy or certificate settings in the environment cannot be used.",
                hint="Look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY and SSL_CERT_FILE.",
            ) from None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        accept: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> Answer:
        """Return the answer of the API at *path*, which may also be a whole URL the token may see.

        *body* is ``json``, ``content``, ``files`` or ``params``, as httpx has them. A status that
        is neither a success nor in *accept* raises: `Setback` if it may pass, else `ForgeError`.
        """
        url = path if "://" in path else f"{self.server.api}/{path}"
        if not self.server.owns(url):
            raise ForgeError(
                f"{self.server.name} names an address on another host, and the token stays here.",
                hint="Is the forge's address right? Name it with forge_url in [tool.poetry-aegis].",
            )
        sent = {"Accept": "application/json", **self.server.token.headers, **(headers or {})}
        try:
            with self._client.stream(method, url, headers=sent, **body) as response:
                answer = _answer(response)
        except _BROKEN as error:
            raise self._failure(error) from error
        if answer.ok or answer.status in accept:
            return answer
        raise refusal(answer, self.server)

    def understand(self, answer: Answer, read: Callable[[Any], T]) -> T:
        """Return what *read* makes of the JSON in *answer*. Raises `ForgeError` if it cannot."""
        try:
            return read(answer.data)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ForgeError(
                f"{self.server.api} does not answer as a forge does.",
                hint="Is it the forge's address? Name the right one with forge and forge_url in "
                "[tool.poetry-aegis].",
            ) from None

    def sha256(
        self, url: str, size: int | None = None, headers: Mapping[str, str] | None = None
    ) -> str | None:
        """Return the SHA-256 of the file at *url* in hex, ``None`` if it cannot be had.

        Redirects are followed, with the token on the forge's own host only. What is not of *size*
        bytes is not the file: a page that asks to sign in, it may be.
        """
        for _ in range(_MOST_REDIRECTS):
            own = {**self.server.token.headers, **(headers or {})} if self.server.owns(url) else {}
            try:
                with self._client.stream(
                    "GET", url, headers={"Accept-Encoding": "identity", **own}
                ) as response:
                    if not response.has_redirect_location:
                        return _digest(response, size, self.server)
                    url = urljoin(url, response.headers["location"])
            except _BROKEN as error:
                raise self._failure(error) from error
            except ValueError:  # A location that is no address.
                return None
        return None

    def _failure(self, error: Exception) -> ForgeError | Setback:
        server = self.server
        if certificate := _certificate_problem(error):
            return ForgeError(
                f"The certificate of {server.api} is not trusted: {certificate}.",
                hint="Name the authority that signed it: SSL_CERT_FILE=CA_FILE",
            )
        detail = server.redact(" ".join(str(error).split())).rstrip(".")
        why = "it took too long" if isinstance(error, httpx.TimeoutException) else detail
        failed = ForgeError(
            f"{server.name} gave no answer: {why or type(error).__name__}.",
            hint=f"Is {server.api} up, and is it the right address? "
            "What stands already is not made twice.",
        )
        return failed if isinstance(error, _FINAL) else Setback(failed)


def encode(segment: str) -> str:
    """Return *segment* as one segment of a URL's path, slashes encoded too."""
    return quote(segment, safe="", errors="surrogateescape")


def _answer(response: httpx.Response) -> Answer:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise httpx.DecodingError("the answer is larger than 16 MiB")
    return Answer(response.status_code, response.reason_phrase, response.headers, bytes(body))


def _digest(response: httpx.Response, size: int | None, server: Server) -> str | None:
    if response.status_code in (429, *range(500, 600)):
        raise refusal(_answer(response), server)
    if response.status_code != 200:
        return None
    digest, count = hashlib.sha256(), 0
    for chunk in response.iter_bytes():
        digest.update(chunk)
        count += len(chunk)
    return digest.hexdigest() if size in (None, count) else None


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80}.get(parts.scheme, 443)
    except ValueError:
        return None


@cache
def _user_agent() -> str:
    from importlib.metadata import version

    return f"poetry-aegis/{version('poetry-aegis')}"


def _certificate_problem(error: BaseException | None) -> str:
    """Return why the server's certificate was refused, or nothing if that was not the matter."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return ""
