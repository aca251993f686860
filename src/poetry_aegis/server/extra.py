"""The ``registry`` extra: whether what the index server needs is installed."""

from __future__ import annotations

from importlib.util import find_spec

from poetry_aegis.errors import MissingExtra
from poetry_aegis.extras import adding, missing_module

_EXTRA = "registry"


def require_registry() -> None:
    """Raise `MissingExtra` where the index server cannot run for want of a package."""
    if (module := missing_module(_EXTRA)) is not None:
        raise missing(module)


def require_cryptography() -> None:
    """Raise `MissingExtra` where no certificate can be made or read for want of a package."""
    if find_spec("cryptography") is None:
        raise missing("cryptography")


def missing(module: str) -> MissingExtra:
    """Return the error for a *module* of the extra that is not installed."""
    return MissingExtra(
        f"The index server needs {module}, which is not installed.",
        hint=f"Install the server's part with: {adding(_EXTRA)}",
    )


def going_back() -> str:
    """Return the command that brings a version of the plugin, with the server's part."""
    return adding(_EXTRA, "==VERSION")


def updating() -> str:
    """Return the command that brings the newest version of the plugin, with the server's part."""
    return adding(_EXTRA, "@latest")
