"""The index that the environment names, in place of the one that a repository's address is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from poetry_aegis.errors import UsageError
from poetry_aegis.publish.repository import (
    Repository,
    index_url_of,
    origin_of,
    split_userinfo,
    upload_url_of,
    without_userinfo,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

INDEX_VARIABLE = "PYPI_INDEX_URL"
NAME_WITHOUT_REPOSITORY = "aegis"  # as `client setup` calls an index that has no other name
_HINT = f"Set it to an address such as https://HOST/simple/, or unset it: unset {INDEX_VARIABLE}"

_WAY_IN = (
    f"User and password stand in the address that {INDEX_VARIABLE} names: "
    "https://USER:PASSWORD@HOST/simple/\n"
    "To be asked for the password instead: poetry aegis publish -u USER"
)


@dataclass(frozen=True)
class NamedIndex:
    """An index: *index_url* is read, *upload_url* takes uploads, ``None`` where none is known.

    *username* and *password* are those in the address; neither URL holds them.
    """

    index_url: str
    upload_url: str | None
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def is_that_of(self, repository: Repository) -> bool:
        """Return whether *repository* is at this very address."""
        return repository.index_url is not None and _place(repository.index_url) == _place(
            self.index_url
        )

    def instead_of(self, repository: Repository) -> Repository:
        """Return *repository* at this address.

        Its password, certificates and what else is between it and its server stay behind where
        this is another one: another scheme, host or port.
        """
        upload_url = self.upload_url or self.index_url
        if self.is_that_of(repository):
            moved = repository
        elif shares_origin(repository.upload_url, self.index_url):
            moved = replace(repository, upload_url=upload_url, index_url=self.index_url)
        else:
            moved = Repository(repository.name, upload_url, self.index_url, way_in=_WAY_IN)
        if self.username is None or (self.username == moved.username and not self.password):
            return moved
        return replace(moved, username=self.username, password=self.password or "", way_in=_WAY_IN)

    def alone(self) -> Repository:
        """Return the repository that this index is where Poetry knows none."""
        upload_url = self.upload_url or self.index_url
        return self.instead_of(
            Repository(NAME_WITHOUT_REPOSITORY, upload_url, self.index_url, way_in=_WAY_IN)
        )

    def require_uploads(self) -> None:
        """Raise `UsageError` unless it is known where the index takes uploads."""
        if self.upload_url is None:
            raise UsageError(
                f"{INDEX_VARIABLE} names {self.index_url}, of which no address for uploads is "
                "known, or which is public.",
                hint=f"Name another one, or unset it: unset {INDEX_VARIABLE}\n"
                "The public index is used when named: poetry aegis publish -r pypi",
            )


def index_in(environ: Mapping[str, str], public: Collection[str]) -> NamedIndex | None:
    """Return the index that *environ* names, ``None`` where it names none.

    Its address may be that of the server, of its ``/simple/`` or of its ``/legacy/``, as the one of
    a `Repository`. Nothing is uploaded to what has an origin of *public*'s: only who names the
    public index publishes there. Raises `UsageError` for what is no address of an index.
    """
    given = environ.get(INDEX_VARIABLE, "").strip()
    if not given:
        return None
    url, username, password = split_userinfo(given)
    _require_address(url)
    if urlsplit(url).path.rstrip("/").endswith("/+simple"):  # devpi's; uploads go elsewhere
        return NamedIndex(f"{url.rstrip('/')}/", None, username or None, password)
    is_public = any(shares_origin(url, origin) for origin in public)
    upload_url = None if is_public else upload_url_of(url)
    return NamedIndex(index_url_of(url), upload_url, username or None, password)


def address_in(environ: Mapping[str, str]) -> str | None:
    """Return the address in *environ* without user and password, ``None`` where there is none."""
    return without_userinfo(environ.get(INDEX_VARIABLE, "").strip()) or None


def shares_origin(one: str, other: str) -> bool:
    """Return whether two URLs have the same scheme, host and port, so that a password may go."""
    return origin_of(one) == origin_of(other)


def _require_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    # An "@" may be of a password that is written otherwise than in a URL, so nothing is quoted.
    if not usable or "@" in url or "?" in url or "#" in url or not url.isprintable() or " " in url:
        raise UsageError(f"{INDEX_VARIABLE} is no address of an index.", hint=_HINT)


def _place(url: str) -> tuple[tuple[str, str | None, int], str]:
    return origin_of(url), urlunsplit(("", "", urlsplit(url).path.rstrip("/"), "", ""))
