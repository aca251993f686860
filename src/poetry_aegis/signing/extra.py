"""The ``signing`` extra: whether what signatures need is installed."""

from __future__ import annotations

from importlib.util import find_spec

from poetry_aegis.errors import MissingExtra

# The import names of the extra's requirements.
MODULES = ("securesystemslib", "cryptography", "bcrypt")


def require_signing() -> None:
    """Raise `MissingExtra` where nothing can be signed or verified for want of a package."""
    for module in MODULES:
        if find_spec(module) is None:
            raise MissingExtra(
                f"Signatures need {module}, which is not installed.",
                hint='Install the part for them with: poetry self add "poetry-aegis[signing]"',
            )
