"""HTTP to one repository: credentials to its own hosts only, bounded answers, honest failures."""

from __future__ import annotations

import hashlib
import logging
import ssl
from functools import cache
from typing import TYPE_CHECKING

import httpx

from poetry_aegis.errors import PublishError, Unreachable
from poetry_aegis.publish.answer import Answer
from poetry_aegis.publish.answers import reading_failure, upload_failure
from poetry_aegis.publish.lines import Lines
from poetry_aegis.publish.patience import Failure
from poetry_aegis.publish.proxies import answer_of_proxy
from poetry_aegis.publish.repository import origin_of
from poetry_aegis.publish.unanswered import unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Any

    from poetry_aegis.publish.form import UploadForm
    from poetry_aegis.publish.repository import Repository

# A server may hash and check a large file before it answers, so reading is given longest.
_TIMEOUT = httpx.Timeout(connect=10.0, write=60.0, read=120.0, pool=10.0)
# More than there are jobs: a thread never waits for a connection.
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=64)
_LARGEST_ANSWER = 64 << 20  # bytes
_AS_IT_IS = {"Accept-Encoding": "identity"}
# UnicodeError: a host name that IDNA cannot spell.
_BROKEN = (httpx.RequestError, httpx.InvalidURL, UnicodeError)


class Web:
    """An open client for *repository*, to be closed. May be shared by threads.

    Proxies and authorities come from the environment, too. Raises `PublishError` for a client
    certificate, and `Unreachable` for settings of the environment, that cannot be used.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        for name in ("httpx", "httpcore"):
            # What they tell when debugging, cookies and a server's every word, may be secret.
            logging.getLogger(name).setLevel(logging.WARNING)
        self._lines = Lines()
        headers = {"User-Agent": user_agent()}
        try:
            self._client = httpx.Client(
                auth=_OwnHosts(repository),
                verify=_tls(repository),
                timeout=_TIMEOUT,
                limits=_LIMITS,
                headers=headers,
            )
        except (httpx.InvalidURL, ValueError, ImportError):
            # Neither told nor chained in httpx's words: a proxy's URL may hold a password.
            raise Unreachable(
                "The proxy settings in the environment cannot be used.",
                hint="Look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.",
            ) from None
        except OSError as error:
            raise Unreachable(
                "The authorities that the environment names in SSL_CERT_FILE cannot be used: "
                f"{error.strerror or error}.",
                hint="Name a file of certificates in PEM, or unset it: unset SSL_CERT_FILE",
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def cut(self) -> None:
        """Cut all connections at once, whatever threads are sending or waiting for on them."""
        self._lines.cut()

    def get(self, url: str, headers: Mapping[str, str]) -> Answer | Failure:
        """Read *url*, redirects followed. A 404 is an answer, other refusals are failures."""
        answer = self._send("GET", url, headers, follow_redirects=True)
        if isinstance(answer, Failure) or answer.ok or answer.status == 404:
            return answer
        return reading_failure(answer, self.repository)

    def post(self, url: str, form: UploadForm, headers: Mapping[str, str]) -> Answer | Failure:
        """Post *form*, streamed; no redirect is followed. Any answer but 2xx is a failure."""
        headers = {**form.headers, **headers}
        answer = self._send("POST", url, headers, follow_redirects=False, content=form)
        if isinstance(answer, Failure) or answer.ok:
            return answer
        return upload_failure(answer, self.repository)

    def call(
        self, method: str, url: str, document: Mapping[str, Any] | None = None
    ) -> Answer | Failure:
        """Ask an API that speaks JSON. Any status is an answer; no redirect is followed."""
        how: dict[str, Any] = {} if document is None else {"json": document}
        accepted = {"Accept": "application/json"}
        return self._send(method, url, accepted, follow_redirects=False, **how)

    def sha256(self, url: str, hear: Callable[[bytes], object] | None = None) -> str | Failure:
        """Download *url* and return the SHA-256 of its content in hex.

        Nothing is stored; *hear* gets each piece of it, and ends the download where it raises.
        """
        digest = hashlib.sha256()
        try:
            with self._client.stream(
                "GET",
                url,
                headers=_AS_IT_IS,
                follow_redirects=True,
                extensions={"trace": self._lines.note},
            ) as response:
                if failure := answer_of_proxy(response.status_code, url, self.repository):
                    return failure
                if response.status_code != 200:
                    return reading_failure(_answer(response, b""), self.repository)
                for chunk in response.iter_bytes():
                    digest.update(chunk)
                    if hear is not None:
                        hear(chunk)
        except _BROKEN as error:
            return unanswered(error, url, self.repository)
        return digest.hexdigest()

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], **how: Any
    ) -> Answer | Failure:
        try:
            with self._client.stream(
                method, url, headers=headers, extensions={"trace": self._lines.note}, **how
            ) as response:
                if failure := answer_of_proxy(response.status_code, url, self.repository):
                    return failure
                return _answer(response, _read_bounded(response))
        except _BROKEN as error:
            return unanswered(error, url, self.repository, sends="content" in how)


class _OwnHosts(httpx.Auth):
    """Sends the credentials to the repository's own hosts, and to no other that a page names."""

    def __init__(self, repository: Repository) -> None:
        self._basic: httpx.BasicAuth | None = None
        if repository.username is not None:
            self._basic = httpx.BasicAuth(repository.username, repository.password or "")
        urls = (repository.upload_url, repository.index_url)
        self._origins = {origin_of(url) for url in urls if url}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._basic is not None and origin_of(str(request.url)) in self._origins:
            yield from self._basic.auth_flow(request)
        else:
            yield request


@cache
def user_agent() -> str:
    """Return the ``User-Agent`` that this version sends."""
    from importlib.metadata import version

    return f"poetry-aegis/{version('poetry-aegis')}"


def _tls(repository: Repository) -> ssl.SSLContext | bool:
    if repository.client_cert is None:
        return repository.verify
    verify = repository.verify
    context = (
        verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify)
    )
    try:
        context.load_cert_chain(repository.client_cert)
    except (OSError, ssl.SSLError) as error:
        raise PublishError(
            f"The client certificate of {repository.name}, {repository.client_cert}, "
            "cannot be used.",
            hint=f"Set it with: poetry config certificates.{repository.name}.client-cert FILE",
        ) from error
    return context


def _answer(response: httpx.Response, body: bytes) -> Answer:
    return Answer(
        url=str(response.url),
        status=response.status_code,
        phrase=response.reason_phrase,
        headers=response.headers,
        body=body,
    )


def _read_bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise httpx.DecodingError("the answer is larger than 64 MiB")
    return bytes(body)
