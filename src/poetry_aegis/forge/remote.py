"""From the address of a git remote to the forge behind it.

git takes ``user@host:path`` and URLs (gitremote(7), "GIT URLS"). All of it is hostile input: only
plain hosts and paths come through, and what stands before an ``@`` is neither kept nor shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from poetry_aegis.errors import SettingsError
from poetry_aegis.forge.links import Kind, Links

if TYPE_CHECKING:
    from poetry_aegis.settings import ForgeKind

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_SCHEMES = {"https", "http", "ssh", "git", "git+ssh", "ssh+git", "git+https"}
_WEB_SCHEMES = {"https", "http"}

# Other names of public forges; the first ones take ssh where networks let only https out.
_ALIASES = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "www.github.com": "github.com",
}
_PUBLIC: dict[str, Kind] = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "bitbucket.org": "bitbucket",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
}
_WORDS: dict[str, Kind] = {
    "github": "github",
    "gitlab": "gitlab",
    "gitea": "gitea",
    "forgejo": "gitea",
    "bitbucket": "bitbucket",
}


@dataclass(frozen=True)
class _Address:
    """A place on the network: *netloc* is the host, with a port where it is a web page's."""

    scheme: str
    host: str
    netloc: str
    segments: tuple[str, ...]

    def site(self, segments: tuple[str, ...]) -> str:
        """Return the web address of *segments* on this host."""
        public = self.host in _PUBLIC
        scheme = self.scheme if self.scheme in _WEB_SCHEMES and not public else "https"
        netloc = self.host if public else self.netloc
        return "/".join([f"{scheme}://{netloc}", *(quote(segment) for segment in segments)])


def find_links(
    remote_url: str, kind: ForgeKind = "auto", web_url: str | None = None
) -> Links | None:
    """Return where the pages of the project at *remote_url* are, or ``None`` if that is unknown.

    *kind* says which forge it is; ``auto`` goes by the host. *web_url* is the forge's own web
    address, where it is not the remote's host. Raises `SettingsError` for a *web_url* that is not
    an http or https address.
    """
    remote = _read_address(remote_url)
    web = None if web_url is None else _read_web_url(web_url)
    if remote is None or len(remote.segments) < 2 or kind == "none":
        return None
    known = _recognise((web or remote).host) if kind == "auto" else kind
    if known is None:
        return None
    before, owner, name = _split_path(remote, known, web)
    if not owner or not name:
        return None
    if web is None:
        return Links(known, remote.site(before), "/".join(owner), name)
    return Links(known, web.site(_without_project(web, (*owner, name))), "/".join(owner), name)


def _split_path(
    remote: _Address, kind: Kind, web: _Address | None
) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Return what stands before the project in the path, its owner, and its name."""
    segments, name = remote.segments[:-1], remote.segments[-1].removesuffix(".git")
    if kind == "gitlab":
        # GitLab nests groups, so a path of its own before them is known from its web address only.
        below = web.segments if web and remote.scheme in _WEB_SCHEMES else ()
        skipped = len(below) if segments[: len(below)] == below else 0
        return segments[:skipped], segments[skipped:], name
    before, owner = segments[:-1], segments[-1:]
    if kind == "bitbucket" and before[-1:] == ("scm",):
        before = before[:-1]
    return before if remote.scheme in _WEB_SCHEMES else (), owner, name


def _without_project(web: _Address, project: tuple[str, ...]) -> tuple[str, ...]:
    """Return the forge's own path, also where the address given is the project's page."""
    end = -len(project)
    return web.segments[:end] if web.segments[end:] == project else web.segments


def _recognise(host: str) -> Kind | None:
    if host in _PUBLIC:
        return _PUBLIC[host]
    if host.endswith(".ghe.com"):
        return "github"
    return next((kind for word, kind in _WORDS.items() if word in host), None)


def _read_web_url(url: str) -> _Address:
    address = _read_address(url)
    if address is None or address.scheme not in _WEB_SCHEMES:
        # Not shown: whoever writes a password into it by mistake need not read it in a log.
        raise SettingsError(
            "forge_url in [tool.poetry-aegis] is not an http or https address.",
            hint='Write the forge\'s own address: forge_url = "https://git.example.com"',
        )
    return address


def _read_address(url: str) -> _Address | None:
    if not url.isprintable() or "\\" in url:
        return None
    if "://" not in url:
        return _read_scp_form(url)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or parts.query or parts.fragment:
        return None
    scheme = "https" if parts.scheme == "git+https" else parts.scheme
    if scheme not in _WEB_SCHEMES or port in (None, {"https": 443, "http": 80}[scheme]):
        port = None
    return _address(scheme, f"[{host}]" if ":" in host else host, port, unquote(parts.path))


def _read_scp_form(url: str) -> _Address | None:
    place, colon, path = url.partition(":")
    # One letter before the colon is a Windows drive, a slash there makes it a local path.
    if not colon or len(place) == 1 or "/" in place or path.startswith(":"):
        return None
    return _address("ssh", place.rpartition("@")[2], None, path)


def _address(scheme: str, host: str, port: int | None, path: str) -> _Address | None:
    host = _ALIASES.get(host.lower(), host.lower())
    segments = tuple(path.strip("/").split("/")) if path.strip("/") else ()
    dots = any(segment in ("", ".", "..") for segment in segments)
    if not _HOST.fullmatch(host) or dots or not path.isprintable():
        return None
    return _Address(scheme, host, host if port is None else f"{host}:{port}", segments)
