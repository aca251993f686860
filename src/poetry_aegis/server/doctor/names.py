"""The names that clients use: whether they resolve, and lead here."""

from __future__ import annotations

import contextlib
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.verdicts import (
    Check,
    Verdict,
    is_stack,
    skip,
    warn,
    well,
    wrong,
)

if TYPE_CHECKING:
    from poetry_aegis.server.doctor.context import Context


def look_at_names(context: Context) -> Verdict:
    """Look whether each name of the server resolves."""
    names = _names(context)
    if not names:
        return well("Clients use an address, no name.")
    unknown = [name for name in names if not _resolved(context, name)]
    if not unknown:
        return well(f"{', '.join(names)} can be resolved here.")
    verdict = wrong if context.name in unknown else warn
    return verdict(
        f"No address is known here for {', '.join(unknown)}.", _hosts_line(context, unknown)
    )


def look_at_hosts(context: Context) -> Verdict:
    """Look whether the names lead to this machine, whoever says so: DNS or the hosts file."""
    found = {name: _resolved(context, name) for name in _names(context)}
    resolved = {name: addresses for name, addresses in found.items() if addresses}
    if not resolved:
        return skip("There is no name that can be resolved.")
    elsewhere = {
        name: addresses
        for name, addresses in resolved.items()
        if not any(_is_here(address) for address in addresses)
    }
    if not elsewhere:
        return well(f"{', '.join(resolved)}: this machine.")
    shown = ", ".join(f"{name} ({', '.join(found)})" for name, found in elsewhere.items())
    source = _hosts_entry(context, next(iter(elsewhere)))
    by = f"{source} says so" if source else "DNS says so"
    return warn(
        f"Another machine has the address of {shown}; {by}.",
        f"Remove the line from {source}, or let it name this machine"
        if source
        else "Let DNS name this machine; behind a load balancer all is well",
    )


def _names(context: Context) -> list[str]:
    web = context.known.web
    return [name for name in (web.name, *web.names) if not _is_address(name)]


def _resolved(context: Context, name: str) -> tuple[str, ...]:
    try:
        return context.machine.resolve(name)
    except (OSError, UnicodeError):
        return ()


def _hosts_line(context: Context, names: list[str]) -> str:
    listen = context.known.web.listen
    address = "127.0.0.1" if ip_address(listen).is_unspecified else listen
    return f"echo '{address} {' '.join(names)}' | sudo tee -a /etc/hosts"


def _hosts_entry(context: Context, name: str) -> str:
    """Return the path of the hosts file where it names *name*, else nothing."""
    hosts = context.machine.root / "etc" / "hosts"
    with contextlib.suppress(OSError):
        for line in hosts.read_text(encoding="utf-8", errors="replace").splitlines():
            if name in line.partition("#")[0].lower().split()[1:]:
                return str(hosts)
    return ""


def _is_here(address: str) -> bool:
    """Tell whether this machine has *address*: only then may a socket be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return True
    return False


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


CHECKS = (
    Check("name-known", "The names of the server resolve", look_at_names, is_stack),
    Check("name-leads-here", "The names lead to this machine", look_at_hosts, is_stack),
)
