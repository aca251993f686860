"""Where distributions go: an upload URL, the index beside it, and who is asking.

Poetry's ``repositories.NAME.url`` is the address that takes uploads, but many a team has set it
to the ``/simple/`` page that installs read. Both are understood here; all functions are pure.
"""

from __future__ import annotations

import base64
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import getproxies

from poetry_aegis.errors import NotAnUploadUrl, UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from pathlib import Path

# Shorter ones would be found inside ordinary words, and marking those would give them away.
_SHORTEST_SECRET = 4


@dataclass(frozen=True)
class Repository:
    """A package index as Poetry's configuration describes it.

    *index_url* is the root of its Simple API (PEP 503, PEP 691), ending in a slash; ``None``
    where it cannot be known. *verify* and *client_cert* are for TLS; *notes* are sentences the
    user should read before something is sent; *way_in* is the hint for who is not let in, where
    the credential is not Poetry's to keep. A user name and password inside a URL are moved
    out of it, so that no URL held here is a secret. Raises `NotAnUploadUrl` where they cannot be
    told from the rest of it.
    """

    name: str
    upload_url: str
    index_url: str | None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    verify: ssl.SSLContext | bool = True
    client_cert: Path | None = None
    notes: tuple[str, ...] = ()
    way_in: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        upload_url, username, password = split_userinfo(self.upload_url)
        object.__setattr__(self, "upload_url", upload_url_of(upload_url))
        if "@" in upload_url or "@" in without_userinfo(self.index_url or ""):
            raise NotAnUploadUrl(
                f"The URL of repository {self.name} holds an '@' that may be part of a password, "
                "so it is neither used nor shown.",
                hint=f"Set it without user and password: {config_line(self, 'https://HOST/')}\n"
                f"Give those with: poetry config http-basic.{self.name} USER\n"
                "Where the path has an '@', write it as %40.",
            )
        if self.index_url is not None:
            object.__setattr__(self, "index_url", without_userinfo(self.index_url))
        if self.username is None and username is not None:
            object.__setattr__(self, "username", username)
            object.__setattr__(self, "password", password)

    def redact(self, text: str) -> str:
        """Return *text* without this repository's password and those of proxies on the way to it.

        In any form that they travel in: a proxy may quote what it was sent, too.
        """
        people = [(self.username or "", self.password or "")]
        for proxy in getproxies().values():
            _, username, password = split_userinfo(proxy)
            people.append((username or "", password or ""))
        for username, password in people:
            text = _without_password(text, username, password)
        return text


def _without_password(text: str, username: str, password: str) -> str:
    if len(password) < _SHORTEST_SECRET:
        return text
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    for secret in (pair, password, quote(password, safe="")):
        text = text.replace(secret, "***")
    return text


def upload_url_of(url: str) -> str:
    """Return the address to post to, for the *url* that Poetry's configuration holds.

    It is *url* itself. Only ``/legacy`` and ``/simple`` get the slash they lack: servers answer
    those with a redirect, which a POST cannot follow.
    """
    return f"{url}/" if url.endswith(("/legacy", "/simple")) else url


def index_url_of(upload_url: str) -> str:
    """Return the root of the Simple API that belongs to *upload_url*, ending in a slash.

    Raises `NotAnUploadUrl` where that is no URL.
    """
    try:
        segments = _segments(upload_url)
    except ValueError:
        # Not chained: Python's own message may quote a password.
        raise NotAnUploadUrl(
            "The repository's URL cannot be understood, so it is neither used nor shown.",
            hint="Set it with: poetry config repositories.NAME https://HOST/",
        ) from None
    if segments[-1:] in (["simple"], ["legacy"]) or segments[-2:] == ["pypi", "upload"]:
        segments.pop()  # The last one is of Azure Artifacts.
    return _with_path(upload_url, [*segments, "simple"])


def likely_upload_url(upload_url: str) -> str:
    """Return the address that probably takes uploads where *upload_url* does not.

    Nearly every server takes them beside its ``simple/`` page, a few under ``legacy/``.
    """
    segments = _segments(upload_url)
    if segments and segments[-1] in ("simple", "+simple", "legacy"):
        return _with_path(upload_url, segments[:-1])
    if segments and not urlsplit(upload_url).path.endswith("/"):
        return _with_path(upload_url, segments)
    return _with_path(upload_url, [*segments, "legacy"])


def check_upload_url(repository: Repository) -> None:
    """Raise `NotAnUploadUrl` unless the upload URL is an absolute http or https address."""
    try:
        parts = urlsplit(repository.upload_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise NotAnUploadUrl(
            f"The URL of repository {repository.name}, {repository.upload_url!r}, "
            "is not an http or https address.",
            hint=f"Set it with: {config_line(repository, 'https://HOST/')}",
        )


def config_line(repository: Repository, url: str) -> str:
    """Return the command that gives *repository* another *url*."""
    return f"poetry config repositories.{repository.name} {shlex.quote(without_userinfo(url))}"


def choose_repository(
    asked: str | None, setting: str | None, configured: Sequence[str], *, publishes: bool = True
) -> str:
    """Return the name of the repository to publish to, or to look at where nothing *publishes*.

    *asked* on the command line comes first, then the project's *setting*, then the only one that
    Poetry has *configured*. The public index is never chosen unasked: a private project must not
    get there by accident. Raises `UsageError` where the choice is not clear.
    """
    private = [name for name in configured if name.lower() != "pypi"]
    if name := asked or setting:
        return name
    if len(private) == 1:
        return private[0]
    if private:
        raise UsageError(
            f"Poetry knows several repositories: {', '.join(private)}.",
            hint=f"Name one with: -r {private[0]}\n"
            'Or set it for the project: [tool.poetry-aegis] repository = "NAME"',
        )
    raise UsageError(
        "No repository is configured, and the public index is not chosen unasked.",
        hint="Configure yours: poetry config repositories.NAME URL"
        + ("\nOr publish to the public index: poetry aegis publish -r pypi" if publishes else ""),
    )


def split_userinfo(url: str) -> tuple[str, str | None, str | None]:
    """Return *url* without its user and password, and those two, decoded."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, None, None
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None, None
    username, _, password = userinfo.partition(":")
    return urlunsplit(parts._replace(netloc=host)), unquote(username), unquote(password)


def origin_of(url: str) -> tuple[str, str | None, int]:
    """Return the scheme, host and port of *url*: where a password may go."""
    parts = urlsplit(url)
    try:
        port = parts.port or {"http": 80}.get(parts.scheme, 443)
    except ValueError:
        port = -1  # It is none, and so nobody else's.
    return parts.scheme, parts.hostname, port


def without_userinfo(url: str) -> str:
    """Return *url* as it may be shown."""
    return split_userinfo(url)[0]


def _segments(url: str) -> list[str]:
    return [segment for segment in urlsplit(url).path.split("/") if segment]


def _with_path(url: str, segments: Sequence[str]) -> str:
    path = "".join(f"{segment}/" for segment in segments)
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}", query="", fragment=""))
