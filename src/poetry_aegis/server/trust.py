"""Which authority clients of a server have to be told to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import CertificateError
from poetry_aegis.server.certificates import ca_certificate

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome


def authority_of(home: ServerHome, settings: ServerSettings) -> str:
    """Return what `ca_certificate` does, for a server that has a certificate at all.

    Raises as it does, and `CertificateError` for a server without TLS.
    """
    if settings.is_stack:
        return ca_certificate(home, settings.web)
    raise CertificateError(
        "This server has no certificate: it answers without TLS.",
        hint='The driver "compose" gives it one; a proxy before it has its own.',
    )


def authority_for_clients(home: ServerHome, settings: ServerSettings) -> str | None:
    """Return the authority that clients do not trust before they are told to, in PEM.

    ``None`` where there is no TLS, or the certificate is your own and comes from another one.
    Raises as `ca_certificate` does.
    """
    if not settings.is_stack:
        return None
    try:
        return ca_certificate(home, settings.web)
    except CertificateError:
        if settings.web.certificate:
            return None
        raise
