"""The hosts file: the name of a server that no DNS knows."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from pathlib import Path

from poetry_aegis.client import lines as text
from poetry_aegis.client.setup import Want, Work
from poetry_aegis.errors import AegisError, UsageError


def location() -> Path:
    """Return the hosts file of this machine."""
    if sys.platform == "win32":
        return Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32/drivers/etc/hosts")
    return Path("/etc/hosts")


def line(address: str, host: str) -> str:
    """Return the line that lets *host* lead to *address*. Raises `UsageError`."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        raise UsageError(
            f"{address!a} is no address of a machine.", hint="For example: --address 192.0.2.7"
        ) from None
    require_name(host)
    return f"{ip} {host}"


def require_name(host: str) -> None:
    """Raise `UsageError` unless *host* is a name that a hosts file can hold."""
    if _is_address(host):
        raise UsageError(
            f"{host} is an address already: it needs no line in the hosts file.",
            hint="Clients find the index there as it is.",
        )
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", host):
        raise UsageError(f"{host!a} is no name that a hosts file can hold.")


def work(address: str, host: str, name: str) -> Work:
    """Return what writes the line, between marks that name the repository."""
    written = line(address, host)
    path = location()
    want = Want(path, "hosts", lambda content: with_line(content, written, name))
    return Work("hosts", host, (want,))


def with_line(content: bytes | None, written: str, name: str) -> bytes:
    """Return *content* with the line *written* in it, where it is not there already.

    Raises `AegisError` where the name leads elsewhere already.
    """
    address, host = written.split()
    for entry in text.split(content or b""):
        words = entry.partition("#")[0].split()
        if host.lower() not in (word.lower() for word in words[1:]):
            continue
        if words[0] == address:
            return content or b""
        raise AegisError(
            f"It lets {host} lead to {words[0]} already.",
            hint="Change that line by hand, if it is out of date.",
        )
    return text.appended(
        content, [f"# >>> poetry-aegis: {name}", written, f"# <<< poetry-aegis: {name}"]
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
