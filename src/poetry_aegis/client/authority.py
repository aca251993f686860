"""The authority that has signed an index's certificate, where not every client trusts it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from poetry_aegis.client.poetry import Index
from poetry_aegis.errors import CertificateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_MOST_CHARACTERS = 1_000_000
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def with_authority(index: Index) -> Index:
    """Return *index* with the file in which this user keeps its authority.

    Raises `UsageError` for an address without TLS, where nothing is verified.
    """
    import platformdirs

    if urlsplit(index.base_url).scheme != "https":
        raise UsageError(
            f"{index.base_url} has no certificate to verify.",
            hint="Name the address with https://, or leave --ca away.",
        )
    folder = platformdirs.user_data_path("poetry-aegis", appauthor=False) / "authorities"
    return Index(index.name, index.base_url, folder / f"{index.name}.crt")


def read_authority(path: Path) -> str:
    """Return the certificates of the PEM file *path*, and nothing else that may be in it.

    Raises `CertificateError` where there are none.
    """
    import ssl

    try:
        with path.open(encoding="ascii", errors="replace") as stream:
            found = _CERTIFICATE.findall(stream.read(_MOST_CHARACTERS))
        text = "".join(f"{item}\n" for item in found)
        ssl.create_default_context(cadata=text or "none")
    except ssl.SSLError:
        raise CertificateError(
            f"{path} holds no certificate in PEM.",
            hint="Write it on the server with: poetry aegis server ca --output ca.crt",
        ) from None
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror or error}.") from error
    return text


def keep_authority(index: Index, authority: str) -> None:
    """Write *authority*, in PEM, where *index* says. Raises ``OSError``."""
    from poetry_aegis.atomic import write_text

    if index.authority is not None:
        index.authority.parent.mkdir(parents=True, exist_ok=True)
        write_text(index.authority, authority, mode=0o644)


def bundle_notes(index: Index, tool: str) -> tuple[str, ...]:
    """Return what to know where the environment makes *tool* trust other authorities alone.

    ``requests``, which it is built upon, obeys the environment before what *tool* itself is told.
    """
    if index.authority is None:
        return ()
    return tuple(
        f"{name} is set: {tool} trusts what is in that file, and not {index.authority}."
        for name in BUNDLES
        if os.environ.get(name)
    )


def hidden_by(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return a warning where *environment* makes uploads trust other authorities alone.

    It is ``requests`` that does so, whatever Poetry's configuration says. Installing is not
    concerned, and neither is ``poetry aegis publish``.
    """
    return tuple(
        f"{name} hides the server's authority from poetry publish while it is set; "
        "poetry aegis publish works all the same."
        for name in BUNDLES
        if environment.get(name)
    )
