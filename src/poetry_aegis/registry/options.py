"""What the server is started with.

`RegistrySettings` is the schema of the settings that an operator may write; a dataclass of this
module is a table of that file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.registry.names import as_pattern
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SIZE = re.compile(r"(\d+)\s*(|B|KiB|MiB|GiB|KB|MB|GB|K|M|G)", re.IGNORECASE)
_UNITS = {
    "": 1, "B": 1,
    "K": 1024, "KIB": 1024, "KB": 1000,
    "M": 1024**2, "MIB": 1024**2, "MB": 1000**2,
    "G": 1024**3, "GIB": 1024**3, "GB": 1000**3,
}  # fmt: skip


@dataclass(frozen=True)
class LoginLimits:
    """``[logins]``: how many wrong passwords are taken within a *window* of seconds.

    A stranger who knows a user's name can use up its *per_user* failures, and go on doing so. Then
    no password of that user is taken until the window has passed, but those that were right since
    the server started; API tokens are taken always.
    """

    per_address: int = 20
    per_user: int = 50
    window: int = 60

    def __post_init__(self) -> None:
        _require_positive(self, "per_address", "per_user", "window")


@dataclass(frozen=True)
class UpstreamSettings:
    """``[upstream]``: another index, whose projects are shown where this one has none.

    Off without a *url*, the address of a simple API. *allow* and *deny* are patterns of project
    names, *minimum_age* is in days, *fresh* in seconds, *timeout* in seconds.
    """

    url: str = ""
    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()
    minimum_age: int = 0
    fresh: int = 600
    timeout: int = 15

    def __post_init__(self) -> None:
        if self.url and not _is_web_address(self.url):
            # It is not repeated: it may hold a password.
            raise InvalidTable("url is not the address of an index, as https://host/simple/ is.")
        _require_patterns(self, "allow", "deny")
        _require_positive(self, "timeout")
        for key in ("minimum_age", "fresh"):
            if getattr(self, key) < 0:
                raise InvalidTable(f"{key} = {getattr(self, key)} is less than nothing.")


@dataclass(frozen=True)
class SignatureSettings:
    """``[signatures]``: uploads to the projects *required*, patterns of names, must be signed.

    *trust* is a TOML file of the keys that count and of how many must sign, as
    `poetry_aegis.signatures.trust` has it; relative to the settings file. It is read anew when it
    changes.
    """

    required: tuple[str, ...] = ()
    trust: str = ""

    def __post_init__(self) -> None:
        _require_patterns(self, "required")
        if self.required and not self.trust:
            raise InvalidTable(
                "required is set, and trust is not: nobody's signature would count.",
                hint='Name the file of the keys that count, as trust = "trust.toml".',
            )


@dataclass(frozen=True)
class RetentionRule:
    """``[[retention]]``: which releases of the *projects*, patterns of names, may be deleted.

    Of each kind the newest so many versions are kept, 0 for all. Nothing younger than *older_than*
    days is deleted.
    """

    projects: tuple[str, ...] = ("*",)
    keep_releases: int = 0
    keep_pre_releases: int = 0
    keep_dev_releases: int = 0
    older_than: int = 0

    def __post_init__(self) -> None:
        _require_patterns(self, "projects")
        for key in ("keep_releases", "keep_pre_releases", "keep_dev_releases", "older_than"):
            if getattr(self, key) < 0:
                raise InvalidTable(f"{key} = {getattr(self, key)} is less than nothing.")


@dataclass(frozen=True)
class RegistrySettings:
    """How a registry behaves, wherever it runs.

    *anonymous_read*: whether reading needs no credential. *max_upload_size*: of a whole request.
    *overwrite*: whether an admin may replace a file; where nobody may, clients are told to keep
    files for good. *watch*: whether files that are copied in by hand are noticed at once.
    *reserved*: patterns of project names that are never looked up *upstream*. *metrics_port*: a
    port of its own for ``/metrics``, 0 for none. *trusted_proxies*: addresses and networks whose
    ``X-Forwarded-For`` is believed. *minimum_free_space*: below it the registry is not ready.
    *followed_log*: the absolute path of a web server's access log in JSON, whose downloads are
    counted beside the registry's own, empty for none; what its lines must have, and how nginx is
    told to write them, is in `poetry_aegis.registry.state.follow`. *certificate_expiry*: the
    absolute path of a file that says when the certificate of the web server before the registry
    ends, in seconds since 1970; the metrics tell of it. Empty for none. *redis_url*: the address
    of a Redis in which several registries count failed logins together, empty for none; as it may
    hold a password, the environment's ``AEGIS_REDIS_URL`` is the better place for it.
    """

    anonymous_read: bool = False
    max_upload_size: str = "1GiB"
    overwrite: bool = True
    watch: bool = False
    reserved: tuple[str, ...] = ()
    metrics_port: int = 0
    trusted_proxies: tuple[str, ...] = ()
    minimum_free_space: str = "64MiB"
    followed_log: str = ""
    certificate_expiry: str = ""
    redis_url: str = field(default="", repr=False)
    logins: LoginLimits = field(default_factory=LoginLimits)
    upstream: UpstreamSettings = field(default_factory=UpstreamSettings)
    signatures: SignatureSettings = field(default_factory=SignatureSettings)
    retention: tuple[RetentionRule, ...] = ()

    def __post_init__(self) -> None:
        _require_size("max_upload_size", self.max_upload_size)
        _require_size("minimum_free_space", self.minimum_free_space)
        if not 0 <= self.metrics_port <= 65535:
            raise InvalidTable(f"metrics_port = {self.metrics_port} is not a port.")
        _require_patterns(self, "reserved")
        for address in self.trusted_proxies:
            _require_network(address)
        for key in ("followed_log", "certificate_expiry"):
            if path := getattr(self, key):
                _require_absolute(key, path)
        if self.redis_url and not _is_web_address(self.redis_url, ("redis", "rediss")):
            # It is not repeated: it may hold a password.
            raise InvalidTable(
                "redis_url is not the address of a Redis.",
                hint="Write it as redis://:PASSWORD@HOST:6379/0.",
            )

    @property
    def max_upload_bytes(self) -> int:
        """The largest upload, in bytes."""
        return parse_size(self.max_upload_size)

    @property
    def minimum_free_bytes(self) -> int:
        """Less free space than this, in bytes, is too little."""
        return parse_size(self.minimum_free_space)


@dataclass(frozen=True)
class ServeOptions:
    """Which data directory to serve, where, and how."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8080
    settings: RegistrySettings = field(default_factory=RegistrySettings)


