"""nginx's configuration: TLS, the pages and files, and who gets to the engine behind it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from poetry_aegis.server.stack.templating import as_nginx, fill
from poetry_aegis.server.template import GENERATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poetry_aegis.registry.people.identity import Identity
    from poetry_aegis.server.config import ServerSettings

ROOM = 1024**2  # bytes of an upload's form beside its file
MOST_BYTES = 2**62  # what nginx can count
READER = "reader"
# What the certificate names beside the names in the settings.
LOCAL = ("localhost", "127.0.0.1", "::1")

# A location that adds a header of its own inherits none, so these are said again there.
ALWAYS = """\
add_header Strict-Transport-Security "max-age=31536000" always;
{indent}add_header X-Content-Type-Options nosniff always;
{indent}add_header Retry-After $retry_after always;"""


def nginx_conf(settings: ServerSettings) -> str:
    """Return the whole configuration, for nginx 1.22 and later. Raises `MissingExtra`."""
    web = settings.web
    return fill(
        "nginx.conf.j2",
        engine=settings.engine,
        names=_host_names((web.name, *web.names, *LOCAL)),
        port="" if web.https_port == 443 else f":{web.https_port}",
        body_size=min(settings.max_upload_bytes, MOST_BYTES) + ROOM,
        upload_size=settings.max_upload_size.strip(),
        rate=web.rate,
        burst=web.burst,
        allow=web.allow,
        file_caching=_file_caching(settings),
        page_caching=f"{_audience(settings)}, no-cache",
        always=ALWAYS.format(indent=" " * 8),
        always_below=ALWAYS.format(indent=" " * 12),
    )


def writers_conf(users: Iterable[Identity]) -> str:
    """Return the lines of nginx's ``map`` that say which *users* may change something.

    Those who may are listed and not those who may not: what is missing then opens nothing. nginx
    looks names up in small letters, so who differs from a reader only in case is left out, too.
    """
    known = list(users)
    readers = {_lower(user.name) for user in known if user.role == READER}
    writers = sorted({_lower(user.name) for user in known} - readers)
    # The backslash keeps a name from being read as a regular expression or a word of nginx's.
    return GENERATED + "".join(f"{as_nginx(chr(92) + name)} 1;\n" for name in writers)


def _lower(name: str) -> str:
    """Return *name* with the letters of ASCII small, as nginx compares it."""
    return name.encode().lower().decode()


def _host_names(names: Iterable[str]) -> list[str]:
    """Return *names* as a ``Host`` header has them, each once."""
    return list(dict.fromkeys(map(_as_host, names)))


def _as_host(name: str) -> str:
    try:
        address = ip_address(name)
    except ValueError:
        return name
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


def _audience(settings: ServerSettings) -> str:
    return "public" if settings.anonymous_read else "private"


def _file_caching(settings: ServerSettings) -> str:
    """Return how long clients may keep a file, as the registry says it."""
    lifetime = "no-cache" if settings.overwrite else "max-age=31536000, immutable"
    return f"{_audience(settings)}, {lifetime}"
