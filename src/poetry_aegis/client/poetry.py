"""Poetry as a client of the index: its addresses, a check of the credential, what to do next."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from poetry_aegis.errors import Forbidden, Unauthorized, Unreachable, UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path

    import httpx

TIMEOUT = 15.0  # seconds
JSON_PAGE = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Index:
    """An index as Poetry is to know it: a repository's *name* and the server's *base_url*.

    *base_url* ends in a slash and holds no credentials. *authority* is the file of the certificate
    that its own is verified with, where that is not one that every client trusts.
    """

    name: str
    base_url: str
    authority: Path | None = None

    @property
    def upload_url(self) -> str:
        """Where distributions are uploaded to (the legacy upload API)."""
        return f"{self.base_url}legacy/"

    @property
    def simple_url(self) -> str:
        """Where packages are installed from (PEP 503)."""
        return f"{self.base_url}simple/"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What someone who uses this address should know."""
        address = urlsplit(self.base_url)
        if address.scheme == "https" or is_local(self.base_url):
            return ()
        return (f"{self.base_url} is not encrypted: the password can be read on the way.",)

    @property
    def next_steps(self) -> dict[str, str]:
        """Return the commands that use the index, each under what it does."""
        return {
            # Explicit: a private name must never be looked up on a public index first.
            "add_source": f"poetry source add --priority=explicit {self.name} {self.simple_url}",
            "install_with_poetry": f"poetry add --source {self.name} PACKAGE",
            "publish": f"poetry aegis publish -r {self.name}",
            "install_with_pip": f"pip install {self._certificate_option}"
            f"--index-url {self.simple_url} PACKAGE",
        }

    @property
    def _certificate_option(self) -> str:
        return f"--cert {shlex.quote(str(self.authority))} " if self.authority else ""


def make_index(name: str, url: str) -> Index:
    """Return the index *name* at *url*, which may end in ``/simple/`` or ``/legacy/``.

    Raises `UsageError` for a name Poetry's configuration cannot hold, and for an address that is
    none, or that holds a password.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) or name.lower() == "pypi":
        raise UsageError(
            f"{name!r} cannot be the name of a repository.",
            hint='Use letters, digits, "-" and "_", and not the name "pypi", which is taken.',
        )
    return Index(name=name, base_url=_base_of(url))


def check_credential(
    index: Index,
    username: str,
    password: str,
    *,
    authority: str | None = None,
    is_ours: bool = False,
) -> None:
    """Ask *index* for its project list with the credential, as nobody for no *username*.

    Its certificate has to come from *authority*, in PEM, or else from one that all trust. *is_ours*
    where it is this machine's server, which can be started. Raises `Unauthorized`, `Forbidden`, and
    `Unreachable` where it does not answer as an index.
    """
    import httpx

    try:
        with (
            connect(index, authority) as client,
            client.stream(
                "GET",
                index.simple_url,
                auth=(username, password) if username else None,
                headers={"Accept": f"{JSON_PAGE}, text/html;q=0.1"},
            ) as answer,
        ):
            status, location = answer.status_code, answer.headers.get("location", "")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        if "WRONG_VERSION_NUMBER" in str(error) and _speaks_http(index):
            raise _without_tls(index) from error
        raise Unreachable(
            f"{index.base_url} does not answer: {str(error) or type(error).__name__}.",
            hint=_way_to(index, str(error), is_ours=is_ours),
        ) from error
    _judge(index, username, status, location)


def connect(index: Index, authority: str | None) -> httpx.Client:
    """Return a client for *index*, verified with *authority*, in PEM, or else with all's."""
    import httpx

    # A loopback server is never behind the proxy that the environment names.
    return httpx.Client(
        trust_env=not is_local(index.base_url), timeout=TIMEOUT, verify=_trust(authority)
    )


def _speaks_http(index: Index) -> bool:
    """Tell whether what does not answer with TLS answers without. It is told no credential."""
    import httpx

    try:
        with connect(index, None) as client, client.stream("HEAD", _as_http(index)):
            return True
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


def _as_http(index: Index) -> str:
    return urlunsplit(urlsplit(index.base_url)._replace(scheme="http"))


def _without_tls(index: Index) -> Unreachable:
    return Unreachable(
        f"The server at {index.base_url} speaks plain http there, without TLS.",
        hint=f"Name it with: --url {_as_http(index)}",
    )


def _trust(authority: str | None) -> ssl.SSLContext | bool:
    if authority is None:
        return True
    import ssl

    return ssl.create_default_context(cadata=authority)  # and no other one, as Poetry does


def _way_to(index: Index, failure: str, *, is_ours: bool) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in failure:
        return (
            "Give the authority of its certificate with --ca FILE.\n"
            "Write the file on the server with: poetry aegis server ca --output FILE"
        )
    if is_ours and is_local(index.base_url):
        return "Start the server with: poetry aegis server start"
    if index.base_url.startswith("https:"):
        return "Check the address, the network and the certificate."
    return "Check the address and the network, and whether the server runs there."


def _judge(index: Index, username: str, status: int, location: str) -> None:
    if status == 200:
        return
    if status == 401 and not username:
        raise Unauthorized(
            f"{index.base_url} wants to know who asks.", hint="Name the user with --username."
        )
    if status == 401:
        raise Unauthorized(
            f"{index.base_url} does not accept the password of {username!r}.",
            hint="Type it again, or set a new one on the server with: "
            f"poetry aegis server user passwd {username}",
        )
    if status == 403:
        raise Forbidden(
            f"{username!r} may not read {index.base_url}.",
            hint="Ask an admin of the server for a role.",
        )
    if 300 <= status < 400:
        raise Unreachable(
            f"{index.simple_url} redirects to {_without_query(location)}.",
            hint="Name that address with --url.",
        )
    raise Unreachable(
        f"{index.simple_url} answers with status {status}, not with a list of projects.",
        hint="Name the address of the index with --url.",
    )


def hidden_by(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return a warning where *environment* makes Poetry forget its configured repositories."""
    return tuple(
        f"{name} hides every repository in Poetry's configuration while it is set."
        for name in sorted(environment)
        if name.startswith("POETRY_REPOSITORIES_")
    )


def _base_of(url: str) -> str:
    try:
        address = urlsplit(url)
        host, _ = address.hostname, address.port
    except ValueError:
        host = None
    if not host or address.scheme not in {"http", "https"} or re.search(r"\s", url):
        raise UsageError(
            "The address of the index must be a web address.", hint="For example: https://HOST/"
        )
    if "@" in address.netloc or address.query or address.fragment:
        raise UsageError(
            "The address of the index may hold neither a user nor a query.",
            hint="Name the user with --username; the password is asked for.",
        )
    path = re.sub(r"/(simple|legacy)$", "", address.path.rstrip("/"))
    # In lower case: .netrc is asked for a host as it is spelled.
    return urlunsplit((address.scheme, address.netloc.lower(), f"{path}/", "", ""))


def is_local(url: str) -> bool:
    """Return whether *url* leads to this machine, without a network between."""
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def _without_query(location: str) -> str:
    return location.partition("?")[0]
