"""Variables of this shell that lead clients astray.

Their values are never shown: they may hold passwords.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from poetry_aegis.server.doctor.clients import (
    configured_repositories,
    host_of,
    poetry_certificate,
    repositories_here,
    repositories_of_environment,
)
from poetry_aegis.server.doctor.verdicts import Check, Verdict, is_set_up, warn, well

if TYPE_CHECKING:
    from poetry_aegis.server.doctor.context import Context

INDEXES = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"),
)
UNVERIFIED = ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST", "PYTHONHTTPSVERIFY")


def look_at_repositories(context: Context) -> Verdict:
    """Look whether a variable hides the repositories of Poetry's configuration from it."""
    variables = repositories_of_environment(context)
    hidden = sorted(configured_repositories(context).keys() - variables.keys())
    if not variables or not hidden:
        return well("No variable hides a repository from Poetry.")
    shown = ", ".join(sorted(variables.values()))
    return warn(
        f"{shown} hides every other repository from Poetry: {', '.join(hidden)}.",
        f"unset {' '.join(sorted(variables.values()))}",
    )


def look_at_proxies(context: Context) -> Verdict:
    """Look whether clients would go through a proxy to a server that is near."""
    lowered = {name.lower(): value for name, value in context.environment.items()}
    wanted = ("https_proxy" if context.known.is_stack else "http_proxy", "all_proxy")
    catching = [name for name in wanted if lowered.get(name)]
    if not catching:
        return well("No proxy is between clients here and the server.")
    name, excepted = context.name, lowered.get("no_proxy", "")
    if proxy_bypass_environment(name, {"no": excepted}):
        return well(f"{name} is excepted from the proxy.")
    already = "$NO_PROXY," if excepted else ""
    return warn(
        f"{', '.join(catching).upper()} leads clients to a proxy, also for {name}.",
        f"export NO_PROXY={already}{name}",
    )


def look_at_indexes(context: Context) -> Verdict:
    """Look whether variables lead pip and uv to other indexes."""
    elsewhere = [
        variable
        for variable in INDEXES
        if (value := context.environment.get(variable))
        and any(_host(part) != context.name for part in value.split())
    ]
    if not elsewhere:
        return well("pip and uv are led to no other index.")
    return warn(
        f"{', '.join(elsewhere)} leads pip or uv to another index, whatever a project says.",
        f"unset {' '.join(elsewhere)}",
    )


def look_at_verification(context: Context) -> Verdict:
    """Look whether clients are told not to verify the server's certificate."""
    off = [name for name in UNVERIFIED if _turns_off(context, name)]
    off += [
        f"certificates.{name}.cert"
        for name in repositories_here(context)
        if poetry_certificate(context, name) is False
    ]
    if not off:
        return well("Clients are told to verify certificates.")
    return warn(
        f"{', '.join(off)}: the server is not verified, and anybody gets the passwords.",
        f"Take it away, and let clients trust the authority: {context.command('ca')}",
    )


def _turns_off(context: Context, variable: str) -> bool:
    value = context.environment.get(variable, "")
    if variable == "PYTHONHTTPSVERIFY":
        return value == "0"
    return context.name in {part.rpartition("//")[2].split(":")[0] for part in value.split()}


def _host(text: str) -> str:
    """Return the host of an index, which uv writes as ``name=url``, too."""
    name, equals, url = text.partition("=")
    return host_of(url if equals and "/" not in name else text)


CHECKS = (
    Check("poetry-repositories", "No variable hides repositories", look_at_repositories, is_set_up),
    Check("proxy", "No proxy stands between", look_at_proxies, is_set_up),
    Check("index-variables", "Clients look into this index", look_at_indexes, is_set_up),
    Check("verification", "Clients verify the server", look_at_verification, is_set_up),
)
