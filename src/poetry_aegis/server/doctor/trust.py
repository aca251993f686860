"""Whether the clients on this machine trust the local authority of the server."""

from __future__ import annotations

import configparser
import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.clients import poetry_certificate, repositories_here
from poetry_aegis.server.doctor.verdicts import (
    Check,
    Verdict,
    has_local_authority,
    skip,
    warn,
    well,
    wrong,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.server.doctor.context import Context

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
SYSTEM_BUNDLES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/ssl/cert.pem",
)


def look_at_pip(context: Context) -> Verdict:
    """Look whether the certificates that pip goes by hold the server's authority."""
    who, bundle = _bundle_of_pip(context)
    if bundle is not None:
        return _judged(context, "pip", who, bundle)
    system = _system_bundle(context)
    if system is None:
        return skip("pip is told of no certificates, and the system's are not at a known place.")
    return _judged(context, "pip", "the system", system)


def look_at_requests(context: Context) -> Verdict:
    """Look at what requests, and with it twine, is told in the environment."""
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        if bundle := context.environment.get(variable):
            return _judged(context, "requests", variable, Path(bundle))
    return skip("requests is told of no certificates in this environment.")


def look_at_poetry(context: Context) -> Verdict:
    """Look whether Poetry can verify the repositories that it has on this server."""
    here = repositories_here(context)
    if not here:
        return skip("Poetry knows no repository of this name on this machine.")
    for name in here:
        bundle = poetry_certificate(context, name)
        if bundle is False:
            return wrong(
                f"certificates.{name}.cert is false: Poetry sends passwords to anybody.",
                f"poetry config certificates.{name}.cert {shlex.quote(str(context.authority))}",
            )
        verdict = _poetry_verdict(context, name, bundle)
        if verdict.is_finding:
            return verdict
    return well(f"Poetry can verify {', '.join(here)}.")


def _poetry_verdict(context: Context, name: str, bundle: str | None) -> Verdict:
    told = bundle or context.environment.get("REQUESTS_CA_BUNDLE")
    command = f"poetry config certificates.{name}.cert {shlex.quote(str(context.authority))}"
    if told is None:
        return warn(f"Poetry is told of no certificate for {name}, and refuses it.", command)
    path = Path(told).expanduser()
    if _holds(context, path):
        return well(f"{path} holds the authority.")
    return wrong(f"Poetry goes by {path} for {name}, which lacks the authority.", command)


def _judged(context: Context, client: str, who: str, bundle: Path) -> Verdict:
    bundle = bundle.expanduser()
    if bundle.is_dir():
        return skip(f"{client} goes by the folder {bundle}, named by {who}.")
    if not bundle.is_file():
        return wrong(
            f"{who} names {bundle} to {client}, and there is no such file.",
            f"Name a file that is there, or take the setting out of {who}",
        )
    if _holds(context, bundle):
        return well(f"{client} goes by {bundle}, which holds the authority.")
    return warn(
        f"{client} goes by {bundle}, named by {who}, which lacks the server's authority.",
        _how_to_add(context, bundle),
    )


def _how_to_add(context: Context, bundle: Path) -> str:
    authority = shlex.quote(str(context.authority))
    if bundle == _system_bundle(context):  # It is made anew from what is in a folder.
        target = "/usr/local/share/ca-certificates/poetry-aegis.crt"
        return f"sudo cp {authority} {target} && sudo update-ca-certificates"
    return f"cat {authority} >> {shlex.quote(str(bundle))}"


def _holds(context: Context, bundle: Path) -> bool:
    """Tell whether the authority is among the certificates of *bundle*."""
    authority = _certificates(context.authority)[:1]
    return bool(authority) and authority[0] in _certificates(bundle)


def _certificates(path: Path) -> list[bytes]:
    """Return the certificates of *path*, not looked into: a bundle may hold odd ones."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    blocks = (_BEGIN + block for block in text.split(_BEGIN)[1:])
    whole = (block.partition(_END) for block in blocks)
    return ["".join((head + foot).split()).encode() for head, foot, _ in whole if foot]


def _bundle_of_pip(context: Context) -> tuple[str, Path | None]:
    environment = context.environment
    if bundle := environment.get("PIP_CERT"):
        return "PIP_CERT", Path(bundle)
    for path in _pip_configurations(context):
        if bundle := _cert_in(path):
            return str(path), Path(bundle)
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if bundle := environment.get(variable):
            return variable, Path(bundle)
    return "", None


def _pip_configurations(context: Context) -> Iterator[Path]:
    """Yield where pip's configuration may be, what counts most first."""
    environment, user = context.environment, context.machine.user_folder
    if named := environment.get("PIP_CONFIG_FILE"):
        yield Path(named)
    if venv := environment.get("VIRTUAL_ENV"):
        yield Path(venv) / "pip.conf"
    yield Path(environment.get("XDG_CONFIG_HOME") or user / ".config") / "pip" / "pip.conf"
    yield user / ".pip" / "pip.conf"
    yield context.machine.root / "etc" / "pip.conf"


def _cert_in(path: Path) -> str:
    parser = configparser.RawConfigParser(strict=False)
    with contextlib.suppress(OSError, configparser.Error, UnicodeDecodeError):
        parser.read_string(path.read_text(encoding="utf-8"))
    sections = [name for name in ("install", "global") if parser.has_section(name)]
    return next(
        (found for name in sections if (found := parser.get(name, "cert", fallback=""))), ""
    )


def _system_bundle(context: Context) -> Path | None:
    places = (context.machine.root / place for place in SYSTEM_BUNDLES)
    return next((place for place in places if place.is_file()), None)


CHECKS = (
    Check("trust-pip", "pip trusts the server", look_at_pip, has_local_authority),
    Check("trust-poetry", "Poetry trusts the server", look_at_poetry, has_local_authority),
    Check("trust-requests", "requests trusts the server", look_at_requests, has_local_authority),
)
