"""The server's certificate: made by a local authority, or your own and only looked at."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from ipaddress import ip_address
from itertools import pairwise
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.errors import CertificateError
from poetry_aegis.server.extra import require_cryptography

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509

    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.stack.settings import WebSettings

_OF_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_MAKE_ANEW = "Make what is missing with: poetry aegis server start"
_NAME_ANOTHER = "Mend it, or name another certificate in [web] of server.toml."


@dataclass(frozen=True)
class CertificateState:
    """A server's certificate as it is now.

    *days_left* are whole days until *not_after*, *names* what it is for, *issuer* who signed it.
    *is_own*: it is your own, named in ``server.toml``. *problems* are sentences about what clients
    will not like. *made*: it, or the authority's, was made just now.
    """

    not_after: datetime
    days_left: int
    names: tuple[str, ...]
    issuer: str
    is_own: bool
    problems: tuple[str, ...] = ()
    made: bool = False

    def to_json(self) -> dict[str, object]:
        """Return the state as ``--json`` prints it."""
        return {
            "not_after": self.not_after.isoformat(),
            "days_left": self.days_left,
            "names": list(self.names),
            "issuer": self.issuer,
            "own": self.is_own,
            "problems": list(self.problems),
        }


def ensure_certificates(
    home: ServerHome, web: WebSettings, *, now: datetime | None = None
) -> CertificateState:
    """Return the certificate's state after what is missing, out of date or wrong was made.

    One of your own is only looked at. What cannot be made anew while it is still good is one of the
    problems. The caller holds the lock of *home*. Raises `CertificateError`, `MissingExtra`, and
    ``OSError`` where nothing can be written.
    """
    require_cryptography()
    from poetry_aegis.server.issuing import bring_up_to_date

    moment = _moment(now)
    if web.certificate:
        return check_certificate(home, web, now=moment)
    try:
        made = bring_up_to_date(home.tls, _names(web), moment)
    except CertificateError as refused:
        with suppress(CertificateError):
            state = check_certificate(home, web, now=moment)
            return replace(state, problems=(*state.problems, str(refused)))
        raise
    return replace(check_certificate(home, web, now=moment), made=made)


def check_certificate(
    home: ServerHome, web: WebSettings, *, now: datetime | None = None
) -> CertificateState:
    """Return the state of the certificate that nginx is given.

    Raises `CertificateError` for one that cannot be used: unreadable, out of date, not yet valid,
    or about another key; and `MissingExtra`.
    """
    require_cryptography()
    from poetry_aegis.server import pem

    certificate_file, key_file = certificate_files(home, web)
    is_own = bool(web.certificate)
    try:
        chain = pem.read_chain(certificate_file)
        key = pem.read_key(key_file)
    except CertificateError as error:
        error.hint = _way_out(is_own=is_own)
        raise
    leaf = chain[0]
    _note_expiry(home, leaf.not_valid_after_utc)
    if not pem.belong_together(leaf, key):
        raise CertificateError(
            f"The certificate {certificate_file} is not about the key {key_file}.",
            hint=_way_out(is_own=is_own),
        )
    moment = _moment(now)
    _require_valid(leaf, certificate_file, moment, is_own=is_own)
    return CertificateState(
        not_after=leaf.not_valid_after_utc,
        days_left=(leaf.not_valid_after_utc - moment).days,
        names=pem.names_of(leaf),
        issuer=leaf.issuer.rfc4514_string(),
        is_own=is_own,
        problems=tuple(_problems(chain, key_file, web)),
    )


def certificate_files(home: ServerHome, web: WebSettings) -> tuple[Path, Path]:
    """Return where the server's certificate, with those above it, and its key are."""
    if web.certificate:
        return home.root / web.certificate, home.root / web.certificate_key
    return home.tls / "server.crt", home.tls / "server.key"


def ca_certificate(home: ServerHome, web: WebSettings) -> str:
    """Return, in PEM, the authority that clients of the server should trust.

    Raises `CertificateError` where it is not known: none was made yet, or the certificate is your
    own and does not say; and `MissingExtra`.
    """
    require_cryptography()
    from poetry_aegis.server import pem

    if not web.certificate:
        try:
            return pem.pem_of(pem.read_chain(home.tls / "ca.crt")[:1]).decode("ascii")
        except CertificateError as error:
            absent = isinstance(error.__cause__, FileNotFoundError)
            error.hint = _MAKE_ANEW if absent else "Ask as the user who has set the server up."
            raise
    certificate_file, _ = certificate_files(home, web)
    last = pem.read_chain(certificate_file)[-1]
    if pem.issued(last, last):
        return pem.pem_of((last,)).decode("ascii")
    raise CertificateError(
        f"{certificate_file} does not hold the authority that its certificate comes from.",
        hint="Clients trust a public authority already; ask whoever runs another one.",
    )


def _names(web: WebSettings) -> tuple[str, ...]:
    """Return what the certificate has to be for, each once, addresses as they are written."""
    return tuple(dict.fromkeys(map(_as_written, (web.name, *web.names, *_OF_THIS_MACHINE))))


def _as_written(name: str) -> str:
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def _require_valid(leaf: x509.Certificate, path: Path, now: datetime, *, is_own: bool) -> None:
    if leaf.not_valid_after_utc <= now:
        raise CertificateError(
            f"The certificate {path} ended on {leaf.not_valid_after_utc:%Y-%m-%d}.",
            hint=_way_out(is_own=is_own),
        )
    if now < leaf.not_valid_before_utc:
        raise CertificateError(
            f"The certificate {path} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}, "
            f"and this machine's clock says {now:%Y-%m-%d}.",
            hint="Set the clock, and see it with: timedatectl",
        )


def _problems(chain: list[x509.Certificate], key_file: Path, web: WebSettings) -> Iterator[str]:
    from poetry_aegis.server import pem

    names = pem.names_of(chain[0])
    for wanted in dict.fromkeys((web.name, *web.names)):
        if not pem.covers(names, wanted):
            yield f"The certificate is not for {wanted}: clients will refuse it there."
    for below, above in pairwise(chain):
        if not pem.issued(above, below):
            yield "The certificates after the first are not each the authority of the one before."
            break
    if key_file.stat().st_mode & 0o007:
        yield f"Every user of this machine can open the key {key_file}."


def _note_expiry(home: ServerHome, end: datetime) -> None:
    """Write when the certificate ends, in seconds since 1970, for the alerts."""
    path, text = home.tls / "expiry", f"{int(end.timestamp())}\n"
    try:
        if path.read_text(encoding="ascii") == text:
            return
    except (OSError, ValueError):
        pass
    try:
        home.tls.mkdir(mode=0o700, exist_ok=True)
        if path.exists():
            # In place: a container into which this one file is mounted would not see another.
            with path.open("r+", encoding="ascii") as stream:
                stream.write(text)
                stream.truncate()
        else:
            atomic.write_text(path, text, mode=0o644)
    except PermissionError:
        return  # Whoever only looks may not be allowed to write.


def _way_out(*, is_own: bool) -> str:
    return _NAME_ANOTHER if is_own else _MAKE_ANEW


def _moment(now: datetime | None) -> datetime:
    """Return *now*, else the time; certificates know whole seconds."""
    return (now or datetime.now(timezone.utc)).replace(microsecond=0)
