"""What it means for the user that a server gave no answer, or none that can be trusted."""

from __future__ import annotations

import ssl
import traceback
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from poetry_aegis.errors import Unreachable
from poetry_aegis.publish.patience import Failure
from poetry_aegis.publish.proxies import proxy_for, refused_by_proxy
from poetry_aegis.publish.repository import without_userinfo

if TYPE_CHECKING:
    from poetry_aegis.publish.repository import Repository

_FINAL = (
    *(httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.DecodingError, UnicodeError),
    httpx.TooManyRedirects,
)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
# What a server says that verifies its clients, TLS 1.3's alert 116 (RFC 8446).
_CERTIFICATE_WANTED = "CERTIFICATE_REQUIRED"
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


def unanswered(
    error: Exception, url: str, repository: Repository, *, sends: bool = False
) -> Failure:
    """Return what *error*, httpx's, of a request to *url* means; *sends* where it uploaded."""
    name = repository.name
    if problem := _certificate_problem(error, name):
        return Failure(problem, reached=False)
    detail = repository.redact(" ".join(str(error).split())).rstrip(".")
    why = "it took too long" if isinstance(error, httpx.TimeoutException) else detail
    failed = Unreachable(
        f"{name} gave no answer: {why or type(error).__name__}.",
        hint=_reachable(url, sends=sends),
    )
    # A trace is shown with -v; what quotes a secret, such as a proxy's reason, is left out.
    trace = "".join(traceback.format_exception(error))
    failed.__cause__ = error if repository.redact(trace) == trace else None
    return Failure(
        failed,
        repeatable=not (isinstance(error, _FINAL) or refused_by_proxy(error)),
        reached=not isinstance(error, _NOT_SENT),
    )


def _reachable(url: str, *, sends: bool) -> str:
    """Return what to do about a server that does not answer."""
    hint = f"Is {without_userinfo(url)} up, and is it the right address?"
    if proxy := proxy_for(url):
        hint += (
            f"\nThe way there goes through the proxy {proxy}, by the environment: is that one up, "
            "and does it take its user and password? Hosts without it are named in NO_PROXY."
        )
    if urlsplit(url).hostname in _LOCAL:
        hint += " A server of this machine is started with: poetry aegis server start"
    return f"{hint}\nWhat has arrived is not sent twice." if sends else hint


def _certificate_problem(error: BaseException | None, name: str) -> Unreachable | None:
    """Return what is wrong with the certificate of repository *name*, or with that for it."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unreachable(
                f"The certificate of {name} is not trusted: {error.verify_message}.",
                hint="Name the authority that signed it: "
                f"poetry config certificates.{name}.cert CA_FILE",
            )
        if isinstance(error, ssl.SSLError) and _CERTIFICATE_WANTED in str(error):
            return Unreachable(
                f"{name} wants a client certificate.",
                hint="Name a file with the certificate and its key: "
                f"poetry config certificates.{name}.client-cert FILE",
            )
        error = error.__cause__ or error.__context__
    return None
