"""The certificate of a stack: its key, its names, its end, and what nginx really shows."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from poetry_aegis.errors import CertificateError
from poetry_aegis.server.doctor.questions import reason_of
from poetry_aegis.server.doctor.verdicts import (
    Check,
    NoAnswer,
    Verdict,
    has_local_authority,
    is_set_up,
    is_stack,
    skip,
    warn,
    well,
    wrong,
)
from poetry_aegis.server.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from socket import socket

    from cryptography import x509

    from poetry_aegis.server.doctor.context import Context

RENEWED_AT = 30  # days, as start does it
ALARMED_AT = 14  # days, as the alerts are
SKEW = 120  # seconds between two clocks


def look_at_pair(context: Context) -> Verdict:
    """Look whether the certificate and its key can be read and belong together."""
    from poetry_aegis.server import pem

    certificate_file, key_file = _files(context)
    try:
        (leaf, *_), key = pem.read_chain(certificate_file), pem.read_key(key_file)
    except CertificateError as error:
        return wrong(str(error), _way_out(context), _renewal(context))
    if pem.belong_together(leaf, key):
        return well(f"{certificate_file} and {key_file} belong together.")
    return wrong(
        f"{certificate_file} is not about the key {key_file}.",
        _way_out(context),
        _renewal(context),
    )


def look_at_end(context: Context) -> Verdict:
    """Look how many days the certificate is good for."""
    leaf = _leaf(context)
    if leaf is None:
        return skip("The certificate cannot be read.")
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if context.now < begin:
        return wrong(
            f"It is not valid before {begin:%Y-%m-%d %H:%M} UTC, and this machine's clock says "
            f"{context.now:%Y-%m-%d %H:%M}.",
            "Set the clock, and see it with: timedatectl",
        )
    days = (end - context.now).days
    if end <= context.now:
        return wrong(f"It ended on {end:%Y-%m-%d}.", _way_out(context), _renewal(context))
    if days < RENEWED_AT:
        verdict = wrong if days < ALARMED_AT else warn
        evidence = f"It ends on {end:%Y-%m-%d}, in {counted(days, 'day')}."
        return verdict(evidence, _way_out(context), _renewal(context))
    return well(f"It is good until {end:%Y-%m-%d}, for {counted(days, 'day')}.")


def look_at_names(context: Context) -> Verdict:
    """Look whether the certificate is for every name of the settings."""
    from poetry_aegis.server import pem

    leaf = _leaf(context)
    if leaf is None:
        return skip("The certificate cannot be read.")
    names, web = pem.names_of(leaf), context.known.web
    missing = [name for name in (web.name, *web.names) if not pem.covers(names, name)]
    if not missing:
        return well(f"It is for {', '.join((web.name, *web.names))}.")
    return wrong(f"It is not for {', '.join(missing)}.", _way_out(context), _renewal(context))


def look_at_authority(context: Context) -> Verdict:
    """Look whether the local authority is there, goes on, and has signed the certificate."""
    from poetry_aegis.server import pem

    try:
        authority = pem.read_chain(context.authority)[0]
    except CertificateError as error:
        return wrong(str(error), context.command("start"))
    end = authority.not_valid_after_utc
    if end <= context.now:
        return wrong(f"The authority ended on {end:%Y-%m-%d}.", context.command("start"))
    leaf = _leaf(context)
    if leaf is not None and not pem.issued(authority, leaf):
        return wrong(
            f"{context.authority} has not signed the certificate: clients refuse it.",
            _way_out(context),
            _renewal(context),
        )
    return well(f"The local authority is good until {end:%Y-%m-%d}.")


def look_at_handshake(context: Context) -> Verdict:
    """Look whether what nginx shows can be verified, and is the certificate of now."""
    try:
        with context.door.connect() as connection:
            shown = _shown(connection)
    except ssl.SSLError as error:
        return wrong(f"The certificate that is shown: {reason_of(error)}.", _way_out(context))
    except OSError as error:
        raise NoAnswer(reason_of(error)) from error
    leaf = _leaf(context)
    if leaf is not None and shown is not None and shown != _der(leaf):
        return warn(
            "Another certificate is shown than the one on the disk: nginx has not read it yet.",
            context.command("restart nginx"),
        )
    return well(f"The certificate that is shown for {context.name} can be verified.")


def look_at_clock(context: Context) -> Verdict:
    """Look whether this machine's clock agrees with the server's, and with its own past."""
    future = [path for path in _stamped(context) if _modified(path) > _seconds(context) + SKEW]
    if future:
        return wrong(
            f"{future[0]} is from {_ahead(future[0], context)} after now: the clock was set back.",
            "Set the clock, and see it with: timedatectl",
        )
    try:
        told = context.ask("/health").headers.get("date", "")
    except NoAnswer:
        return well("No file of the server is from the future.")
    skew = round(abs(_date(told) - _seconds(context))) if told else 0
    if skew > SKEW:
        return wrong(
            f"The server's clock and the one here differ by {skew} seconds.",
            "Set the clock, and see it with: timedatectl",
        )
    return well(f"The server's clock agrees, by {counted(skew, 'second')}.")


def _files(context: Context) -> tuple[Path, Path]:
    from poetry_aegis.server.certificates import certificate_files

    return certificate_files(context.home, context.known.web)


def _leaf(context: Context) -> x509.Certificate | None:
    from poetry_aegis.server import pem

    try:
        return pem.read_chain(_files(context)[0])[0]
    except CertificateError:
        return None


def _der(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def _way_out(context: Context) -> str:
    if context.known.web.certificate:
        return f"Name another one under [web] in {context.home.settings_file}"
    return context.command("start")


def _renewal(context: Context) -> Callable[[], str] | None:
    """Return what makes the certificate anew; nothing where it is one of the operator's own."""
    if context.known.web.certificate:
        return None

    def renew() -> str:
        from poetry_aegis.server.certificates import ensure_certificates
        from poetry_aegis.server.locks import locked
        from poetry_aegis.server.stack.owner import hand_over, owner_of

        settings = context.known
        with locked(context.home, patience=5):
            state = ensure_certificates(context.home, settings.web, now=context.now)
            hand_over(context.home.tls, owner_of(settings.containers))
        end = f"{state.not_after:%Y-%m-%d}"
        return f"It is renewed until {end}; let nginx read it: {context.command('restart nginx')}"

    return renew


def _shown(connection: socket) -> bytes | None:
    if isinstance(connection, ssl.SSLSocket):
        return connection.getpeercert(binary_form=True)
    return None


def _stamped(context: Context) -> list[Path]:
    home = context.home
    known = (home.settings_file, home.data / "state.db", home.auth / "htpasswd")
    return [path for path in known if path.exists()]


def _modified(path: Path) -> float:
    return path.stat().st_mtime


def _ahead(path: Path, context: Context) -> str:
    from poetry_aegis.server.units import format_duration

    return format_duration(_modified(path) - _seconds(context))


def _seconds(context: Context) -> float:
    return context.now.timestamp()


def _date(header: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return datetime.now(timezone.utc).timestamp()
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()


CHECKS = (
    Check("certificate", "The certificate and its key belong together", look_at_pair, is_stack),
    Check("certificate-expiry", "The certificate goes on being good", look_at_end, is_stack),
    Check("certificate-names", "The certificate is for all names", look_at_names, is_stack),
    Check("authority", "The local authority is sound", look_at_authority, has_local_authority),
    Check("tls", "Clients can verify what is shown to them", look_at_handshake, is_stack),
    Check("clock", "The clocks agree", look_at_clock, is_set_up),
)
