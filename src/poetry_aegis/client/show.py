"""Which index each client would ask, by its own rules, and whether that answers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from poetry_aegis.client import netrc
from poetry_aegis.client.edits import read
from poetry_aegis.client.poetry import JSON_PAGE, is_local

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

State = Literal[
    "answers", "unauthorized", "forbidden", "unreachable", "untrusted", "refuses", "unreadable"
]
TIMEOUT = 5.0  # seconds, for each step of a request


@dataclass(frozen=True)
class Used:
    """An index that *tool* would ask. *where* tells what names it, *role* what it is to the tool.

    *login* and *authority* are what the tool asks with, where they are not in the address and not
    what everybody uses. Where the tool's file *where* cannot be read, *broken* tells why, and there
    is no address.
    """

    tool: str
    url: str
    where: str
    role: str = "index"
    login: tuple[str, str] | None = field(default=None, repr=False)
    authority: str | None = None
    broken: str = ""

    @property
    def shown_url(self) -> str:
        """The address without a credential in it, or which file cannot be read."""
        if self.broken:
            return f"cannot be read: {self.where}"
        try:
            parts = urlsplit(self.url)
            return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        except ValueError:
            return "an address that cannot be read"


@dataclass(frozen=True)
class Seen:
    """How an index answered: the *status* of its answer, ``None`` where there was none."""

    used: Used
    state: State
    status: int | None = None


def look(indexes: Sequence[Used]) -> list[Seen]:
    """Ask each of *indexes*, side by side; nothing is waited for longer than its timeout."""
    if not indexes:
        return []
    with ThreadPoolExecutor(max_workers=len(indexes)) as pool:
        return list(pool.map(_look, indexes))


def _look(used: Used) -> Seen:
    import httpx

    if used.broken:
        return Seen(used, "unreadable")
    url = used.shown_url
    try:
        with (
            httpx.Client(
                trust_env=not is_local(url), timeout=TIMEOUT, verify=_trust(used)
            ) as client,
            client.stream(
                "GET",
                url,
                auth=_login(used),
                headers={"Accept": f"{JSON_PAGE}, text/html;q=0.1"},
                follow_redirects=False,
            ) as answer,
        ):
            return Seen(used, _state(answer.status_code, used.role), answer.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error) or "certificate" in str(error)
        return Seen(used, "untrusted" if untrusted else "unreachable")


def _state(status: int, role: str) -> State:
    if status in {401, 407}:
        return "unauthorized"
    if status == 403:
        return "forbidden"
    # An address for uploads is asked for a page that it does not have: it answers all the same.
    return "answers" if status < 400 or (role == "upload" and status < 500) else "refuses"


def _trust(used: Used) -> ssl.SSLContext | bool:
    if used.authority is None:
        return True
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for place in map(Path, used.authority.split(os.pathsep)):
        files = sorted(place.glob("*")) if place.is_dir() else [place]
        for certificates in filter(None, map(_certificates, files)):
            context.load_verify_locations(cadata=certificates)
    return context


def _certificates(path: Path) -> str:
    """Return the certificates of a file; nothing for what is none, which uv passes over, too."""
    from poetry_aegis.client.authority import read_authority
    from poetry_aegis.errors import CertificateError

    try:
        return read_authority(path)
    except CertificateError:
        return ""


def _login(used: Used) -> tuple[str, str] | None:
    """Return who asks: as the address says, as the tool knows, or as ``.netrc`` has it."""
    parts = urlsplit(used.url)
    if parts.username:
        return unquote(parts.username), unquote(parts.password or "")
    if used.login is not None:
        return used.login
    return netrc.login_for(read(netrc.location()), parts.hostname or "")