def parse_size(text: str) -> int:
    """Return a number of bytes from ``1048576``, ``512MiB`` or ``2G``. Raises ``ValueError``."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or (size := int(match[1]) * _UNITS[match[2].upper()]) < 1:
        raise ValueError(f"{text!r} is not a size such as 1048576, 512MiB or 2GiB")
    return size


def _is_web_address(url: str, schemes: Iterable[str] = ("http", "https")) -> bool:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        _ = parts.port  # Read where it is no number.
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and not re.search(r"\s", url)


def _require_positive(table: object, *keys: str) -> None:
    for key in keys:
        if getattr(table, key) < 1:
            raise InvalidTable(f"{key} = {getattr(table, key)} must be at least 1.")


def _require_patterns(table: object, *keys: str) -> None:
    for key in keys:
        _require_all_patterns(key, getattr(table, key))


def _require_all_patterns(key: str, texts: Iterable[str]) -> None:
    try:
        for text in texts:
            as_pattern(text)
    except ValueError as error:
        raise InvalidTable(f"{key}: {error}") from None


def _require_size(key: str, text: str) -> None:
    try:
        parse_size(text)
    except ValueError as error:
        raise InvalidTable(f"{key}: {error}.") from None


def _require_absolute(key: str, path: str) -> None:
    from pathlib import Path

    if not Path(path).is_absolute():
        raise InvalidTable(f"{key} = {path!r} does not begin at the root of the file system.")


def _require_network(address: str) -> None:
    from ipaddress import ip_network

    try:
        ip_network(address)
    except ValueError:
        raise InvalidTable(
            f"trusted_proxies: {address!r} is neither an IP address nor a network.",
            hint="Write an address such as 10.0.0.5, or a network such as 172.16.0.0/12.",
        ) from None
