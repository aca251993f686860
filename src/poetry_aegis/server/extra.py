"""The ``registry`` extra: whether what the index server needs is installed."""

from __future__ import annotations

from importlib.util import find_spec

from poetry_aegis.errors import MissingExtra

# The import names of the extra's requirements.
MODULES = ("bcrypt", "python_multipart", "securesystemslib", "starlette", "uvicorn")


def require_registry() -> None:
    """Raise `MissingExtra` where the index server cannot run for want of a package."""
    for module in MODULES:
        if find_spec(module) is None:
            raise missing(module)


def require_cryptography() -> None:
    """Raise `MissingExtra` where no certificate can be made or read for want of a package."""
    if find_spec("cryptography") is None:
        raise missing("cryptography")


def missing(module: str) -> MissingExtra:
    """Return the error for a *module* of the extra that is not installed."""
    return MissingExtra(
        f"The index server needs {module}, which is not installed.",
        hint='Install the server\'s part with: poetry self add "poetry-aegis[registry]"',
    )
